//! How files were proved, and that items claim no more than that.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::content::{ensure_same, write_random};
use crate::copier::{self, ensure_has};
use crate::lab::Lab;
use crate::tool;
use crate::volume::{Fs, Volume};

const MIB: u64 = 1 << 20;

/// Copies a file within a volume and holds its item to what is expected.
fn check(
    lab: &Lab,
    volume: &Volume,
    names: (&str, &str),
    options: &[&str],
    expected: &Value,
) -> Result<Value> {
    let (source, target) = (volume.join(names.0), volume.join(names.1));
    let item = lab.copy_one(options, &source, &target)?;
    ensure_has(&format!("{} {options:?}", target.display()), &item, expected)?;
    ensure_same(&source, &target)?;
    Ok(item)
}

/// Without reading back nothing is claimed.
pub(crate) fn unproved(lab: &Lab) -> Result<String> {
    let volume = Volume::loopback(lab, Fs::Ext4, 256 * MIB)?;
    write_random(&volume.join("file"), 5 * MIB, 1)?;
    let none = json!({"evidence": "none", "verified": false, "unverified_reason": "policy_none"});
    check(lab, &volume, ("file", "a"), &["--verify", "none"], &none)?;
    let above = ["--set", "verify_threshold_bytes=5MiB"];
    let expected =
        json!({"evidence": "none", "verified": false, "unverified_reason": "above_threshold"});
    check(lab, &volume, ("file", "b"), &above, &expected)?;
    let stream = json!({
        "evidence": "stream", "verified": false, "unverified_reason": "read_back_off",
    });
    let options = ["--read-back", "none", "--strategy", "staged"];
    let item = check(lab, &volume, ("file", "c"), &options, &stream)?;
    ensure!(item["digest"].is_string(), "a stream has a digest: {item}");
    Ok(String::new())
}

/// What memory may have answered is called `cache`.
pub(crate) fn cache(lab: &Lab) -> Result<String> {
    let expected = json!({"evidence": "cache", "verified": true});
    let memory = Volume::tmpfs(lab, "size=256m")?;
    let ext4 = Volume::loopback(lab, Fs::Ext4, 256 * MIB)?;
    for (volume, options) in [(&memory, &[][..]), (&ext4, &["--read-back", "cache"])] {
        write_random(&volume.join("small"), 100_000, 1)?;
        write_random(&volume.join("file"), 5 * MIB, 2)?;
        let staged: Vec<&str> = options.iter().copied().chain(["--strategy", "staged"]).collect();
        check(lab, volume, ("small", "a"), options, &expected)?;
        check(lab, volume, ("file", "b"), options, &expected)?;
        check(lab, volume, ("file", "c"), &staged, &expected)?;
    }
    Ok(String::new())
}

/// What was read past the page cache is called `device`, however it was copied.
pub(crate) fn device(lab: &Lab) -> Result<String> {
    for fs in Fs::ALL {
        let volume = Volume::loopback(lab, fs, 512 * MIB)?;
        // Small files of btrfs lie in its tree and cannot be read past the cache: see below.
        write_random(&volume.join("small"), 100_000, 1)?;
        write_random(&volume.join("odd"), 70_001, 2)?;
        write_random(&volume.join("medium"), 20 * MIB + 7, 3)?;
        let expected = json!({"evidence": "device", "verified": true});
        let kernel = json!({
            "evidence": "device", "verified": true, "strategy": "direct",
            "mechanism": "copy_file_range", "mapped_fallbacks": 0,
        });
        let never = &["--reflink", "never"][..];
        let staged = &["--strategy", "staged", "--reflink", "never"][..];
        check(lab, &volume, ("small", "a"), never, &expected)?;
        check(lab, &volume, ("odd", "b"), never, &expected)?;
        check(lab, &volume, ("small", "c"), staged, &expected)?;
        check(lab, &volume, ("medium", "d"), staged, &expected)?;
        let may_reflink = fs != Fs::Ext4;
        let kernel = if may_reflink { &expected } else { &kernel };
        check(lab, &volume, ("medium", "e"), never, kernel)?;
    }
    Ok("ext4, xfs, btrfs".to_owned())
}

/// What shares the source's blocks is called `shared` and is never verified.
pub(crate) fn shared(lab: &Lab) -> Result<String> {
    for fs in [Fs::Xfs, Fs::Btrfs] {
        let volume = Volume::loopback(lab, fs, 512 * MIB)?;
        write_random(&volume.join("file"), 20 * MIB + 7, 1)?;
        let expected = json!({
            "mechanism": "clone", "evidence": "shared", "verified": false,
            "unverified_reason": "shared_blocks", "bytes_copied": 0,
        });
        check(lab, &volume, ("file", "a"), &[], &expected)?;
        ensure!(are_shared(&volume.join("file"), &volume.join("a"))?, "{}: no clone", fs.name());
        check(lab, &volume, ("file", "b"), &["--reflink", "always"], &expected)?;
        for (target, options) in [
            ("c", &["--reflink", "never"][..]),
            ("d", &["--reflink", "never", "--verify", "none"]),
            ("e", &["--strategy", "staged"]),
        ] {
            let mechanism = json!({"bytes_copied": 20 * MIB + 7});
            check(lab, &volume, ("file", target), options, &mechanism)?;
            tool::run("sync", ["-f".as_ref(), volume.path.as_os_str()])?;
            ensure!(
                !are_shared(&volume.join("file"), &volume.join(target))?,
                "{} {options:?}: no second physical copy",
                fs.name()
            );
        }
    }
    Ok("xfs, btrfs".to_owned())
}

