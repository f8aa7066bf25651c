//! Every system call of a small job fails, once and from then on, with every error there is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Result, ensure};

use crate::failing::{Fault, Record, Stage};
use crate::lab::Lab;
use crate::small::Small;
use crate::trace::{FaultPoint, Lasts, are_all_wanted};

/// Each call fails with each of these, by number as reports have it.
const ERRORS: [(&str, u64); 17] = [
    ("EIO", 5),
    ("ENOSPC", 28),
    ("EDQUOT", 122),
    ("EACCES", 13),
    ("EPERM", 1),
    ("EROFS", 30),
    ("EINTR", 4),
    ("EAGAIN", 11),
    ("EMFILE", 24),
    ("ENFILE", 23),
    ("ENOMEM", 12),
    ("ESTALE", 116),
    ("ETXTBSY", 26),
    ("EXDEV", 18),
    ("EINVAL", 22),
    ("EOPNOTSUPP", 95),
    ("ENOSYS", 38),
];

/// At how many other points of a call an error is tried that was not met.
const OTHERS: usize = 6;

/// How many of those that went wrong are told.
const MOST_TOLD: usize = 400;

/// All faults at these points.
fn all<'a>(points: &'a [FaultPoint]) -> Vec<Fault<'a>> {
    let mut faults = Vec::new();
    for point in points {
        for error in ERRORS {
            for lasts in [Lasts::Once, Lasts::Always] {
                // No system interrupts for ever, and who goes on goes on for ever. A source that somebody holds is
                // waited for as long as the system lets them: not here.
                let is_held = point.path.as_ref().is_some_and(|path| path.starts_with("source"))
                    && point.call == "openat"
                    && error.0 == "EAGAIN";
                if lasts == Lasts::Once || (error.0 != "EINTR" && !is_held) {
                    faults.push((point, error, lasts));
                }
            }
        }
    }
    faults
}

/// Of each call, each error, once and lasting: at another of its points each time.
fn sample<'a>(points: &'a [FaultPoint]) -> Vec<Fault<'a>> {
    let mut by_name: BTreeMap<(&str, bool), Vec<&FaultPoint>> = BTreeMap::new();
    for point in points {
        by_name.entry((&point.call, point.is_ledger)).or_default().push(point);
    }
    let has_ledger = points.iter().any(|point| point.is_ledger);
    let mut faults = Vec::new();
    for points in by_name.values() {
        let mut kinds = all(std::slice::from_ref(points[0]));
        // Beside a ledger, what the copy itself does with all errors is known from a copy without one.
        if has_ledger && !points[0].is_ledger {
            kinds.retain(|(_, error, _)| ["EIO", "ENOSPC", "EINTR"].contains(&error.0));
        }
        for (number, (_, error, lasts)) in kinds.iter().enumerate() {
            // Far from the one before, so that all parts of the job are met.
            faults.push((points[number * 7919 % points.len()], *error, *lasts));
        }
    }
    faults
}

/// What a run over many faults has come to.
#[derive(Default)]
struct Tally {
    met: AtomicUsize,
    missed: AtomicUsize,
    wrong: Mutex<Vec<String>>,
}

fn describe((point, error, lasts): Fault<'_>) -> String {
    format!("{} {lasts:?} at {point}", error.0)
}

fn run(stage: &Stage<'_>, fault: Fault<'_>, others: &[FaultPoint], tally: &Tally) {
    // How far a thread comes while another writes differs, and what fails before keeps from coming so far: what was
    // not met is tried again, and then at other points of this call.
    let (point, error, lasts) = fault;
    let is_alike = |other: &&FaultPoint| {
        other.call == point.call && other.is_ledger == point.is_ledger && *other != point
    };
    let others = others.iter().filter(is_alike).take(OTHERS);
    for point in [point, point].into_iter().chain(others) {
        let fault = (point, error, lasts);
        match stage.attempt(fault) {
            Ok(true) => {
                tally.met.fetch_add(1, Ordering::Relaxed);
                return;
            }
            Ok(false) => {}
            Err(error) => {
                tally.met.fetch_add(1, Ordering::Relaxed);
                let text = format!("{}:\n{error:#}", describe(fault));
                tally.wrong.lock().unwrap_or_else(PoisonError::into_inner).push(text);
                return;
            }
        }
    }
    tally.missed.fetch_add(1, Ordering::Relaxed);
}

