//! Watching on a real volume: how soon a change is marked, and what is made of a volume that goes and of
//! more changes than the kernel keeps.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::child::Running;
use crate::copier;
use crate::lab::Lab;
use crate::tool;
use crate::tree;
use crate::volume::{Fs, Volume};

/// Folders of fifty files each.
const FOLDERS: usize = 30;

/// What is younger than this when it is listed is not taken for unchanged.
const YOUNG: Duration = Duration::from_millis(1_300);

/// A known tree on a volume of its own.
struct Known<'a> {
    lab: &'a Lab,
    volume: Volume,
    source: PathBuf,
    index: PathBuf,
}

impl<'a> Known<'a> {
    fn new(lab: &'a Lab) -> Result<Self> {
        let volume = Volume::loopback(lab, Fs::Ext4, 256 << 20)?;
        let source = volume.join("source");
        tree::make(&source, FOLDERS * 50, 100)?;
        let index = lab.new_dir("cache")?.join("index.db");
        let known = Self { lab, volume, source, index };
        known.refresh()?;
        Ok(known)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.lab.command_under(&[], words);
        command.arg(&self.source).env("SURECOPY_INDEX", &self.index);
        command
    }

    fn prepare(&self, options: &[&str]) -> Result<Value> {
        let words = [&["prepare", "--json"], options].concat();
        let ended = copier::finish(&mut self.command(&words))?;
        ended.ensure_ok()?;
        Ok(ended.of_type("prepare_report").next().context("no report")?.clone())
    }

