//! The power is cut under a recorded job, and the job is gone on with.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::copier::done_among;
use crate::crash::{CUTS, Machine, Place, State, Told};
use crate::disks::Log;
use crate::disturbed::{Disturbed, Ends};
use crate::job::{Job, Size};
use crate::lab::Lab;
use crate::ledger::Ledger;
use crate::likeness::Likeness;
use crate::trace::{KillPoint, Trace, some};
use crate::volume::Fs;

/// How many states are looked at of each volume, and place of the ledger.
const STATES: usize = 45;

/// The same where a ledger is ahead, which many groups of files are.
const AHEAD: usize = 16;

/// What is drawn is drawn from this; the logs differ anyway.
const SEED: u64 = 45;

/// What flushes, names and removes.
const PUBLISHING: [&str; 8] =
    ["fsync", "fdatasync", "syncfs", "renameat2", "renameat", "linkat", "unlinkat", "unlink"];

/// How many cuts are made before calls on the ledger's files; there is one before each of the others.
const ON_LEDGER: usize = 8;

fn machine(place: Place, lab: &Lab, job: &Job) -> Result<Machine> {
    Machine::new(lab, &place.disks(), |disks| job.fill(&disks.path(0).join("target")))
}

/// The job on disks that are always mounted at the same places.
fn recorded<'a>(
    place: Place,
    lab: &'a Lab,
    job: &'a Job,
    options: &'a [&'a str],
    disk: impl Fn(usize) -> &'a Path,
) -> Disturbed<'a> {
    let target = disk(0).join("target");
    let ledger = Ledger::within(&place.ledger(disk));
    Disturbed { lab, job, options, target, ledger }
}

/// In every state the ledger is not ahead of what is there, and the resumed job ends well.
pub(crate) fn of_states(lab: &Lab) -> Result<String> {
    let job = Job::with_links(&lab.new_dir("source")?, Size { small: 40, medium: 2 })?;
    let places = [
        Place { target: Fs::Ext4, ledger: None },
        Place { target: Fs::Xfs, ledger: None },
        Place { target: Fs::Btrfs, ledger: None },
        Place { target: Fs::Ext4, ledger: Some(Fs::Xfs) },
        Place { target: Fs::Xfs, ledger: Some(Fs::Btrfs) },
        Place { target: Fs::Btrfs, ledger: Some(Fs::Ext4) },
    ];
    let mut figures = Vec::new();
    for place in places {
        let figure = states_of(lab, &job, place).with_context(|| place.name())?;
        figures.push(format!("{}: {figure}", place.name()));
    }
    Ok(format!("seed {SEED}; {}", figures.join("; ")))
}

const OPTIONS: [&str; 6] = ["-j", "2", "--set", "group_max_files=8", "--on-conflict", "replace"];

fn states_of(lab: &Lab, job: &Job, place: Place) -> Result<String> {
    let machine = machine(place, lab, job)?;
    let undisturbed = undisturbed(lab, job, place, &OPTIONS, &machine)?;
    let (log, told) = record(lab, job, place, &OPTIONS, &machine, &[])?;
    let (mut ends, mut amid) = (Ends::default(), 0);
    let explored = machine.explore(&log, SEED, STATES, |state| {
        let told = told.done_at(state.position);
        let recorded = recorded(place, lab, job, &OPTIONS, |disk| state.path(disk));
        let found = recorded.check_and_go_on(&told, &undisturbed, &mut ends)?;
        amid += usize::from(found.new > 0 && found.new < job.len());
        Ok(())
    })?;
    ensure!(
        ends.resumed > 0 && ends.begun_again > 0 && amid > 5,
        "the states were not spread, {amid} in the middle: {ends}"
    );
    Ok(format!("{explored}, {amid} in the middle: {ends}"))
}

