//! What puts back and cleans up, killed before each of its calls.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::copier;
use crate::lab::Lab;
use crate::ledger::Ledger;
use crate::likeness::Likeness;
use crate::recorded::Recorded;
use crate::small::{OPTIONS, Small};
use crate::snapshot::ensure_no_partials;
use crate::trace::{Trace, are_all_wanted, kill_at_each, some};
use crate::volume::Volume;

/// How many of the calls on the ledger's files are looked at. `SQLite` has its own tests of them.
const ON_LEDGER: usize = 15;

/// How many calls of a copy that is rolled back are looked at, unless all are wanted.
const ROLLED_BACK: usize = 40;

/// An undo that is killed comes to the same end when it is done again.
pub(crate) fn of_an_undo(lab: &Lab) -> Result<String> {
    let volume = Volume::thin(lab, 96 << 20, 128 << 20)?;
    let small = Small::new(&volume.dir("top")?)?;
    small.fill()?;
    let before = Likeness::take(&small.target)?;
    let recorded = Recorded::within(lab, &small.top.join("ledger"));
    let begin = |wrapper: &[&str]| -> Result<Command> {
        small.fill()?;
        Ledger::within(&small.top.join("ledger")).remove()?;
        let options = [&OPTIONS[..], &["--keep-replaced"]].concat();
        recorded.copy(&options, &small.source, &small.target)?.ensure_ok()?;
        small.ensure_all_new()?;
        Ok(recorded.under(wrapper).command(&["undo", "1", "--json", "-j", "1"]))
    };
    // What is put back has its own times; the directories do not.
    let ensure_as_before = || -> Result<()> {
        before.ensure_files_of(&small.target)?;
        ensure_no_partials(&small.target)
    };
    let trace = Trace::take(lab, begin)?;
    trace.ensure_ok()?;
    ensure_as_before()?;
    let kills = kill_at_each(lab, &trace.with_some_of_ledger(ON_LEDGER), begin, |_, _| {
        // Until it is done again each is old or new.
        small.check(&Default::default())?;
        recorded.run(&["undo", "1", "--json"])?.ensure_ok().context("undo again")?;
        ensure_as_before()?;
        recorded.ensure_sound(1).map(drop)
    })?;
    ensure!(kills.kills > 25, "only {kills}");
    Ok(kills.to_string())
}

/// A copy whose names cannot be flushed puts the old files back. Killed in that, it is gone on with.
pub(crate) fn of_a_rollback(lab: &Lab) -> Result<String> {
    let volume = Volume::thin(lab, 96 << 20, 128 << 20)?;
    let small = Small::new(&volume.dir("top")?)?;
    let ledger = Ledger::within(&small.top.join("ledger"));
    // In groups of one, which flush what is theirs and not the volume.
    let options = [&OPTIONS[..], &["--set", "group_max_files=1"]].concat();
    let copy = |wrapper: &[&str]| {
        ledger.copy_command(lab, wrapper, &options, (&small.source, &small.target))
    };
    small.fill()?;
    copier::finish(&mut copy(&[]))?.ensure_ok()?;
    let undisturbed = Likeness::take(&small.target)?;
    let begin = |wrapper: &[&str]| -> Result<Command> {
        small.fill()?;
        ledger.remove()?;
        // Of calls in these directories only, so that it is their flush that fails.
        let dirs = ["target", "target/folder", "target/new-dir"].map(|name| small.top.join(name));
        let dirs = dirs.iter().map(|dir| format!("--trace-path={}", dir.display()));
        let fault = dirs.chain(["--inject=fsync:error=EIO:when=1+".to_owned()]);
        // With this, faults are lost as well.
        let wrapper = wrapper.iter().filter(|word| **word != "--seccomp-bpf");
        let words: Vec<String> = wrapper.map(|word| with_fsync(word)).chain(fault).collect();
        Ok(copy(&words.iter().map(String::as_str).collect::<Vec<_>>()))
    };
    let trace = Trace::take(lab, begin)?;
    let told = copier::read(&trace.output)?;
    let rolled_back =
        told.of_type("item").filter(|item| item["rollback_performed"] == true).count();
    ensure!(rolled_back > 1, "{rolled_back} rolled back: {}", told.describe());
    small.check(&Default::default())?;
    let points: Vec<_> = trace.points.iter().collect();
    let first =
        points.iter().position(|point| point.call == "renameat2").context("it publishes")?;
    // The flush that fails is no point, and what comes before is the same as in any copy.
    let points: Vec<_> =
        points[first..].iter().copied().filter(|point| !point.call.contains("sync")).collect();
    let count = if are_all_wanted("kill") { points.len() } else { ROLLED_BACK };
    let kills = kill_at_each(lab, &some(&points, count), begin, |_, _| {
        small.check(&Default::default())?;
        if ledger.has_job(lab)? {
            let items = ledger.items(lab)?;
            small.check(&items.done().map(Path::to_owned).collect()).context("recorded")?;
            copier::finish(&mut ledger.resume_command(lab, &[]))?.ensure_ok().context("resume")?;
        } else {
            copier::finish(&mut copy(&[]))?.ensure_ok()?;
        }
        small.ensure_all_new()?;
        undisturbed.ensure_files_of(&small.target)?;
        ensure_no_partials(&small.target)?;
        ledger.ensure_sound(lab)
    })?;
    ensure!(kills.kills > 20, "only {kills}");
    Ok(format!("{rolled_back} files rolled back; {kills}"))
}

/// The calls that are traced, with the one that fails.
fn with_fsync(word: &str) -> String {
    match word.strip_prefix("--trace=") {
        Some(calls) if !calls.contains("fsync") => format!("--trace={calls},fsync"),
        _ => word.to_owned(),
    }
}
