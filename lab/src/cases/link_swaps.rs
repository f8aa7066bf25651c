//! Someone swaps folders for links while a copy runs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::child::Running;
use crate::content::write_random;
use crate::copier::{self, Copied};
use crate::delay::{self, Delay};
use crate::lab::Lab;
use crate::snapshot::{Snapshot, ensure_no_partials};

/// What an attacker wants copied.
const SECRET: &[u8] = b"what must not be copied";

/// Puts a link in the place of an entry.
fn swap(entry: &Path, text: &Path) -> Result<()> {
    let aside = entry.with_extension("aside");
    fs::rename(entry, &aside).with_context(|| format!("move {} aside", entry.display()))?;
    symlink(text, entry)?;
    Ok(())
}

/// What came of a copy, and whether the swap was over before the call went on.
struct Swapped {
    copied: Copied,
    is_in_time: bool,
}

/// Runs a copy that stands still at a call, and swaps meanwhile.
fn copy_and_swap(
    lab: &Lab,
    (source, target): (&Path, &Path),
    delay: &Delay,
    attack: impl FnOnce() -> Result<()>,
) -> Result<Swapped> {
    let options = ["-j", "1", "--retries", "0"];
    let mut command = lab.copy_command_under(&delay.wrapper(), &options, source, target);
    let running = Running::start(&mut command)?;
    delay.wait()?;
    attack()?;
    let is_in_time = !delay.is_over()?;
    let copied = copier::read(&running.output()?)?;
    delay.ensure_happened()?;
    Ok(Swapped { copied, is_in_time })
}

/// Whether any file beneath a folder holds the secret.
fn holds_secret(top: &Path) -> Result<bool> {
    let mut open = vec![top.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() && fs::read(entry.path())? == SECRET {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// A source, a target and a place outside of both.
struct Stage {
    source: std::path::PathBuf,
    target: std::path::PathBuf,
    outside: std::path::PathBuf,
}

fn stage(lab: &Lab) -> Result<Stage> {
    let top = lab.new_dir("swap")?;
    let stage =
        Stage { source: top.join("src"), target: top.join("dst"), outside: top.join("out") };
    fs::create_dir_all(stage.source.join("sub"))?;
    write_random(&stage.source.join("sub/file"), 2000, 1)?;
    fs::create_dir_all(stage.target.join("sub"))?;
    fs::create_dir(&stage.outside)?;
    fs::write(stage.outside.join("file"), SECRET)?;
    Ok(stage)
}

/// The parent of a source file, and the file itself, while each kind of call stands still.
pub(crate) fn source(lab: &Lab) -> Result<String> {
    let mut figures = Vec::new();
    // Once while the tree is looked over, once when the file is about to be read.
    for (name, calls) in [
        ("sub", "getdents64"),
        ("sub", "openat2"),
        ("sub", "statx"),
        ("sub/file", "getdents64"),
        ("sub/file", "openat"),
        ("sub/file", "statx"),
    ] {
        let copied = delay::in_time(|millis| {
            let Stage { source, target, outside } = stage(lab)?;
            let entry = source.join(name);
            let link_text = if name == "sub" { outside.clone() } else { outside.join("file") };
            // Calls are known by the folder that they are made in, or that they lead to. `openat2` is
            // not: the first in each thread, which is the one that leads into the source.
            let folder = [source.join("sub")];
            let folder = folder.each_ref().map(|path| path.as_path());
            let watched = if calls == "openat2" { &[][..] } else { &folder };
            let delay = Delay::with_filter(lab, calls, millis, watched);
            let attack = || swap(&entry, &link_text);
            let swapped = copy_and_swap(lab, (&source, &target), &delay, attack)?;
            ensure!(!holds_secret(&target)?, "{name} at {calls}: the secret was copied");
            ensure_no_partials(&target)?;
            Ok(swapped.is_in_time.then_some(swapped.copied))
        })?;
        figures.push(format!("{name} at {calls}: {} {}", copied.status, copied.codes().join(" ")));
    }
    Ok(figures.join("; "))
}

/// The parent of a target.
pub(crate) fn destination(lab: &Lab) -> Result<String> {
    let mut figures = Vec::new();
    for calls in ["openat2,openat", "renameat2", "fsync,fdatasync"] {
        let copied = delay::in_time(|millis| {
            let Stage { source, target, outside } = stage(lab)?;
            let before = Snapshot::take(&outside)?;
            let entry = target.join("sub");
            let watched = [entry.as_path()];
            let watched = if calls == "openat2,openat" { &watched[..] } else { &[] };
            let delay = Delay::with_filter(lab, calls, millis, watched);
            let attack = || swap(&entry, &outside);
            let swapped = copy_and_swap(lab, (&source, &target), &delay, attack)?;
            before
                .ensure_unchanged(&outside)
                .with_context(|| format!("written outside, at {calls}"))?;
            ensure_no_partials(&target)?;
            Ok(swapped.is_in_time.then_some(swapped.copied))
        })?;
        figures.push(format!("{calls}: {} {}", copied.status, copied.codes().join(" ")));
    }
    Ok(figures.join("; "))
}