fn undisturbed(
    lab: &Lab,
    job: &Job,
    place: Place,
    options: &[&str],
    machine: &Machine,
) -> Result<Likeness> {
    let state = machine.mount_before()?;
    let likeness = recorded(place, lab, job, options, |disk| state.path(disk)).undisturbed()?;
    state.unmount()?;
    Ok(likeness)
}

fn record(
    lab: &Lab,
    job: &Job,
    place: Place,
    options: &[&str],
    machine: &Machine,
    wrapper: &[&str],
) -> Result<(Log, Told)> {
    let (log, told) = machine.record(|recorder| {
        let recorded = recorded(place, lab, job, options, |disk| recorder.path(disk));
        recorder.run(&mut recorded.command(wrapper))
    })?;
    told.copied.ensure_ok()?;
    Ok((log, told))
}

/// So many in a group that the volume is flushed, which the ledger never does.
const IN_GROUPS: [&str; 6] = ["-j", "1", "--set", "group_max_files=20", "--on-conflict", "replace"];

/// A copy for which flushes do nothing: all of them, or, where the ledger has its own disk, those of folders on
/// the other, with which groups are flushed.
fn without_flushes(lab: &Lab, job: &Job, place: Place, machine: &Machine) -> Result<(Log, Told)> {
    let trace = lab.new_path("strace.log").display().to_string();
    let mut wrapper: Vec<String> =
        ["strace", "-f", "-q", "-o", &trace, "--trace=fsync,fdatasync,syncfs,sync_file_range"]
            .map(str::to_owned)
            .into();
    wrapper.push("--inject=fsync,fdatasync,syncfs,sync_file_range:retval=0".to_owned());
    if place.ledger.is_some() {
        let folders = ["target", "target/folder", "target/new", "target/empty"];
        let folders = folders.map(|name| machine.path(0).join(name));
        wrapper.extend(folders.map(|path| format!("--trace-path={}", path.display())));
    }
    let words: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    let recorded = record(lab, job, place, &IN_GROUPS, machine, &words)?;
    let suppressed = fs::read_to_string(trace)?.matches("(INJECTED)").count();
    ensure!(suppressed > 5, "{suppressed} flushes were suppressed");
    Ok(recorded)
}

/// The same on machines that do not flush: what was reported is to be lost. Were that not found, nothing that is
/// not found would mean anything.
pub(crate) fn of_states_without_flushes(lab: &Lab) -> Result<String> {
    let job = Job::with_links(&lab.new_dir("source")?, Size { small: 40, medium: 0 })?;
    let mut figures = Vec::new();
    for target in [Fs::Ext4, Fs::Xfs] {
        // On one disk, the ledger's flush would be one of all that is on it.
        let place = Place { target, ledger: None };
        let machine = machine(place, lab, &job)?;
        let (log, told) = without_flushes(lab, &job, place, &machine)?;
        let mut lost = 0;
        let explored = machine.explore(&log, SEED, STATES, |state| {
            let target = state.path(0).join("target");
            lost += usize::from(job.check(&target, &told.done_at(state.position)).is_err());
            Ok(())
        })?;
        ensure!(lost > 0, "{}: nothing was lost", place.name());
        figures.push(format!("{}: {explored}, {lost} with losses", place.name()));
    }
    Ok(figures.join("; "))
}