/// A small file of btrfs has no blocks of its own: it lies in the tree, and what is read of it comes
/// from there.
pub(crate) fn inline(lab: &Lab) -> Result<String> {
    let volume = Volume::loopback(lab, Fs::Btrfs, Fs::Btrfs.smallest())?;
    let file = volume.join("file");
    write_random(&file, 900, 1)?;
    for (target, options) in [("a", &["--reflink", "never"][..]), ("b", &["--strategy", "staged"])]
    {
        let expected = json!({"evidence": "cache", "verified": true});
        check(lab, &volume, ("file", target), options, &expected)?;
        let map = tool::run("filefrag", ["-v".as_ref(), volume.join(target).as_os_str()])?;
        ensure!(map.contains("inline"), "the fixture is not what it should be:\n{map}");
    }
    // Whatever a default copy of it is called, it is not proved by the device.
    let item = check(lab, &volume, ("file", "c"), &[], &json!({}))?;
    let is_honest = matches!(item["evidence"].as_str(), Some("cache" | "shared"));
    ensure!(is_honest, "evidence {}", item["evidence"]);
    Ok(String::new())
}

/// What cannot be cloned is not copied in another way when only a clone will do.
pub(crate) fn clone_only(lab: &Lab) -> Result<String> {
    let volume = Volume::loopback(lab, Fs::Ext4, 256 * MIB)?;
    let (source, target) = (volume.join("file"), volume.join("copy"));
    write_random(&source, MIB, 1)?;
    let copied = lab.copy(&["--reflink", "always"], &source, &target)?;
    copied.ensure_fails_with("CLONE_NOT_POSSIBLE")?;
    ensure!(!target.exists(), "{} exists", target.display());
    Ok(String::new())
}

/// On ext4 without a journal a flush of the whole volume leaves metadata behind, so it is not relied
/// on: every file and directory is flushed by itself.
pub(crate) fn no_journal(lab: &Lab) -> Result<String> {
    let volume = Volume::loopback(lab, Fs::Ext4, 256 * MIB)?;
    let source = volume.dir("source")?;
    for number in 0..FLUSHED_FILES {
        write_random(&source.join(format!("file-{number}")), 10_000, number)?;
    }
    let (shared, _) = flushes(lab, &source, &volume.join("with"))?;
    ensure!(shared > 0, "the fixture is not what it should be: no common flush with a journal");
    volume.change_image(Fs::Ext4, "tune2fs -O ^has_journal")?;
    let (shared, single) = flushes(lab, &source, &volume.join("without"))?;
    ensure!(shared == 0, "{shared} flushes of a volume without a journal were relied on");
    ensure!(single > FLUSHED_FILES, "{single} flushes for {FLUSHED_FILES} files and a directory");
    Ok(format!("{FLUSHED_FILES} files, {single} flushes"))
}

/// On ext4 with inodes of 128 bytes times are whole seconds: what was copied counts as the same.
pub(crate) fn small_inodes(lab: &Lab) -> Result<String> {
    let source = Volume::loopback(lab, Fs::Ext4, 256 * MIB)?;
    let volume = Volume::loopback(lab, Fs::Ext4, 256 * MIB)?;
    volume.change_image(Fs::Ext4, "mkfs.ext4 -q -F -I 128")?;
    let (file, target) = (source.join("file"), volume.join("file"));
    write_random(&file, 10_000, 1)?;
    tool::run("touch", ["-d".as_ref(), "2020-01-02 03:04:05.678".as_ref(), file.as_os_str()])?;
    lab.copy_one(&[], &file, &target)?;
    let update = ["--on-conflict", "update"];
    let item = lab.copy_one(&update, &file, &target)?;
    ensure_has("the second copy", &item, &json!({"status": "skipped"}))?;
    Ok(String::new())
}

const FLUSHED_FILES: u64 = 20;

/// Copies a folder, and counts the flushes of volumes, and of single files and directories.
fn flushes(lab: &Lab, source: &Path, target: &Path) -> Result<(u64, u64)> {
    let trace = lab.new_path("trace");
    let trace_arg = trace.display().to_string();
    let strace = ["strace", "-f", "-qq", "-e", "trace=syncfs,fsync", "-o", &trace_arg];
    let command = &mut lab.copy_command_under(&strace, &[], source, target);
    let copied = copier::finish(command)?;
    copied.ensure_ok()?;
    for item in copied.of_type("item").filter(|item| item["kind"] == "file") {
        let expected = json!({"evidence": "device", "verified": true});
        ensure_has("an item", item, &expected)?;
    }
    let calls = fs::read_to_string(&trace)?;
    let count = |call: &str| calls.lines().filter(|line| line.contains(call)).count() as u64;
    Ok((count(" syncfs("), count(" fsync(")))
}

/// Whether the first extents of two files lie at the same place, and all others, too.
fn are_shared(left: &Path, right: &Path) -> Result<bool> {
    let (left, right) = (extents(left)?, extents(right)?);
    let is_any_common = left.iter().any(|extent| right.contains(extent));
    let is_all_common = left == right;
    ensure!(is_any_common == is_all_common, "half shared: {left:?} {right:?}");
    Ok(is_all_common)
}

/// Where the parts of a file lie on the device, in blocks.
fn extents(path: &Path) -> Result<Vec<(u64, u64)>> {
    let map = tool::run("filefrag", ["-v".as_ref(), path.as_os_str()])?;
    let numbers = |line: &str| -> Option<(u64, u64)> {
        // "   0:        0..    5120:      12288..     17408:   5121:             last,eof"
        let mut parts = line.split(':');
        let _number: u64 = parts.next()?.trim().parse().ok()?;
        let (_logical, physical) = (parts.next()?, parts.next()?);
        let (first, last) = physical.split_once("..")?;
        Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
    };
    let extents: Vec<_> = map.lines().filter_map(numbers).collect();
    ensure!(!extents.is_empty(), "no extents:\n{map}");
    Ok(extents)
}