    /// Looks at all that has changed, when it is old enough to be taken for unchanged from then on.
    fn refresh(&self) -> Result<()> {
        let written = Instant::now();
        while written.elapsed() < YOUNG {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.prepare(&[])?;
        ensure!(self.stale()?.is_empty(), "something is stale: {:?}", self.stale()?);
        Ok(())
    }

    /// The directories that are to be listed again, by their paths beneath the source.
    fn stale(&self) -> Result<BTreeSet<String>> {
        let report = self.prepare(&["--prepare", "index-only"])?;
        let found = report["sources"][0]["stale"].as_array().context("no list")?;
        let path = |found: &Value| Some(found["path"].as_str()?.to_owned());
        found.iter().map(path).collect::<Option<_>>().context("no path")
    }

    fn watch(&self) -> Result<Watched> {
        let (program, lines) = Running::start_held(&mut self.command(&["watch", "--json"]))?;
        let mut watched = Watched { program, lines: Box::new(lines) };
        watched.until("checked")?;
        Ok(watched)
    }
}

/// A watch that is going on.
struct Watched {
    program: Running,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Watched {
    /// The next fact of this sort. That it never comes is noticed when the program's time is over.
    fn until(&mut self, event: &str) -> Result<Value> {
        for line in self.lines.by_ref() {
            let object: Value = serde_json::from_str(&line)?;
            if object["event"] == event {
                return Ok(object);
            }
        }
        bail!("it ended before {event}")
    }

    fn send(&self, signal: &str) -> Result<()> {
        tool::run("kill", [format!("-{signal}"), self.program.id().to_string()])?;
        Ok(())
    }

    fn end(mut self) -> Result<()> {
        self.send("TERM")?;
        self.lines.by_ref().for_each(drop);
        ensure!(self.program.wait()?.success(), "it did not end well");
        Ok(())
    }
}

/// Changes of every kind, each marked by itself: exactly the directories concerned.
pub(crate) fn changes(lab: &Lab) -> Result<String> {
    let known = Known::new(lab)?;
    let mut watched = known.watch()?;
    let mut took = Vec::new();
    for (script, marks) in [
        ("echo more >> folder-1/file-50", &["folder-1"][..]),
        ("chmod 600 folder-2/file-100", &["folder-2"]),
        ("truncate -s 9 folder-3/file-150", &["folder-3"]),
        ("touch folder-4/new", &["folder-4"]),
        ("rm folder-5/file-250", &["folder-5"]),
        ("mv folder-6/file-300 folder-6/other", &["folder-6"]),
        ("mv folder-7/file-350 folder-8/in", &["folder-7", "folder-8"]),
        ("mv folder-9/file-450 ../out", &["folder-9"]),
        ("cp -p ../out folder-10/back", &["folder-10"]),
        ("ln -s nowhere folder-11/link", &["folder-11"]),
        ("mkdir folder-12/new", &["folder-12", "folder-12/new"]),
        ("setfattr -n user.a -v b folder-13/file-650", &["folder-13"]),
        ("touch -d 2001-01-01 folder-14/file-700", &["folder-14"]),
        ("rmdir folder-12/new", &["folder-12"]),
    ] {
        let known_before: BTreeSet<String> = known.stale()?;
        let begun = Instant::now();
        tool::shell(&format!("cd \"$1\"; {script}"), [&known.source])?;
        watched.until("marked")?;
        took.push(begun.elapsed());
        let expected: BTreeSet<String> = marks.iter().map(|&path| path.to_owned()).collect();
        let deadline = Instant::now() + Duration::from_secs(30);
        // Two directories may be marked one after the other.
        loop {
            let found = known.stale()?;
            if found == covered(&expected) {
                break;
            }
            ensure!(Instant::now() < deadline, "{script}: {found:?}, before {known_before:?}");
        }
        known.refresh()?;
    }
    watched.end()?;
    took.sort_unstable();
    let millis = |at: usize| took[at].as_millis();
    Ok(format!("marked after {} ms, at most {}", millis(took.len() / 2), millis(took.len() - 1)))
}

/// What is beneath a stale directory is not named besides.
fn covered(directories: &BTreeSet<String>) -> BTreeSet<String> {
    let is_above = |path: &String, other: &String| {
        path != other && Path::new(path).starts_with(Path::new(other))
    };
    let is_top = |path: &&String| !directories.iter().any(|other| is_above(path, other));
    directories.iter().filter(is_top).cloned().collect()
}

/// The volume is unmounted, changed elsewhere, and comes back.
pub(crate) fn unmounted(lab: &Lab) -> Result<String> {
    let known = Known::new(lab)?;
    let mut watched = known.watch()?;
    tool::run("umount", [&known.volume.path])?;
    let lost = watched.until("lost")?;
    // What stands in the way meanwhile is not the location.
    known.volume.put_back(Fs::Ext4)?;
    fs::write(known.source.join("folder-3/new"), "while nobody watched")?;
    watched.until("returned")?;
    watched.until("checked")?;
    ensure!(known.stale()? == BTreeSet::from(["folder-3".to_owned()]), "{:?}", known.stale()?);
    // It is watched as before.
    fs::write(known.source.join("folder-4/new"), "while it is watched")?;
    watched.until("marked")?;
    watched.end()?;
    Ok(lost["message"].as_str().unwrap_or_default().to_owned())
}

/// More happens than the kernel keeps for somebody who does not read it.
pub(crate) fn overflow(lab: &Lab) -> Result<String> {
    let known = Known::new(lab)?;
    let mut watched = known.watch()?;
    watched.send("STOP")?;
    let most = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events")?;
    let many: usize = most.trim().parse::<usize>()? * 2;
    for number in 0..many / 2 {
        let path = known.source.join(format!("folder-{}/file-{}", number % 9, number % 9 * 50));
        fs::write(path, number.to_string())?;
    }
    // The kernel tells of this one no more.
    fs::write(known.source.join("folder-20/new"), "the last of all")?;
    watched.send("CONT")?;
    let lost = watched.until("lost")?;
    watched.until("checked")?;
    let stale = known.stale()?;
    ensure!(stale.contains("folder-20"), "what was not told is not found: {stale:?}");
    watched.end()?;
    let reason = lost["message"].as_str().unwrap_or_default();
    Ok(format!("{} changes: {reason}", many / 2))
}
