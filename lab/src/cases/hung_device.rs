//! A device that does not answer any more, for a while.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::child::Running;
use crate::copier;
use crate::delay::wait_for;
use crate::lab::Lab;
use crate::recorded::Recorded;
use crate::snapshot::ensure_no_partials;
use crate::tool;
use crate::tree;
use crate::volume::{Fs, Volume};

/// More than the program tells ahead of whoever reads.
const FILES: usize = 3_000;

/// So many are reported before the device stops.
const BEFORE: usize = 50;

/// An answer is to come within half a second; the lab's machines are busy.
const ANSWER: Duration = Duration::from_secs(5);

/// A file system on which whoever writes waits, until this is dropped.
struct Frozen<'a>(&'a Path);

impl<'a> Frozen<'a> {
    fn new(path: &'a Path) -> Result<Self> {
        tool::run("fsfreeze", ["-f".as_ref(), path.as_os_str()])?;
        Ok(Self(path))
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        if let Err(error) = tool::run("fsfreeze", ["-u".as_ref(), self.0.as_os_str()]) {
            eprintln!("{error:#}");
        }
    }
}

/// Someone who cancels is answered while the copy hangs, other jobs go on, and this one is resumed when the
/// device answers again.
pub(crate) fn cancelled(lab: &Lab) -> Result<String> {
    let volume = Volume::loopback(lab, Fs::Ext4, 256 << 20)?;
    let other = Volume::tmpfs(lab, "size=256m")?;
    let source = lab.new_path("source");
    tree::make(&source, FILES, 2_000)?;
    let target = volume.join("target");
    let recorded = Recorded::new(lab)?;
    let said = lab.new_path("said");
    let (running, mut lines) = start(&recorded, &said, &source, &target)?;
    let mut items = lines.by_ref().filter(|line| line.contains(r#""type":"item""#));
    ensure!(items.by_ref().take(BEFORE).count() == BEFORE, "the copy has ended");

    let frozen = Frozen::new(&volume.path)?;
    // Nobody may hold the program but the device.
    let reader = std::thread::spawn(move || lines.count());
    let is_hanging = || {
        let threads = format!("/proc/{}/task", running.id());
        tool::shell("cat \"$1\"/*/stat", [&threads]).is_ok_and(|stat| stat.contains(") D "))
    };
    wait_for("a thread that hangs", is_hanging)?;
    let told = || fs::read_to_string(&said).unwrap_or_default();
    let interrupted = Instant::now();
    tool::shell("kill -INT \"$1\"", [running.id().to_string()])?;
    wait_for("an answer", || told().contains("cancelling"))?;
    let answered = interrupted.elapsed();
    ensure!(answered < ANSWER, "answered after {answered:?}");
    wait_for("word of what it waits for", || told().contains("waiting for"))?;
    // The ledger is free, and so are other volumes.
    recorded.copy(&[], &source.join("folder-0"), &other.join("target"))?.ensure_ok()?;
    let jobs = recorded.run(&["jobs", "--json"])?;
    jobs.ensure_ok()?;
    drop(frozen);

    let output = running.output()?;
    ensure!(reader.join().is_ok(), "the reader panicked");
    ensure!(copier::exit_status(&output) == 130, "{}: {}", output.status, told());
    ensure_no_partials(&target)?;
    let arrived = count(&target)?;
    ensure!(arrived < FILES, "all was copied before the device stopped");
    let resumed = recorded.run(&["resume", "1", "--json"])?;
    resumed.ensure_ok().context("resume")?;
    tree::ensure_alike(&source, &target)?;
    recorded.ensure_sound(1)?;
    Ok(format!("answered after {} ms; {arrived} of {FILES} had arrived", answered.as_millis()))
}

/// Begins the copy; what it says to its user goes to a file.
fn start(
    recorded: &Recorded,
    said: &Path,
    source: &Path,
    target: &Path,
) -> Result<(Running, impl Iterator<Item = String> + use<>)> {
    let said = said.to_str().context("the lab's paths are text")?;
    let wrapper = ["sh", "-c", r#"exec "$@" 2>"$0""#, said];
    let options = ["-j", "2", "--set", "group_max_files=8"];
    Running::start_held(&mut recorded.under(&wrapper).copy_command(&options, source, target))
}

fn count(top: &Path) -> Result<usize> {
    let mut open: Vec<PathBuf> = vec![top.to_owned()];
    let mut files = 0;
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let name: &OsStr = &entry.file_name();
            files += usize::from(name.as_encoded_bytes().starts_with(b"file-"));
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            }
        }
    }
    Ok(files)
}
