//! Destinations that run out of room, in every way.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

use crate::child::Running;
use crate::content::{ensure_same, write_random};
use crate::copier::{self, Copied};
use crate::delay::{self, Delay};
use crate::lab::Lab;
use crate::snapshot::{Snapshot, ensure_no_partials};
use crate::tool;
use crate::volume::{Fs, Volume};

const MIB: u64 = 1 << 20;

/// How many files want an inode each.
const FILES: u64 = 40;

/// A folder with a target to be replaced, and something beside it.
fn with_old_target(top: &Path) -> Result<Snapshot> {
    fs::create_dir_all(top.join("sub"))?;
    write_random(&top.join("big"), 50_000, 90)?;
    fs::write(top.join("sub/beside"), b"beside")?;
    tool::run("touch", ["-d".as_ref(), "2001-02-03 04:05:06.789".as_ref(), top.as_os_str()])?;
    Snapshot::take(top)
}

/// The copy failed for this reason and has changed nothing.
fn ensure_nothing_happened(
    copied: &Copied,
    code: &str,
    before: &Snapshot,
    top: &Path,
) -> Result<()> {
    copied.ensure_fails_with(code)?;
    ensure_no_partials(top)?;
    before.ensure_unchanged(top)
}

/// Too little room is noticed before anything is written.
pub(crate) fn before_copying(lab: &Lab) -> Result<String> {
    let memory = Volume::tmpfs(lab, "size=8m")?;
    let source = lab.new_dir("source")?;
    write_random(&source.join("big"), 20 * MIB, 1)?;
    let target = memory.join("target");
    let before = with_old_target(&target)?;
    let copied = lab.copy(&[], &source, &target)?;
    ensure!(copied.status == 4, "exit status {}: {}", copied.status, copied.describe());
    ensure_nothing_happened(&copied, "DESTINATION_FULL", &before, &target)?;
    ensure!(copied.of_type("item").count() == 0, "items were begun: {}", copied.describe());
    Ok(String::new())
}

/// A volume that promises more than it has: the write or the flush fails.
pub(crate) fn while_copying(lab: &Lab) -> Result<String> {
    let mut codes = Vec::new();
    for strategy in ["direct", "staged"] {
        let thin = Volume::thin(lab, 400 * MIB, 24 * MIB)?;
        let source = lab.new_dir("source")?;
        write_random(&source.join("big"), 60 * MIB, 1)?;
        let target = thin.join("target");
        with_old_target(&target)?;
        tool::run("sync", ["-f".as_ref(), target.as_os_str()])?;
        let options = ["--strategy", strategy, "--retries", "0"];
        let copied = lab.copy(&options, &source, &target)?;
        let found: Vec<String> = copied.codes().iter().map(|code| (*code).to_owned()).collect();
        // ext4 turns read-only when it is its journal that finds no room.
        let clear =
            ["DESTINATION_FULL", "FLUSH_FAILED", "DESTINATION_IO_ERROR", "DESTINATION_READ_ONLY"];
        let is_clear = |code: &String| clear.contains(&code.as_str());
        ensure!(copied.status == 1, "exit status {}: {}", copied.status, copied.describe());
        ensure!(found.iter().all(is_clear) && !found.is_empty(), "{}", copied.describe());
        // The device is broken by now and may refuse to remove; what was there must be whole.
        let old = fs::read(target.join("big"))?;
        let expected = lab.new_path("expected");
        write_random(&expected, 50_000, 90)?;
        ensure!(old == fs::read(&expected)?, "{strategy}: the old target is damaged");
        codes.push(format!("{strategy}: {}", found.join(" ")));
    }
    Ok(codes.join("; "))
}

/// The calls that put bytes into a partial file. The first comes after all is counted.
const FILLING: &str = "pwrite64,copy_file_range,fallocate";

/// Copies while another program takes what is left, as soon as the first bytes are about to be
/// written. Gives nothing when it took it too late.
fn copy_and_take(
    lab: &Lab,
    millis: u64,
    options: &[&str],
    (source, target): (&Path, &Path),
    take: impl FnOnce() -> Result<()>,
) -> Result<Option<Copied>> {
    let delay = Delay::new(lab, FILLING, millis);
    let mut command = lab.copy_command_under(&delay.wrapper(), options, source, target);
    let running = Running::start(&mut command)?;
    delay.wait()?;
    take()?;
    let is_in_time = !delay.is_over()?;
    let copied = copier::read(&running.output()?)?;
    delay.ensure_happened()?;
    Ok(is_in_time.then_some(copied))
}

