//! What was reported as done is there after the power was cut.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use surecopy_testkit::Random;

use crate::child::Running;
use crate::content::{ensure_same, write_random};
use crate::copier;
use crate::delay::{self, Delay};
use crate::lab::Lab;
use crate::snapshot::ensure_no_partials;
use crate::tool;
use crate::volume::{Fs, Volume};

/// How many files are new, and as many replace old ones.
const FILES: u64 = 60;

/// How many files are replaced when the power is cut in the middle: more than the program tells ahead
/// of who reads, some 1100 between its queue and the pipe, so that the copy waits for the cut.
const MANY: u64 = 1500;

/// A cut that took nothing is tried again so often.
const TRIES: usize = 4;

/// Cuts right after the report: with what the journal holds, and without.
pub(crate) fn after_the_report(lab: &Lab) -> Result<String> {
    let source = lab.new_dir("source")?;
    for number in 0..FILES {
        write_random(&source.join(format!("new-{number}")), 3000 * (number + 1), number)?;
        write_random(&source.join(format!("old-{number}")), 4000 * (number + 1), number)?;
    }
    write_random(&source.join("old-large"), 5 << 20, 1)?;
    fs::create_dir(source.join("folder"))?;
    write_random(&source.join("folder/new"), 12_345, 2)?;
    let mut rounds = 0;
    for fs_kind in [Fs::Ext4, Fs::Xfs] {
        for cut in ["shutdown", "shutdown -f"] {
            // A program that syncs everything just then takes the sting out of the cut.
            let is_cut = (0..TRIES).try_fold(false, |is_cut, _| {
                if is_cut { Ok(true) } else { cut_after_the_report(lab, fs_kind, cut, &source) }
            })?;
            ensure!(is_cut, "{} {cut}: nothing was cut off", fs_kind.name());
            rounds += 1;
        }
    }
    Ok(format!("{rounds} cuts, {} files each", 2 * FILES + 2))
}

/// Whether the cut took what was not flushed; whatever was reported must be there.
fn cut_after_the_report(lab: &Lab, fs_kind: Fs, cut: &str, source: &Path) -> Result<bool> {
    let volume =
        Volume::loopback_with(lab, fs_kind, fs_kind.smallest().max(256 << 20), options(fs_kind))?;
    let target = volume.dir("target")?;
    for number in 0..FILES {
        fs::write(target.join(format!("old-{number}")), b"old!")?;
    }
    fs::write(target.join("old-large"), b"old!")?;
    tool::run("sync", ["-f".as_ref(), target.as_os_str()])?;
    let copied = lab.copy(&[], source, &target)?;
    // Nobody flushes this one: it shows that the cut takes what was not flushed.
    let witness = volume.join("witness");
    fs::write(&witness, [b'w'; 300_000])?;
    cut_power(&volume, cut)?;
    copied.ensure_ok()?;
    volume.mount_again(fs_kind)?;
    let mut checked = 0;
    for item in copied.of_type("item").filter(|item| item["kind"] == "file") {
        let name = item["source"].as_str().unwrap_or_default();
        let relative = name.rsplit_once("source/").map_or(name, |(_, rest)| rest);
        ensure!(item["status"] == "ok", "{item}");
        ensure_same(&source.join(relative), &target.join(relative))
            .map_err(|error| error.context(format!("{} after {cut}", fs_kind.name())))?;
        checked += 1;
    }
    ensure!(checked == 2 * FILES + 2, "{checked} files were reported");
    ensure_no_partials(&target)?;
    Ok(!fs::read(&witness).unwrap_or_default().contains(&b'w'))
}

