//! A copy that is killed before each of its calls.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::copier::done_among;
use crate::job::{Found, Job, Size};
use crate::lab::Lab;
use crate::trace::kill_everywhere;
use crate::volume::{Fs, Volume};

/// In one thread, so that calls come in the same order each time but for those of the thread that writes the
/// ledger; with a few groups.
const OPTIONS: [&str; 6] = ["-j", "1", "--set", "group_max_files=8", "--on-conflict", "replace"];

/// Every target is old or new, those reported as done are new, the source is as it was, and the next
/// copy ends well.
pub(crate) fn of_a_copy(lab: &Lab) -> Result<String> {
    let mut figures = Vec::new();
    // From another volume, and within one that shares blocks.
    let source = lab.new_dir("source")?;
    let tmpfs = Volume::tmpfs(lab, "size=256m")?;
    figures
        .push(kill_copies(lab, &source, &tmpfs, Size { small: 22, medium: 2 }).context("tmpfs")?);
    let btrfs = Volume::loopback(lab, Fs::Btrfs, 512 << 20)?;
    figures.push(
        kill_copies(lab, &btrfs.dir("source")?, &btrfs, Size { small: 10, medium: 2 })
            .context("btrfs")?,
    );
    Ok(figures.join("; "))
}

fn kill_copies(lab: &Lab, source: &Path, volume: &Volume, size: Size) -> Result<String> {
    let job = Job::new(source, size)?;
    let target = volume.join("target");
    let mut all = Found::default();
    let begin = |wrapper: &[&str]| {
        job.fill(&target)?;
        Ok(lab.copy_command_under(wrapper, &OPTIONS, &job.source, &target))
    };
    let kills = kill_everywhere(lab, begin, |killed| {
        let copied = killed.copied()?;
        all.add(job.check(&target, &done_among(&copied.objects))?);
        job.ensure_source_untouched()?;
        lab.copy(&OPTIONS, &job.source, &target)?.ensure_ok()?;
        job.ensure_finished(&target)
    })?;
    let Found { old, new, absent } = all;
    ensure!(old > 0 && new > 0 && absent > 0, "the kills were not spread: {all:?}");
    Ok(format!("{kills}: {old} old, {new} new, {absent} absent"))
}

/// `cp` writes over the old file: were that not found, nothing that is not found would mean anything.
pub(crate) fn of_a_careless_program(lab: &Lab) -> Result<String> {
    let job = Job::new(&lab.new_dir("source")?, Size { small: 3, medium: 2 })?;
    let target = lab.new_path("target");
    let begin = |wrapper: &[&str]| {
        job.fill(&target)?;
        let mut words = wrapper.iter().chain(&["cp", "-rp"]);
        let mut command = Command::new(words.next().context("there are words")?);
        command.args(words).arg(job.source.join(".")).arg(&target);
        Ok(command)
    };
    let mut damaged = 0;
    let kills = kill_everywhere(lab, begin, |_| {
        let found = job.check(&target, &BTreeSet::new());
        damaged += usize::from(found.is_err_and(|error| error.to_string().contains("neither")));
        Ok(())
    })?;
    ensure!(damaged > 0, "{kills}, and never was a file damaged");
    Ok(format!("{kills}: {damaged} with a damaged file"))
}