fn everywhere(lab: &Lab, record: Record) -> Result<String> {
    let first = Stage::new(lab, record)?;
    let points = first.place().points(&mut first.begin()?)?;
    let names: std::collections::BTreeSet<&str> =
        points.iter().map(|point| point.call.as_str()).collect();
    let (wanted, others): (Vec<_>, Vec<_>) =
        points.iter().cloned().partition(|point| are_all_wanted(&point.call));
    let is_all = !wanted.is_empty();
    // Who wants all of some calls has seen the others.
    let faults = if is_all { all(&wanted) } else { sample(&others) };
    let tally = Tally::default();
    let next = AtomicUsize::new(0);
    let work = |stage: &Stage<'_>| {
        while let Some(fault) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
            // When all are to be met, one does not stand for another.
            run(stage, *fault, if is_all { &[] } else { &points }, &tally);
        }
    };
    thread::scope(|scope| -> Result<()> {
        let other = scope.spawn(|| Stage::new(lab, record).map(|stage| work(&stage)));
        work(&first);
        other.join().map_err(|_| anyhow::anyhow!("a thread of the lab panicked"))?
    })?;
    let wrong = tally.wrong.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (met, missed) = (tally.met.into_inner(), tally.missed.into_inner());
    let figures =
        format!("{} points of {} calls: {met} faults met, {missed} not", points.len(), names.len());
    if !wrong.is_empty() {
        let mut text = String::new();
        for one in wrong.iter().take(MOST_TOLD) {
            writeln!(text, "{one}\n")?;
        }
        anyhow::bail!("{figures}, {} of them wrongly\n{text}", wrong.len());
    }
    let bearable = if is_all { faults.len() / 20 } else { 0 };
    ensure!(missed <= bearable, "too many were not met: {figures}");
    Ok(figures)
}

/// Without a ledger.
pub(crate) fn of_a_copy(lab: &Lab) -> Result<String> {
    everywhere(lab, Record::Nowhere)
}

/// With one, whose own files are among those that fail.
pub(crate) fn of_a_recorded_copy(lab: &Lab) -> Result<String> {
    everywhere(lab, Record::Ledger)
}

/// `cp` writes into the old file: were that not found, nothing that is not found would mean anything.
pub(crate) fn of_a_careless_program(lab: &Lab) -> Result<String> {
    let small = Small::new(&lab.new_dir("careless")?)?;
    let log = lab.new_path("strace.log");
    let mut wrong = 0;
    for number in 1..=8 {
        small.fill()?;
        let inject = format!("--inject=copy_file_range,write,read:error=ENOSPC:when={number}+");
        let mut command = Command::new("strace");
        command.args(["-f", "-q", "-o"]).arg(&log).arg(inject);
        // From a folder of the target's device on, so that the loader is left alone.
        command.arg(format!("--trace-path={}", small.target.join("replaced").display()));
        command.arg(format!("--trace-path={}", small.target.join("medium-replaced").display()));
        command.args(["cp", "-a"]).arg(small.source.join(".")).arg(&small.target);
        let output = crate::child::Running::start(&mut command)?.output()?;
        let met = std::fs::read_to_string(&log)?.contains("(INJECTED)");
        ensure!(met || number > 1, "{}", String::from_utf8_lossy(&output.stderr));
        wrong += usize::from(met && small.check(&Default::default()).is_err());
    }
    ensure!(wrong > 0, "never was a file damaged");
    Ok(format!("{wrong} times with a damaged file"))
}