/// Cuts in the middle: every file is old or new, and new when it is reported as done, be it later.
pub(crate) fn in_the_middle(lab: &Lab) -> Result<String> {
    let source = lab.new_dir("source")?;
    let mut random = Random::new(31);
    for number in 0..MANY {
        fs::write(source.join(number.to_string()), random.bytes(5000 + number as usize))?;
    }
    let (mut cuts, mut old, mut late) = (0, 0, 0);
    for fs_kind in [Fs::Ext4, Fs::Xfs] {
        for (cut, reported_before) in [("shutdown", 1), ("shutdown -f", 20), ("shutdown", 40)] {
            let found = cut_in_the_middle(lab, fs_kind, cut, reported_before, &source)
                .with_context(|| format!("{} {cut} at {reported_before}", fs_kind.name()))?;
            cuts += 1;
            old += found.old;
            late += found.reported_after;
        }
    }
    let new = cuts * MANY - old;
    Ok(format!("{cuts} cuts: {old} old, {new} new, none in between; {late} reported after the cut"))
}

/// What was there after a cut.
struct Found {
    old: u64,
    /// How many items were reported as done when the cut was already made.
    reported_after: u64,
}

fn cut_in_the_middle(
    lab: &Lab,
    fs_kind: Fs,
    cut: &str,
    reported_before: usize,
    source: &Path,
) -> Result<Found> {
    let volume =
        Volume::loopback_with(lab, fs_kind, fs_kind.smallest().max(256 << 20), options(fs_kind))?;
    let target = volume.dir("target")?;
    for number in 0..MANY {
        fs::write(target.join(number.to_string()), b"old!")?;
    }
    tool::run("sync", ["-f".as_ref(), target.as_os_str()])?;
    let options = ["-j", "2", "--set", "group_max_files=4", "--retries", "0"];
    let mut copy = lab.copy_command(&options, source, &target);
    let reported = cut_at(&volume, cut, reported_before, &mut copy)?;
    volume.mount_again(fs_kind)?;
    let mut old = 0;
    for number in 0..MANY {
        let name = number.to_string();
        let (from, to) = (source.join(&name), target.join(&name));
        if fs::read(&to)? == b"old!" {
            let place = reported.iter().position(|reported| *reported == name);
            ensure!(place.is_none(), "{number}, reported as done at place {place:?}, is old");
            old += 1;
        } else {
            ensure_same(&from, &to)?;
        }
    }
    // What was reported is new; it is the middle when something else is not.
    ensure!(old > 0, "the copy was over before the power was cut");
    Ok(Found { old, reported_after: (reported.len() - reported_before) as u64 })
}

/// Runs a copy and cuts when so many items were reported. Gives the names reported as done, also
/// those that were read only after the cut: a report comes after the flush, so what is said after the
/// cut was flushed before it.
fn cut_at(
    volume: &Volume,
    cut: &str,
    reported_before: usize,
    copy: &mut Command,
) -> Result<Vec<String>> {
    let (mut running, lines) = Running::start_held(copy)?;
    let mut reported = Vec::new();
    for line in lines {
        let object: serde_json::Value = serde_json::from_str(&line)?;
        if object["type"] != "item" || object["status"] != "ok" || object["kind"] != "file" {
            continue;
        }
        let name = object["target"].as_str().and_then(|name| name.rsplit('/').next());
        reported.push(name.unwrap_or_default().to_owned());
        // Whoever does not read holds the copy, which is in the middle however long the cut takes.
        if reported.len() == reported_before {
            cut_power(volume, cut)?;
        }
    }
    let status = running.wait()?;
    ensure!(reported.len() >= reported_before, "only {} items were reported", reported.len());
    ensure!(!status.success(), "the copy did not notice that the power was cut");
    Ok(reported)
}

/// Cuts when the new file has its name and that was not flushed yet: it is not reported as done.
pub(crate) fn before_the_name_is_flushed(lab: &Lab) -> Result<String> {
    let mut figures = Vec::new();
    for fs_kind in [Fs::Ext4, Fs::Xfs] {
        for cut in ["shutdown", "shutdown -f"] {
            let found = delay::in_time(|millis| cut_before_flush(lab, fs_kind, cut, millis))
                .with_context(|| format!("{} {cut}", fs_kind.name()))?;
            figures.push(format!("{} {cut}: {found}", fs_kind.name()));
        }
    }
    Ok(figures.join("; "))
}

