//! File systems that are gone at once, in the middle of a recorded job: shut down, read-only, unmounted; of the
//! destination and of the source.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::power_cut::cut_power;
use crate::child::Running;
use crate::copier::{self, Copied};
use crate::lab::Lab;
use crate::recorded::Recorded;
use crate::snapshot::ensure_no_partials;
use crate::tool;
use crate::tree;
use crate::volume::{Fs, Volume};

/// More than the program tells ahead of whoever reads.
const FILES: usize = 2_500;

/// So many are reported before it happens.
const BEFORE: usize = 100;

/// More than may fail of what was in hand: a few groups of [`OPTIONS`]. What was not, may not.
const MOST_FAILURES: u64 = 40;

/// From the loss to the end; the lab's machines are busy.
const SOON: Duration = Duration::from_secs(20);

const OPTIONS: [&str; 4] = ["-j", "2", "--set", "group_max_files=8"];

/// How a file system goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    ShutDown,
    ReadOnly,
    Unmounted,
}

impl Loss {
    fn happen(self, volume: &Volume) -> Result<()> {
        let path = volume.path.as_os_str();
        match self {
            Loss::ShutDown => cut_power(volume, "shutdown"),
            // A mount on which somebody writes cannot be made read-only; a file system that has found an error is.
            Loss::ReadOnly => {
                let args = ["-o", "remount,abort"].map(OsStr::new);
                tool::run("mount", args.into_iter().chain([path])).map(drop)
            }
            Loss::Unmounted => tool::run("umount", ["-l".as_ref(), path]).map(drop),
        }
    }

    fn mend(self, volume: &Volume, fs_kind: Fs) -> Result<()> {
        match self {
            Loss::Unmounted => volume.put_back(fs_kind),
            Loss::ShutDown | Loss::ReadOnly => volume.mount_again(fs_kind),
        }
    }
}

/// What is named of the volume that is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    /// A folder on it, to which is copied.
    Target,
    /// A folder on it, of which is copied.
    Source,
    /// It as a whole, without a slash at its end, which is copied into a folder: what is looked at must not be
    /// the folder in which it is mounted.
    WholeDisk,
}

impl Named {
    fn end(self) -> &'static str {
        match self {
            Named::Target => "destination",
            Named::Source | Named::WholeDisk => "source",
        }
    }
}

/// The job ends soon and says what is lost, few files have failed, and when it is back, the job goes on to its end.
pub(crate) fn in_the_middle(lab: &Lab) -> Result<String> {
    let mut figures = Vec::new();
    for (fs_kind, loss, lost) in [
        (Fs::Ext4, Loss::ShutDown, Named::Target),
        (Fs::Xfs, Loss::ShutDown, Named::Target),
        (Fs::Ext4, Loss::ReadOnly, Named::Target),
        (Fs::Btrfs, Loss::Unmounted, Named::Target),
        (Fs::Ext4, Loss::ShutDown, Named::Source),
        (Fs::Xfs, Loss::ShutDown, Named::Source),
        (Fs::Ext4, Loss::ShutDown, Named::WholeDisk),
        (Fs::Xfs, Loss::Unmounted, Named::WholeDisk),
    ] {
        let what = format!("{} {loss:?} {lost:?}", fs_kind.name());
        let failed = one(lab, fs_kind, loss, lost).with_context(|| what.clone())?;
        figures.push(format!("{what}: {failed} failed"));
    }
    told_to_people(lab).context("told to people")?;
    control(lab).context("control")?;
    Ok(figures.join("; "))
}

/// Fails unless the report says that this end was lost, beneath this folder.
pub(super) fn ensure_lost(copied: &Copied, end: &str, within: &Path) -> Result<()> {
    let report = copied.report()?;
    let (outcome, lost) = (&report["outcome"], &report["lost"]);
    ensure!(outcome == "lost" && lost["end"] == end, "{outcome} {lost}: {}", copied.describe());
    let path = lost["path"].as_str().map(Path::new).context("the report names a path")?;
    ensure!(path.starts_with(within), "{} is told, {} is lost", path.display(), within.display());
    let error = lost["error"].as_str().unwrap_or_default();
    ensure!(!error.is_empty(), "how that showed is not told");
    Ok(())
}

/// Gives how many files have failed.
fn one(lab: &Lab, fs_kind: Fs, loss: Loss, named: Named) -> Result<u64> {
    let scene = Scene::new(lab, fs_kind, named)?;
    let command = scene.command();
    let (copied, took) = copy_and_lose(command, &scene.volume, loss)?;
    let told = || copied.describe();
    ensure!(copied.status == 6, "exit status {}: {}", copied.status, told());
    ensure_lost(&copied, named.end(), &scene.volume.path)?;
    ensure!(took < SOON, "it took {took:?} to end");
    let report = copied.report()?;
    let number = |name: &str| report["items"][name].as_u64().unwrap_or_default();
    let (failed, left) = (number("failed"), number("cancelled"));
    ensure_stopped_early(failed, left).with_context(told)?;
    let state = scene.recorded.status(1)?;
    ensure!(state["state"] == "stopped", "{state}");
    scene.recorded.ensure_sound(1).context("while it is lost")?;
    if loss == Loss::Unmounted {
        // Nothing is begun in the folder over which it was mounted.
        let resumed = scene.recorded.run(&["resume", "1", "--json"])?;
        ensure!(resumed.status == 4, "resumed without it: {}", resumed.describe());
        let found = fs::read_dir(&scene.volume.path)?.count();
        ensure!(found == 0, "{found} files where the volume was mounted");
    }

    loss.mend(&scene.volume, fs_kind)?;
    let done = scene.recorded.items(1, "ok")?.len() as u64;
    let resumed = scene.recorded.run(&["resume", "1", "--json"])?;
    resumed.ensure_ok().context("resume")?;
    let kept = resumed.report()?["planned"]["kept"].as_u64().unwrap_or_default();
    ensure!(kept >= BEFORE as u64 && kept + FILES as u64 / 50 >= done, "{kept} kept of {done}");
    scene.ensure_whole()?;
    Ok(failed)
}

