//! The power is cut when a copy is about to make one of the calls by which files become visible.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::copier::{self, done_among};
use crate::crash::{CUTS, Machine, State};
use crate::disks::Disk;
use crate::job::{Found, Job, Size};
use crate::lab::Lab;
use crate::trace::Trace;
use crate::volume::Fs;

/// What flushes, names and removes.
const PUBLISHING: [&str; 7] =
    ["fsync", "fdatasync", "syncfs", "renameat2", "renameat", "linkat", "unlinkat"];

/// How many cuts of each kind are made on each volume.
const POINTS: usize = 24;

const OPTIONS: [&str; 6] = ["-j", "1", "--set", "group_max_files=4", "--on-conflict", "replace"];

/// Every target is old or new, and new when it was reported as done.
pub(crate) fn of_a_copy(lab: &Lab) -> Result<String> {
    let job = Job::new(&lab.new_dir("source")?, Size { small: 22, medium: 1 })?;
    let mut figures = Vec::new();
    for fs_kind in [Fs::Ext4, Fs::Xfs] {
        let fill = |disks: &_| job.fill(&target_on(disks));
        let machine = Machine::new(lab, &[Disk::new(fs_kind)], fill)?;
        for cut in CUTS {
            let what = format!("{} {cut}", fs_kind.name());
            let figure = cut_copies(lab, &job, &machine, cut).context(what.clone())?;
            figures.push(format!("{what}: {figure}"));
        }
    }
    Ok(figures.join("; "))
}

fn cut_copies(lab: &Lab, job: &Job, machine: &Machine, cut: &str) -> Result<String> {
    let undisturbed = machine.mount_before()?;
    let command = |wrapper: &[&str], target: &_| {
        lab.copy_command_under(wrapper, &OPTIONS, &job.source, target)
    };
    let trace = Trace::take(lab, |wrapper| Ok(command(wrapper, &target_on(&undisturbed))))?;
    copier::read(&trace.output)?.ensure_ok()?;
    undisturbed.unmount()?;
    let (mut cuts, mut sharp, mut done_before, mut all) = (0, 0, 0, Found::default());
    let points = trace.some_of(&PUBLISHING, POINTS);
    for point in &points {
        let cut_off = machine
            .cut_at(lab, point, cut, |disks, wrapper| Ok(command(wrapper, &target_on(disks))))
            .with_context(|| point.to_string())?;
        let Some(cut_off) = cut_off else { continue };
        let copied = cut_off.killed.copied()?;
        let done = done_among(&copied.objects);
        let found = job.check(&target_on(&cut_off.state), &done);
        all.add(found.with_context(|| point.to_string())?);
        done_before += done.len();
        sharp += usize::from(cut_off.is_sharp);
        cuts += 1;
        cut_off.state.unmount()?;
    }
    let Found { old, new, absent } = all;
    ensure!(cuts * 20 >= points.len() * 19, "{cuts} cuts at {} points", points.len());
    ensure!(sharp > 0, "nothing was cut off");
    ensure!(
        old > 0 && absent > 0 && done_before > 0,
        "the cuts were not spread: {all:?}, {done_before} reported before"
    );
    Ok(format!("{cuts} cuts, {done_before} reported before, {old} old, {new} new, {absent} absent"))
}

fn target_on(disks: &State) -> PathBuf {
    disks.path(0).join("target")
}