/// What was found, or nothing when the cut came too late.
fn cut_before_flush(
    lab: &Lab,
    fs_kind: Fs,
    cut: &str,
    millis: u64,
) -> Result<Option<&'static str>> {
    let source = lab.new_path("source");
    write_random(&source, 40_000, 1)?;
    let volume =
        Volume::loopback_with(lab, fs_kind, fs_kind.smallest().max(256 << 20), options(fs_kind))?;
    let folder = volume.dir("folder")?;
    let target = folder.join("target");
    fs::write(&target, b"old!")?;
    tool::run("sync", ["-f".as_ref(), folder.as_os_str()])?;
    let delay = Delay::with_filter(lab, "fsync", millis, &[&folder]);
    let mut copy = lab.copy_command_under(&delay.wrapper(), &["--retries", "0"], &source, &target);
    let running = Running::start(&mut copy)?;
    delay.wait()?;
    cut_power(&volume, cut)?;
    let is_in_time = !delay.is_over()?;
    let copied = copier::read(&running.output()?)?;
    delay.ensure_happened()?;
    volume.mount_again(fs_kind)?;
    let is_old = fs::read(&target)? == b"old!";
    if !is_old {
        ensure_same(&source, &target)?;
    }
    ensure!(!is_old || copied.status != 0, "reported as done, and old");
    if !is_in_time {
        return Ok(None);
    }
    // Nobody knows whether it was flushed, whatever is found later.
    copied.ensure_fails_with("DURABILITY_UNKNOWN")?;
    Ok(Some(if is_old { "old" } else { "new" }))
}

/// The disk goes away when the new file has its name, and another program is the first to hear of it:
/// ext4 tells nobody else, so that a flush afterwards looks like a success.
pub(crate) fn gone_before_the_name_is_flushed(lab: &Lab) -> Result<String> {
    delay::in_time(|millis| {
        let source = lab.new_path("source");
        write_random(&source, 40_000, 1)?;
        let volume = Volume::loopback_with(lab, Fs::Ext4, 256 << 20, "noauto_da_alloc")?;
        let folder = volume.dir("folder")?;
        let target = folder.join("target");
        tool::run("sync", ["-f".as_ref(), folder.as_os_str()])?;
        let delay = Delay::with_filter(lab, "fsync", millis, &[&folder]);
        let mut copy =
            lab.copy_command_under(&delay.wrapper(), &["--retries", "0"], &source, &target);
        let running = Running::start(&mut copy)?;
        delay.wait()?;
        volume.lose_disk()?;
        // Who hears of it first does not matter, so that others may sync as well.
        for _ in 0..2 {
            tool::run("sync", ["-f".as_ref(), folder.as_os_str()]).map(drop).unwrap_or_default();
        }
        let is_in_time = !delay.is_over()?;
        let copied = copier::read(&running.output()?)?;
        delay.ensure_happened()?;
        ensure!(fs::write(folder.join("more"), b"").is_err(), "the disk is still there");
        if !is_in_time {
            return Ok(None);
        }
        copied.ensure_fails_with("DURABILITY_UNKNOWN")?;
        Ok(Some("not called durable".to_owned()))
    })
}

/// Without this option ext4 flushes what is renamed over by itself, which hides mistakes.
fn options(fs_kind: Fs) -> &'static str {
    if fs_kind == Fs::Ext4 { "noauto_da_alloc" } else { "rw" }
}

pub(super) fn cut_power(volume: &Volume, cut: &str) -> Result<()> {
    tool::run("xfs_io", ["-x".as_ref(), "-c".as_ref(), cut.as_ref(), volume.path.as_os_str()])?;
    Ok(())
}