/// Another program takes the room after it was counted.
pub(crate) fn taken_by_another(lab: &Lab) -> Result<String> {
    let source = lab.new_dir("source")?;
    write_random(&source.join("big"), 40 * MIB, 1)?;
    for strategy in ["direct", "staged"] {
        let options = ["--strategy", strategy, "--retries", "0", "-j", "1"];
        delay::in_time(|millis| {
            let memory = Volume::tmpfs(lab, "size=160m")?;
            let target = memory.join("target");
            let before = with_old_target(&target)?;
            let other = memory.join("other");
            // All at once: writing it would take time.
            let length = (130 * MIB).to_string();
            let take = || {
                tool::run("fallocate", ["-l".as_ref(), length.as_ref(), other.as_os_str()])
                    .map(drop)
            };
            let copied = copy_and_take(lab, millis, &options, (&source, &target), take)?;
            if let Some(copied) = &copied {
                ensure_nothing_happened(copied, "DESTINATION_FULL", &before, &target)?;
            }
            Ok(copied)
        })?;
    }
    Ok("direct, staged".to_owned())
}

/// No inodes left: known before copying, and used up by another program meanwhile.
pub(crate) fn inodes(lab: &Lab) -> Result<String> {
    let source = lab.new_dir("source")?;
    for number in 0..FILES {
        write_random(&source.join(number.to_string()), 100, number)?;
    }
    let memory = Volume::tmpfs(lab, "size=256m,nr_inodes=20")?;
    let target = memory.join("target");
    let before = with_old_target(&target)?;
    let copied = lab.copy(&[], &source, &target)?;
    ensure!(copied.status == 4, "exit status {}: {}", copied.status, copied.describe());
    ensure_nothing_happened(&copied, "DESTINATION_FULL", &before, &target)?;

    let arrived = delay::in_time(|millis| {
        let memory = Volume::tmpfs(lab, "size=256m,nr_inodes=80")?;
        let target = memory.join("target");
        with_old_target(&target)?;
        let options = ["-j", "1", "--retries", "0"];
        let take = || {
            for number in 0..60 {
                fs::File::create_new(memory.join(&format!("other-{number}")))?;
            }
            Ok(())
        };
        let copied = copy_and_take(lab, millis, &options, (&source, &target), take)?;
        copied.map(|copied| ensure_some_arrived(&copied, &source, &target)).transpose()
    })?;
    Ok(format!("refused; then {arrived} of {FILES} arrived"))
}

/// Some files were copied, are whole, and were reported; the others found no room. Gives how many.
fn ensure_some_arrived(copied: &Copied, source: &Path, target: &Path) -> Result<usize> {
    copied.ensure_fails_with("DESTINATION_FULL")?;
    ensure_no_partials(target)?;
    let mut arrived = 0;
    for number in 0..FILES {
        let (from, to) = (source.join(number.to_string()), target.join(number.to_string()));
        if to.exists() {
            ensure_same(&from, &to)?;
            arrived += 1;
        }
    }
    ensure!(arrived > 0 && arrived < 40, "{arrived} of {FILES} arrived");
    ensure_item_count(copied, "ok", arrived)?;
    Ok(arrived)
}

fn ensure_item_count(copied: &Copied, status: &str, expected: usize) -> Result<()> {
    let count = copied
        .of_type("item")
        .filter(|item| item["kind"] == "file" && item["status"] == status)
        .count();
    ensure!(count == expected, "{count} items are {status}, not {expected}: {}", copied.describe());
    Ok(())
}

/// A quota is used up.
pub(crate) fn quota(lab: &Lab) -> Result<String> {
    let btrfs = Volume::loopback(lab, Fs::Btrfs, Fs::Btrfs.smallest())?;
    let subvolume = btrfs.join("subvolume");
    let script =
        r#"btrfs quota enable "$1"; btrfs subvolume create "$2"; btrfs qgroup limit 4M "$2""#;
    tool::shell(script, [&btrfs.path, &subvolume])?;
    let source = lab.new_dir("source")?;
    write_random(&source.join("big"), 20 * MIB, 1)?;
    for strategy in ["direct", "staged"] {
        let target = subvolume.join(strategy);
        let before = with_old_target(&target)?;
        let copied = lab.copy(&["--strategy", strategy], &source, &target)?;
        ensure_nothing_happened(&copied, "QUOTA_EXCEEDED", &before, &target)?;
    }
    Ok("direct, staged".to_owned())
}
