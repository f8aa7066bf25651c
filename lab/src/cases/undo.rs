//! Undoing a job on a real volume.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::copier::{self, Copied};
use crate::delay;
use crate::lab::Lab;
use crate::recorded::Recorded;
use crate::snapshot::ensure_no_partials;
use crate::trace::{Trace, kill_at};
use crate::tree;
use crate::volume::{Fs, Volume};

const FILES: usize = 60;
const OPTIONS: [&str; 7] =
    ["--keep-replaced", "--on-conflict", "replace", "-j", "1", "--set", "group_max_files=8"];

/// Calls before which an undo is killed, and at how many of each.
const KILLED_BEFORE: [(&[&str], usize); 3] = [
    (&["renameat2", "renameat", "rename"], 8),
    (&["unlinkat", "unlink"], 8),
    (&["fsync", "fdatasync", "syncfs", "pwrite64"], 8),
];

/// A target where every second file is an old one, and a copy of it.
fn stage(volume: &Volume) -> Result<()> {
    tree::make(&volume.join("source"), FILES, 5000)?;
    let target = volume.join("target");
    fs::create_dir(&target)?;
    fs::write(target.join("of-somebody"), b"untouched")?;
    for number in (0..FILES).step_by(2) {
        let path = target.join(tree::name(number));
        fs::create_dir_all(path.parent().context("it is in a folder")?)?;
        fs::write(&path, format!("old {number}"))?;
        tree::set_time(&path, 1_400_000_000 + number as u64)?;
    }
    copy_all(&target, &volume.join("before"))
}

fn copy_all(from: &Path, to: &Path) -> Result<()> {
    crate::tool::run("cp", ["-a".as_ref(), from.as_os_str(), to.as_os_str()]).map(drop)
}

fn ensure_as_before(volume: &Volume) -> Result<()> {
    tree::ensure_alike(&volume.join("before"), &volume.join("target"))?;
    ensure_no_partials(&volume.join("target"))
}

fn copy(recorded: &Recorded, volume: &Volume) -> Result<()> {
    let copied = recorded.copy(&OPTIONS, &volume.join("source"), &volume.join("target"))?;
    copied.ensure_ok()?;
    for number in 0..FILES {
        let name = tree::name(number);
        let [new, found] = ["source", "target"].map(|top| fs::read(volume.join(top).join(&name)));
        ensure!(new? == found?, "{} was not copied", name.display());
    }
    Ok(())
}

/// Everything is as it was before; what somebody has changed since stays and is told.
pub(crate) fn of_a_job(lab: &Lab) -> Result<String> {
    let volume = Volume::loopback(lab, Fs::Ext4, 256 << 20)?;
    stage(&volume)?;
    let recorded = Recorded::new(lab)?;
    copy(&recorded, &volume)?;
    let undone = recorded.run(&["undo", "1", "--json"])?;
    undone.ensure_ok()?;
    ensure_as_before(&volume)?;
    let figures = count(&undone)?;
    ensure!(recorded.status(1)?["state"] == "undone", "{}", recorded.status(1)?);

    // Once more, and then somebody writes to one that was replaced and one that was new.
    copy(&recorded, &volume)?;
    let target = volume.join("target");
    for number in [10, 11] {
        fs::write(target.join(tree::name(number)), b"changed since")?;
        tree::set_time(&target.join(tree::name(number)), 1_450_000_000)?;
    }
    let undone = recorded.run(&["undo", "2", "--json"])?;
    undone.ensure_ends(1, &[])?;
    let refused: Vec<String> =
        undone.of_type("refused").map(|line| line["error"]["path"].to_string()).collect();
    ensure!(refused.len() == 2, "{refused:?}: {}", undone.describe());
    for number in [10, 11] {
        let path = target.join(tree::name(number));
        ensure!(fs::read(&path)? == b"changed since", "{} was overwritten", path.display());
        ensure!(
            refused.iter().any(|named| named.contains(&format!("file-{number}"))),
            "{refused:?}"
        );
    }
    // What it replaced is still there, for its user to decide.
    let kept = crate::tool::shell(r#"find "$1" -name '.surecopy-*' -printf x"#, [&target])?;
    ensure!(kept == "x", "{} kept files", kept.len());
    for number in (0..FILES).filter(|number| ![10, 11].contains(number)) {
        let path = target.join(tree::name(number));
        match number % 2 {
            0 => ensure!(fs::read(&path)? == format!("old {number}").into_bytes(), "{number}"),
            _ => ensure!(!path.exists(), "{} is still there", path.display()),
        }
    }
    recorded.ensure_sound(1)?;
    recorded.ensure_sound(2)?;
    Ok(format!("{figures}; 2 refused that were changed since"))
}

fn count(undone: &Copied) -> Result<String> {
    let report = undone.of_type("undo_report").next().context("there is a report")?;
    ensure!(report["restored"] == FILES / 2 && report["removed"] == FILES / 2, "{report}");
    Ok(format!("{} restored, {} removed", report["restored"], report["removed"]))
}

/// An undo that is killed in its middle comes to the same end when it is done again.
pub(crate) fn killed(lab: &Lab) -> Result<String> {
    let volume = Volume::loopback(lab, Fs::Ext4, 256 << 20)?;
    stage(&volume)?;
    let fresh = || -> Result<Recorded> {
        crate::tool::run("rm", ["-rf".as_ref(), volume.join("target").as_os_str()])?;
        copy_all(&volume.join("before"), &volume.join("target"))?;
        let recorded = Recorded::new(lab)?;
        copy(&recorded, &volume)?;
        Ok(recorded)
    };
    let undo = |recorded: &Recorded, wrapper: &[&str]| -> Command {
        recorded.under(wrapper).command(&["undo", "1", "--json", "-j", "1"])
    };
    let recorded = fresh()?;
    let trace = Trace::take(lab, |wrapper| Ok(undo(&recorded, wrapper)))?;
    ensure!(
        copier::exit_status(&trace.output) == 0,
        "{}",
        String::from_utf8_lossy(&trace.output.stderr)
    );
    ensure_as_before(&volume)?;
    let mut kills = 0;
    for (names, count) in KILLED_BEFORE {
        for point in trace.some_of(names, count) {
            let recorded = fresh().with_context(|| point.to_string())?;
            let attempt =
                |millis| kill_at(lab, point, millis, |wrapper| Ok(undo(&recorded, wrapper)));
            kills += usize::from(delay::in_time(attempt)?.is_some());
            let again = recorded.run(&["undo", "1", "--json"])?;
            again.ensure_ok().with_context(|| format!("{point}: {:?}", again.objects.last()))?;
            ensure_as_before(&volume).with_context(|| point.to_string())?;
            recorded.ensure_sound(1)?;
        }
    }
    ensure!(kills >= 12, "only {kills} kills");
    Ok(format!("{kills} kills, each undone to the same end"))
}