/// Runs a copy that tells of each item, and loses a volume when it has told of some. Gives what it said, and
/// how long it went on.
fn copy_and_lose(mut command: Command, volume: &Volume, loss: Loss) -> Result<(Copied, Duration)> {
    let (mut running, mut lines) = Running::start_held(&mut command)?;
    let is_item = |line: &String| line.contains("file-");
    let mut told: Vec<String> = Vec::new();
    told.extend(lines.by_ref().filter(is_item).take(BEFORE));
    ensure!(told.len() == BEFORE, "it ended after {} items", told.len());
    // Whoever does not read holds the copy, which is in the middle however long that takes.
    loss.happen(volume)?;
    let lost = Instant::now();
    told.extend(lines);
    let status = copier::status_of(running.wait()?);
    let objects = told.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Ok((Copied { status, objects, stderr: told.join("\n") }, lost.elapsed()))
}

/// Few have failed, far fewer than were left.
fn ensure_stopped_early(failed: u64, left: u64) -> Result<()> {
    ensure!(left > FILES as u64 / 4, "only {left} were left: not in the middle");
    ensure!(failed > 0 && failed <= MOST_FAILURES, "{failed} have failed, {left} were left");
    Ok(())
}

/// A source and a target, one of them on a volume that will be lost, and a ledger elsewhere.
struct Scene {
    named: Named,
    source: PathBuf,
    target: PathBuf,
    recorded: Recorded,
    volume: Volume,
    _other: Volume,
}

impl Scene {
    fn new(lab: &Lab, fs_kind: Fs, named: Named) -> Result<Self> {
        let volume = Volume::loopback(lab, fs_kind, fs_kind.smallest().max(256 << 20))?;
        let other = Volume::tmpfs(lab, "size=256m")?;
        let recorded = Recorded::within(lab, &other.dir("records")?);
        let (from, to) = match named {
            Named::Target => (&other, &volume),
            Named::Source | Named::WholeDisk => (&volume, &other),
        };
        let (source, target) = (from.join("source"), to.dir("target")?);
        tree::make(&source, FILES, 3_000)?;
        tool::run("sync", ["-f".as_ref(), volume.path.as_os_str()])?;
        Ok(Self { named, source, target, recorded, volume, _other: other })
    }

    fn command(&self) -> Command {
        if self.named != Named::WholeDisk {
            return self.recorded.copy_command(&OPTIONS, &self.source, &self.target);
        }
        let mut command = self.recorded.command(&["copy", "--json"]);
        command.args(OPTIONS).args([&self.volume.path, &self.target]);
        command
    }

    /// Where what is in the source arrives.
    fn arrived(&self) -> Result<PathBuf> {
        if self.named != Named::WholeDisk {
            return Ok(self.target.clone());
        }
        let disk = self.volume.path.file_name().context("a volume has a name")?;
        Ok(self.target.join(disk).join("source"))
    }

    /// Fails unless all has arrived, and nothing is left over.
    fn ensure_whole(&self) -> Result<()> {
        self.recorded.ensure_sound(1)?;
        tree::ensure_alike(&self.source, &self.arrived()?)?;
        ensure_no_partials(&self.target)
    }
}

/// People are told what is lost, and what to do.
fn told_to_people(lab: &Lab) -> Result<()> {
    let scene = Scene::new(lab, Fs::Ext4, Named::Target)?;
    let words =
        ["copy", "-v", "--progress", "never", "-j", "2", "--set", "group_max_files=8", "-T"];
    let mut command = scene.recorded.under(&["sh", "-c", r#"exec "$0" "$@" 2>&1"#]).command(&words);
    command.args([&scene.source, &scene.target]);
    let (copied, _) = copy_and_lose(command, &scene.volume, Loss::ShutDown)?;
    let path = scene.volume.path.display().to_string();
    let said = copied.stderr.lines().find(|line| line.contains("is lost")).unwrap_or_default();
    ensure!(said.contains("destination") && said.contains(&path), "said: {said:?}");
    copied.ensure_ends(6, &["mount it again", "surecopy resume 1"])
}

/// A program that goes on with each file by itself: that is what [`ensure_stopped_early`] has to notice.
fn control(lab: &Lab) -> Result<()> {
    let scene = Scene::new(lab, Fs::Ext4, Named::Target)?;
    let target = scene.target.display().to_string();
    Loss::ShutDown.happen(&scene.volume)?;
    let script = r#"{ find "$1" -type f -exec cp -t "$2" {} + 2>&1 || true; } | grep -c cp:"#;
    let told = tool::shell(script, [&scene.source.display().to_string(), &target])?;
    let failed: u64 = told.trim().parse().with_context(|| format!("{told:?} is no number"))?;
    let is_noticed = ensure_stopped_early(failed, FILES as u64).is_err();
    ensure!(is_noticed, "cp failed with {failed} files, and that is not noticed");
    Ok(())
}
