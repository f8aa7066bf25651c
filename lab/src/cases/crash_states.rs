//! The states in which a power cut can leave a volume on which a copy was at work.

use std::cell::Cell;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::crash::{Machine, Recorder, State, Told};
use crate::disks::{Disk, Log};
use crate::job::{Found, Job, Size};
use crate::lab::Lab;
use crate::tool;
use crate::volume::Fs;

/// How many states of each volume are looked at.
const STATES: usize = 100;

/// What is drawn is drawn from this; the logs differ anyway.
const SEED: u64 = 34;

/// Every target is old or new in every state, and new when it was reported as done by then.
pub(crate) fn of_a_copy(lab: &Lab) -> Result<String> {
    let job = Job::new(&lab.new_dir("source")?, Size { small: 60, medium: 2 })?;
    let mut figures = Vec::new();
    for fs_kind in Fs::ALL {
        let figure = of_a_copy_on(lab, fs_kind, &job).context(fs_kind.name())?;
        figures.push(format!("{}: {figure}", fs_kind.name()));
    }
    Ok(format!("seed {SEED}; {}", figures.join("; ")))
}

fn of_a_copy_on(lab: &Lab, fs_kind: Fs, job: &Job) -> Result<String> {
    let (machine, log, told) = record_copy(lab, fs_kind, job, &[])?;
    let (mut all, mut amid) = (Found::default(), 0);
    let explored = machine.explore(&log, SEED, STATES, |state| {
        let done = told.done_at(state.position);
        all.add(job.check(&target_on(state), &done)?);
        amid += usize::from(!done.is_empty() && done.len() < job.len());
        Ok(())
    })?;
    let Found { old, new, absent } = all;
    ensure!(
        old > 0 && new > 0 && absent > 0 && amid > 5,
        "the states were not spread: {all:?}, {amid} in the middle"
    );
    Ok(format!("{explored}, {amid} in the middle, {old} old, {new} new, {absent} absent"))
}

fn record_copy(
    lab: &Lab,
    fs_kind: Fs,
    job: &Job,
    wrapper: &[&str],
) -> Result<(Machine, Log, Told)> {
    let machine = Machine::new(lab, &[Disk::new(fs_kind)], |disks| job.fill(&target_on(disks)))?;
    let (log, told) = machine.record(|recorder| {
        let options = ["-j", "2", "--set", "group_max_files=8", "--on-conflict", "replace"];
        let target = recorder.path(0).join("target");
        recorder.run(&mut lab.copy_command_under(wrapper, &options, &job.source, &target))
    })?;
    told.copied.ensure_ok()?;
    ensure!(told.done_at(log.len()).len() == job.len(), "not all was reported as done");
    Ok((machine, log, told))
}

fn target_on(state: &State) -> PathBuf {
    state.path(0).join("target")
}

/// The same copy on a machine where flushes do nothing, to be found out: were it not, the states in
/// which it does what it promises would not mean anything.
pub(crate) fn of_a_copy_without_flushes(lab: &Lab) -> Result<String> {
    let job = Job::new(&lab.new_dir("source")?, Size { small: 20, medium: 0 })?;
    let mut figures = Vec::new();
    for fs_kind in Fs::ALL {
        let log = lab.new_path("strace.log").display().to_string();
        let calls = "fsync,fdatasync,syncfs,sync_file_range";
        let (trace, inject) = (format!("--trace={calls}"), format!("--inject={calls}:retval=0"));
        let wrapper = ["strace", "-f", "-q", "-o", &log, &trace, &inject];
        let (machine, log, told) = record_copy(lab, fs_kind, &job, &wrapper)?;
        let mut faults = Vec::new();
        let explored = machine.explore(&log, SEED, STATES / 2, |state| {
            let found = job.check(&target_on(state), &told.done_at(state.position));
            faults.extend(found.err().map(|error| format!("{error:#}")));
            Ok(())
        })?;
        let first = faults.first().with_context(|| format!("{}: no fault", fs_kind.name()))?;
        let first = first.rsplit('/').next().unwrap_or_default();
        figures.push(format!("{}: {explored}, {} bad: {first}", fs_kind.name(), faults.len()));
    }
    Ok(figures.join("; "))
}

/// What a careless program does to its files, to be found in the states: were it not found there,
/// nothing that is not found there would mean anything.
pub(crate) fn of_careless_programs(lab: &Lab) -> Result<String> {
    let mut figures = Vec::new();
    for fs_kind in Fs::ALL {
        let seen = of_carelessness_on(lab, fs_kind).context(fs_kind.name())?;
        figures.push(format!("{}: {seen}", fs_kind.name()));
    }
    Ok(figures.join("; "))
}

/// Files that are overwritten in place.
const OVERWRITTEN: [&str; 4] = ["first", "second", "third", "fourth"];

