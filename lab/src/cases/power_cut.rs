//! What was reported as done is there after the power was cut.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

use crate::child::Running;
use crate::content::{ensure_same, write_random};
use crate::lab::Lab;
use crate::snapshot::ensure_no_partials;
use crate::tool;
use crate::volume::{Fs, Volume};

/// How many files are new, and as many replace old ones.
const FILES: u64 = 60;

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
    // Without this option ext4 flushes what is renamed over by itself, which hides mistakes.
    let options = if fs_kind == Fs::Ext4 { "noauto_da_alloc" } else { "rw" };
    let volume = Volume::loopback_with(lab, fs_kind, fs_kind.smallest().max(256 << 20), options)?;
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
    tool::run("xfs_io", ["-x".as_ref(), "-c".as_ref(), cut.as_ref(), volume.path.as_os_str()])?;
    copied.ensure_ok()?;
    volume.mount_again(fs_kind)?;
    for item in copied.of_type("item").filter(|item| item["kind"] == "file") {
        let name = item["source"].as_str().unwrap_or_default();
        let relative = name.rsplit_once("source/").map_or(name, |(_, rest)| rest);
        ensure!(item["status"] == "ok", "{item}");
        ensure_same(&source.join(relative), &target.join(relative))
            .map_err(|error| error.context(format!("{} after {cut}", fs_kind.name())))?;
    }
    ensure_no_partials(&target)?;
    Ok(!fs::read(&witness).unwrap_or_default().contains(&b'w'))
}

/// Cuts in the middle: every file is old or new, whatever was reported.
pub(crate) fn in_the_middle(lab: &Lab) -> Result<String> {
    let source = lab.new_dir("source")?;
    for number in 0..FILES {
        write_random(&source.join(number.to_string()), 40_000 + number, number)?;
    }
    let (mut old, mut new) = (0, 0);
    for fs_kind in [Fs::Ext4, Fs::Xfs] {
        let options = if fs_kind == Fs::Ext4 { "noauto_da_alloc" } else { "rw" };
        for (cut, reported_before) in [("shutdown", 1), ("shutdown -f", 20), ("shutdown", 40)] {
            let volume =
                Volume::loopback_with(lab, fs_kind, fs_kind.smallest().max(256 << 20), options)?;
            let target = volume.dir("target")?;
            for number in 0..FILES {
                fs::write(target.join(number.to_string()), b"old!")?;
            }
            tool::run("sync", ["-f".as_ref(), target.as_os_str()])?;
            let options = ["-j", "2", "--set", "group_max_files=4", "--retries", "0"];
            let reported = cut_at(lab, &volume, cut, reported_before, &options, &source, &target)?;
            volume.mount_again(fs_kind)?;
            for number in 0..FILES {
                let (from, to) = (source.join(number.to_string()), target.join(number.to_string()));
                let found = fs::read(&to)?;
                if found == b"old!" {
                    ensure!(
                        !reported.contains(&number.to_string()),
                        "{} {cut}: {number} was reported as done and is old",
                        fs_kind.name()
                    );
                    old += 1;
                } else {
                    ensure_same(&from, &to)?;
                    new += 1;
                }
            }
        }
    }
    Ok(format!("6 cuts: {old} old, {new} new, none in between"))
}

/// Starts a copy and cuts when so many items were reported. Gives the names reported as done before
/// the cut was asked for.
fn cut_at(
    lab: &Lab,
    volume: &Volume,
    cut: &str,
    reported_before: usize,
    options: &[&str],
    source: &Path,
    target: &Path,
) -> Result<Vec<String>> {
    let mut command = lab.copy_command(options, source, target);
    let (mut running, lines) = Running::start_held(&mut command)?;
    let mut reported = Vec::new();
    let mut is_cut = false;
    for line in lines {
        let object: serde_json::Value = serde_json::from_str(&line)?;
        if is_cut || object["type"] != "item" || object["status"] != "ok" {
            continue;
        }
        let name = object["target"].as_str().and_then(|name| name.rsplit('/').next());
        reported.push(name.unwrap_or_default().to_owned());
        if reported.len() >= reported_before {
            let args = ["-x".as_ref(), "-c".as_ref(), cut.as_ref(), volume.path.as_os_str()];
            tool::run("xfs_io", args)?;
            is_cut = true;
        }
    }
    running.wait()?;
    ensure!(is_cut, "the copy ended before the power was cut");
    Ok(reported)
}
