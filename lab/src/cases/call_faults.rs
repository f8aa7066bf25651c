//! Every system call of a small job fails, once and from then on, with every error there is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::copier::{self, Copied};
use crate::lab::Lab;
use crate::ledger::Ledger;
use crate::likeness::Likeness;
use crate::small::{self, OPTIONS, Small};
use crate::trace::{FaultPoint, Gate, Lasts, Passed, Place, are_all_wanted};
use crate::volume::Volume;

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

/// How many of those that went wrong are told.
const MOST_TOLD: usize = 400;

/// A fault to be met: the point, the error, and how long it lasts.
type Fault<'a> = (&'a FaultPoint, (&'static str, u64), Lasts);

/// How runs are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Record {
    Nowhere,
    Ledger,
}

/// Where one thread of the lab works.
struct Stage<'a> {
    lab: &'a Lab,
    _volume: Volume,
    small: Small,
    gate: Gate,
    ledger: Ledger,
    record: Record,
    undisturbed: Likeness,
}

impl<'a> Stage<'a> {
    fn new(lab: &'a Lab, record: Record) -> Result<Self> {
        let volume = Volume::thin(lab, 96 << 20, 128 << 20)?;
        let top = volume.dir("top")?;
        let small = Small::new(&top)?;
        let gate = Gate::new(lab.new_path("gate"))?;
        let ledger = Ledger::within(&top.join("ledger"));
        small.fill()?;
        let copied = lab.copy(&OPTIONS, &small.source, &small.target)?;
        copied.ensure_ok()?;
        small.ensure_all_new()?;
        small.ensure_kept(&copied)?;
        let undisturbed = Likeness::take(&small.target)?;
        Ok(Self { lab, _volume: volume, small, gate, ledger, record, undisturbed })
    }

    /// Makes all as it is before, and the command that stands at the gate.
    fn begin(&self) -> Result<Command> {
        self.small.fill()?;
        self.ledger.remove()?;
        let mut command = self.copy(&OPTIONS);
        command.arg("--exclude-from").arg(&self.gate.pipe);
        Ok(command)
    }

    fn copy(&self, options: &[&str]) -> Command {
        let Small { source, target, .. } = &self.small;
        match self.record {
            Record::Nowhere => self.lab.copy_command(options, source, target),
            Record::Ledger => self.ledger.copy_command(self.lab, &[], options, (source, target)),
        }
    }

    fn place(&self) -> Place<'_> {
        Place { lab: self.lab, gate: &self.gate, top: &self.small.top }
    }

    /// Lets one call fail and looks at what comes of it. `false` when it was not met.
    fn attempt(&self, (point, error, lasts): Fault<'_>) -> Result<bool> {
        let passed = self.place().fail(point, (error.0, lasts), &mut self.begin()?)?;
        if !passed.log.contains("(INJECTED)") {
            return Ok(false);
        }
        let copied = copier::read(&passed.output).context("what it writes");
        let copied =
            copied.with_context(|| format!("status {}", copier::exit_status(&passed.output)))?;
        self.judge(&passed, &copied, point).with_context(|| copied.describe())?;
        self.ensure_told(&copied, point, error.1).with_context(|| copied.describe())?;
        ensure_not_in_vain(&copied, (point, error, lasts)).with_context(|| copied.describe())?;
        ensure_flushed_once(&passed.log)?;
        self.go_on(&copied).with_context(|| format!("after {}", copied.describe()))?;
        Ok(true)
    }

    /// What has to hold whatever failed.
    fn judge(&self, passed: &Passed, copied: &Copied, point: &FaultPoint) -> Result<()> {
        ensure!(copied.status < 128, "it ended with status {}", copied.status);
        let told = small::told_done(copied);
        self.small.check(&told).context("I1")?;
        small::ensure_counted(copied)?;
        if copied.status == 0 {
            self.small.ensure_all_new().context("exit status 0")?;
        }
        self.small.ensure_kept(copied)?;
        self.small.ensure_source_untouched()?;
        ensure!(!passed.log.contains("panicked"), "it panicked");
        if self.record == Record::Ledger && self.ledger.has_job(self.lab)? {
            let items = self.ledger.items(self.lab)?;
            let recorded = items.done().map(Path::to_owned).collect();
            self.small.check(&recorded).context("what was recorded")?;
            // What is published stays so when the ledger fails after that. It is told, the exit status says that
            // it is not recorded, and the next run finds it there.
            let is_unrecorded = copied.status == 5;
            ensure!(
                told.is_subset(&recorded) || is_unrecorded,
                "told and not recorded: {told:?}, {recorded:?}"
            );
            if point.is_ledger {
                self.ledger.ensure_sound(self.lab).context("I10")?;
            }
        }
        Ok(())
    }

    /// Fails unless a failure names the file, what was done, and the error.
    fn ensure_told(&self, copied: &Copied, point: &FaultPoint, number: u64) -> Result<()> {
        for item in copied.of_type("item").filter(|item| item["status"] == "error") {
            let error = &item["error"];
            for member in ["path", "message", "suggestion"] {
                let text = error[member].as_str().unwrap_or_default();
                ensure!(!text.is_empty(), "no {member}: {error}");
            }
        }
        if copied.status == 0 {
            return Ok(());
        }
        let all = copied.objects.iter().map(Value::to_string).collect::<String>() + &copied.stderr;
        // Of what failed in a ledger SQLite gives no number, but words.
        let is_told = if point.is_ledger {
            all.contains("/ledger") && copied.status == 5
        } else {
            all.contains(&format!("os error {number})"))
                || all.contains(&format!("\"os_error\":{number},"))
        };
        ensure!(is_told, "the error is not told, exit status {}", copied.status);
        Ok(())
    }

    /// The next runs end well, and leave nothing of ours.
    fn go_on(&self, copied: &Copied) -> Result<()> {
        if self.record == Record::Ledger && self.ledger.has_job(self.lab)? {
            let resumed = copier::finish(&mut self.ledger.resume_command(self.lab, &[]))?;
            ensure!(
                resumed.status == 0 || copied.status == 0 || resumed.status == 2,
                "resume: {}: {}",
                resumed.status,
                resumed.describe()
            );
        }
        let again = copier::finish(&mut self.copy(&OPTIONS))?;
        again.ensure_ok().context("the next run")?;
        let mut is_clean = true;
        for left in self.small.backups()? {
            // What the first run has said that it could not remove, or keeps for somebody to decide.
            let told = copied.objects.iter().any(|object| mentions(object, &left));
            ensure!(told, "I6: {} is left, untold", left.display());
            std::fs::remove_file(&left)?;
            // That also changed the time of its directory.
            is_clean = false;
        }
        if is_clean {
            self.undisturbed.ensure_of(&self.small.target).context("after the next run")?;
        }
        Ok(())
    }
}