static OLD: [u8; 8 * 4096] = [b'o'; 8 * 4096];
static NEW: [u8; 8 * 4096] = [b'n'; 8 * 4096];

fn of_carelessness_on(lab: &Lab, fs_kind: Fs) -> Result<String> {
    let machine = Machine::new(lab, &[Disk::new(fs_kind)], |disks| {
        for name in OVERWRITTEN.into_iter().chain(["renamed"]) {
            fs::write(disks.path(0).join(name), OLD)?;
        }
        Ok(())
    })?;
    let (log, renamed_at) = machine.record(work_carelessly)?;
    let (damaged, undone, disordered) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let count =
        |counter: &Cell<usize>, is_so: bool| counter.set(counter.get() + usize::from(is_so));
    let explored = machine.explore(&log, SEED, STATES, |state| {
        let renamed = fs::read(state.path(0).join("renamed")).unwrap_or_default();
        count(&damaged, renamed != OLD && renamed != NEW);
        count(&undone, state.position >= renamed_at && renamed != NEW);
        for name in OVERWRITTEN {
            let content = fs::read(state.path(0).join(name))?;
            let blocks: Vec<u8> = content.chunks(4096).map(|block| block[0]).collect();
            // They were written from the first to the last.
            count(&disordered, blocks.windows(2).any(|pair| pair == [b'o', b'n']));
        }
        Ok(())
    })?;
    let (damaged, undone, disordered) = (damaged.get(), undone.get(), disordered.get());
    ensure!(undone > 0, "what was renamed and never flushed survives every cut");
    if fs_kind != Fs::Btrfs {
        // There, a transaction holds what was renamed together with its content, and overwritten
        // blocks are written to new places.
        ensure!(damaged > 0, "content that was never flushed survives every cut");
        ensure!(disordered > 0, "what is written without flushes is never reordered");
    }
    Ok(format!("{explored}, {damaged} damaged, {undone} undone, {disordered} disordered"))
}

/// Replaces a file without a flush, lets something else be flushed, and overwrites another file block
/// by block. Gives the position at which a program without flushes would have said that it is done.
fn work_carelessly(recorder: &Recorder) -> Result<usize> {
    let top = recorder.path(0);
    fs::write(top.join("temporary"), NEW)?;
    fs::rename(top.join("temporary"), top.join("renamed"))?;
    let renamed_at = recorder.position()?;
    // The disk's journal takes the new name along.
    fs::File::create(top.join("unrelated"))?.sync_all()?;
    let overwrite = r#"tr '\0' n </dev/zero | dd of="$1" bs=4k count=8 iflag=fullblock \
        oflag=direct conv=notrunc status=none || test "${PIPESTATUS[1]}" = 0"#;
    for name in OVERWRITTEN {
        tool::shell(overwrite, [top.join(name)])?;
        fs::File::create(top.join("unrelated"))?.sync_all()?;
        ensure!(fs::read(top.join(name))? == NEW, "{name} was not overwritten");
    }
    Ok(renamed_at)
}

/// A program writes content to one disk and notes on another that it is there: in some state only the
/// note is, unless the content was flushed before.
pub(crate) fn of_two_disks(lab: &Lab) -> Result<String> {
    let disks = [Disk::new(Fs::Xfs), Disk::new(Fs::Ext4)];
    let machine = Machine::new(lab, &disks, |_| Ok(()))?;
    let mut figures = Vec::new();
    for is_flushed in [false, true] {
        let (log, ()) = machine.record(|recorder| {
            let mut content = fs::File::create(recorder.path(0).join("content"))?;
            content.write_all(&NEW)?;
            if is_flushed {
                content.sync_all()?;
            }
            fs::File::create(recorder.path(1).join("note"))?.sync_all()?;
            // So that there are flushes of both after which the states differ.
            fs::File::create(recorder.path(1).join("more"))?.sync_all()?;
            fs::File::create(recorder.path(0).join("more"))?.sync_all()?;
            Ok(())
        })?;
        let (mut both, mut only_note) = (0, 0);
        let explored = machine.explore(&log, SEED, STATES / 2, |state| {
            if state.path(1).join("note").exists() {
                let content = fs::read(state.path(0).join("content")).unwrap_or_default();
                let counter = if content == NEW { &mut both } else { &mut only_note };
                *counter += 1;
            }
            Ok(())
        })?;
        ensure!(both > 0, "{both} states with both, flushed before: {is_flushed}");
        ensure!(
            is_flushed == (only_note == 0),
            "{only_note} states with the note only, flushed before: {is_flushed}"
        );
        let how = if is_flushed { "flushed" } else { "not flushed" };
        figures
            .push(format!("{how}: {explored}, {both} with both, {only_note} with the note only"));
    }
    Ok(figures.join("; "))
}