/// A ledger that is flushed, and says of files that nobody flushed that they are complete: the check of
/// [`of_states`] has to find that they are not.
pub(crate) fn of_a_ledger_ahead(lab: &Lab) -> Result<String> {
    let job = Job::with_links(&lab.new_dir("source")?, Size { small: 100, medium: 0 })?;
    let mut figures = Vec::new();
    for (target, ledger) in [(Fs::Ext4, Fs::Xfs), (Fs::Xfs, Fs::Ext4)] {
        let place = Place { target, ledger: Some(ledger) };
        let machine = machine(place, lab, &job)?;
        let undisturbed = undisturbed(lab, &job, place, &IN_GROUPS, &machine)?;
        let (log, told) = without_flushes(lab, &job, place, &machine)?;
        let (mut ends, mut ahead) = (Ends::default(), Vec::new());
        let explored = machine.explore(&log, SEED, AHEAD, |state| {
            let told = told.done_at(state.position);
            let recorded = recorded(place, lab, &job, &IN_GROUPS, |disk| state.path(disk));
            let found = recorded.check_and_go_on(&told, &undisturbed, &mut ends);
            let said = found.err().map(|error| format!("{error:#}"));
            ahead.extend(said.filter(|said| said.contains("reported as done, is")));
            Ok(())
        })?;
        let first = ahead.first().with_context(|| format!("{}: nothing was lost", place.name()))?;
        let first = first.rsplit('/').next().unwrap_or_default();
        figures.push(format!("{}: {explored}, {} ahead: {first}", place.name(), ahead.len()));
    }
    Ok(figures.join("; "))
}

/// The same when the power is cut right before calls that publish, of the engine all.
pub(crate) fn at_calls(lab: &Lab) -> Result<String> {
    let options = ["-j", "1", "--set", "group_max_files=4", "--on-conflict", "replace"];
    let job = Job::with_links(&lab.new_dir("source")?, Size { small: 5, medium: 1 })?;
    let mut figures = Vec::new();
    for (target, other) in [(Fs::Ext4, Fs::Xfs), (Fs::Xfs, Fs::Ext4)] {
        for ledger in [None, Some(other)] {
            let place = Place { target, ledger };
            let machine = machine(place, lab, &job)?;
            let undisturbed = undisturbed(lab, &job, place, &options, &machine)?;
            for cut in CUTS {
                let what = format!("{} {cut}", place.name());
                let figure = cut_jobs(lab, &job, place, &options, &machine, cut, &undisturbed)
                    .with_context(|| what.clone())?;
                figures.push(format!("{what}: {figure}"));
            }
        }
    }
    Ok(figures.join("; "))
}

fn cut_jobs(
    lab: &Lab,
    job: &Job,
    place: Place,
    options: &[&str],
    machine: &Machine,
    cut: &str,
    undisturbed: &Likeness,
) -> Result<String> {
    let command = |disks: &State, wrapper: &[&str]| {
        Ok(recorded(place, lab, job, options, |disk| disks.path(disk)).command(wrapper))
    };
    let state = machine.mount_before()?;
    let trace = Trace::take(lab, |wrapper| command(&state, wrapper))?;
    trace.ensure_ok()?;
    state.unmount()?;
    let points: Vec<_> =
        trace.points.iter().filter(|point| PUBLISHING.contains(&point.call.as_str())).collect();
    let (on_ledger, mut points): (Vec<&KillPoint>, Vec<_>) =
        points.into_iter().partition(|point| point.is_ledger);
    points.extend(some(&on_ledger, ON_LEDGER));
    let (mut ends, mut cuts, mut sharp, mut told_before) = (Ends::default(), 0, 0, 0);
    for point in &points {
        let cut_off =
            machine.cut_at(lab, point, cut, command).with_context(|| point.to_string())?;
        let Some(cut_off) = cut_off else { continue };
        let copied = cut_off.killed.copied()?;
        let told = done_among(&copied.objects);
        let recorded = recorded(place, lab, job, options, |disk| cut_off.state.path(disk));
        recorded
            .check_and_go_on(&told, undisturbed, &mut ends)
            .with_context(|| point.to_string())?;
        told_before += told.len();
        sharp += usize::from(cut_off.is_sharp);
        cuts += 1;
        cut_off.state.unmount()?;
    }
    ensure!(cuts * 20 >= points.len() * 19, "{cuts} cuts at {} points", points.len());
    ensure!(sharp > 0, "nothing was cut off");
    ensure!(told_before > 0 && ends.resumed > 0, "the cuts were not spread: {ends}");
    Ok(format!("{cuts} cuts, {told_before} reported before: {ends}"))
}