fn mentions(object: &Value, path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // That an item had a backup says nothing of its being left.
    object["type"] != "item" && object.to_string().contains(&*name)
        || object["error"].to_string().contains(&*name)
        || object["warnings"].to_string().contains(&*name)
}

/// Fails when a call that is only an offer, or was interrupted, makes a copy fail.
fn ensure_not_in_vain(copied: &Copied, (point, error, lasts): Fault<'_>) -> Result<()> {
    let has = |word: &str| point.arguments.contains(word);
    let is_refused = ["EINVAL", "EOPNOTSUPP", "ENOSYS"].contains(&error.0);
    let is_offer = match point.call.as_str() {
        "fallocate" | "copy_file_range" | "ioctl" | "sync_file_range" | "fadvise64" => true,
        "openat" => has("O_TMPFILE") || has("O_DIRECT|") || has("O_DIRECT,"),
        "renameat2" => true,
        "openat2" => error.0 == "ENOSYS",
        _ => false,
    };
    // On its own files SQLite begins anew where a signal can really interrupt.
    let can_be = !point.is_ledger || ["openat", "pread64", "pwrite64"].contains(&&*point.call);
    let is_interrupted = error.0 == "EINTR" && lasts == Lasts::Once && can_be;
    if (is_refused && is_offer) || is_interrupted {
        ensure!(copied.status == 0, "it failed in vain");
    }
    Ok(())
}

/// Fails when a file whose flush has failed is flushed again.
fn ensure_flushed_once(log: &str) -> Result<()> {
    let file = |line: &str| -> Option<String> {
        let (_, rest) = line.split_once("sync(")?;
        let path = rest.split_once('<')?.1.split_once('>')?.0;
        path.contains("/.surecopy-").then(|| path.to_owned())
    };
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("sync(")).collect();
    for (at, line) in lines.iter().enumerate() {
        if line.contains("EIO")
            && let Some(failed) = file(line)
        {
            let again = lines[at + 1..].iter().any(|line| file(line).as_ref() == Some(&failed));
            ensure!(!again, "{failed} is flushed again after EIO:\n{log}");
        }
    }
    Ok(())
}

/// All faults at these points.
fn all<'a>(points: &'a [FaultPoint]) -> Vec<Fault<'a>> {
    let mut faults = Vec::new();
    for point in points {
        for error in ERRORS {
            for lasts in [Lasts::Once, Lasts::Always] {
                // No system interrupts for ever, and who goes on goes on for ever.
                if (error.0, lasts) != ("EINTR", Lasts::Always) {
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

fn run(stage: &Stage<'_>, fault: Fault<'_>, tally: &Tally) {
    // How far a thread comes while another writes differs: what was not met is tried again.
    for _ in 0..2 {
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
    let is_all = are_all_wanted();
    let first = Stage::new(lab, record)?;
    let points = first.place().points(&mut first.begin()?)?;
    let names: std::collections::BTreeSet<&str> =
        points.iter().map(|point| point.call.as_str()).collect();
    let faults = if is_all { all(&points) } else { sample(&points) };
    let tally = Tally::default();
    let next = AtomicUsize::new(0);
    let work = |stage: &Stage<'_>| {
        while let Some(fault) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
            run(stage, *fault, &tally);
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
    ensure!(missed * 20 <= faults.len(), "too many were not met: {figures}");
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
