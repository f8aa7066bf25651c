//! A disk that takes nothing any more, in the middle of a recorded job.
//!
//! What the kernel says of it comes bit by bit: [`super::lost_volume`] has file systems that are gone at once.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::bad_disks::{CODES, OLD};
use super::lost_volume;
use crate::bad_disk::{self, Bench, Left};
use crate::copier::Copied;
use crate::disks::{Fault, Kind, marks};
use crate::lab::Lab;
use crate::recorded::Recorded;
use crate::snapshot::PARTIAL_PREFIX;
use crate::tree;
use crate::volume::Fs;

/// How many files there are, of how many bytes, and the one with which the disk goes.
const FILES: u32 = 200;
const LENGTH: usize = 20_000;
const LAST: u32 = 120;

/// What was published, and could neither be flushed nor taken back.
const UNKNOWN: &str = "DURABILITY_UNKNOWN";

/// The file system turns read-only, or is gone: the job stops and says so, the ledger, which is elsewhere, fits what is
/// on the disk, and when the disk is back, the job goes on to its end.
pub(crate) fn in_the_middle(lab: &Lab) -> Result<String> {
    let figures = bad_disk::on_each(|fs_kind| one(lab, fs_kind).context(fs_kind.name()))?;
    Ok(figures.join("; "))
}

fn one(lab: &Lab, fs_kind: Fs) -> Result<String> {
    let mut scene = Scene::new(lab, fs_kind)?;
    let copied = scene.copy()?;
    let told = || copied.describe();
    ensure!(copied.status == 6, "exit status {}: {}", copied.status, told());
    lost_volume::ensure_lost(&copied, "destination", scene.bench.path())?;
    let codes = copied.codes();
    let is_of_disk = |code: &&str| CODES.contains(code) || *code == UNKNOWN;
    ensure!(codes.iter().all(is_of_disk), "{codes:?}: {}", told());
    let failed = copied.report()?["items"]["failed"].as_u64().unwrap_or_default();
    ensure!(codes.len() as u64 == failed, "{} errors, {failed} failures", codes.len());
    scene.recorded.ensure_sound(1).context("with the disk gone")?;

    scene.bench.mount_again()?;
    let done = scene.ensure_done_is_there().with_context(told)?;
    scene.ensure_old_or_new()?;
    let resumed = scene.recorded.run(&["resume", "1", "--json"])?;
    resumed.ensure_ok()?;
    let kept = resumed.report()?["planned"]["kept"].as_u64().unwrap_or_default();
    ensure!(kept >= done, "{kept} kept of {done}: {}", resumed.describe());
    scene.recorded.ensure_sound(1)?;
    scene.ensure_all_new()?;
    scene.ensure_nothing_is_left()?;
    let doubtful = codes.iter().filter(|code| **code == UNKNOWN).count();
    Ok(format!("{}: {done} done, {failed} failed, {doubtful} of them in doubt", fs_kind.name()))
}

/// A volume, a job that copies to it, and its ledger on another one.
struct Scene {
    bench: Bench,
    recorded: Recorded,
    source: PathBuf,
    target: PathBuf,
}

impl Scene {
    fn new(lab: &Lab, fs_kind: Fs) -> Result<Self> {
        let bench = Bench::new(lab, fs_kind)?;
        let recorded = Recorded::new(lab)?;
        let (source, target) = (bench.elsewhere("source"), bench.path().join("target"));
        fs::create_dir(&source)?;
        fs::create_dir(&target)?;
        for number in 0..FILES {
            tree::write_old(&source.join(name(number)), &marks::content(number, LENGTH))?;
            if number.is_multiple_of(3) {
                tree::write_old(&target.join(name(number)), OLD)?;
            }
        }
        bench.settle();
        Ok(Self { bench, recorded, source, target })
    }

    fn copy(&self) -> Result<Copied> {
        self.bench.set(Fault::always(Kind::Dead, 0).in_file(LAST))?;
        let options = ["--verify", "all", "--set", "group_max_files=8"];
        let copied = self.recorded.copy(&options, &self.source, &self.target)?;
        self.bench.ensure_fired()?;
        Ok(copied)
    }

    /// Fails unless all that is recorded as done is there. Gives how much that is.
    fn ensure_done_is_there(&self) -> Result<u64> {
        let items = self.recorded.items(1, "ok")?;
        let files = items.iter().filter(|item| item["kind"] == "file");
        let mut done = 0;
        for target in files.filter_map(|item| item["target"].as_str()).map(Path::new) {
            let source = self.source.join(target.file_name().context("it has a name")?);
            let is_there =
                fs::read(target).is_ok_and(|found| fs::read(source).is_ok_and(|s| s == found));
            ensure!(is_there, "{} is recorded as done, and is not there", target.display());
            done += 1;
        }
        ensure!(done > 0 && done < u64::from(FILES), "{done} were done: not in the middle");
        Ok(done)
    }

    fn ensure_old_or_new(&self) -> Result<()> {
        for number in 0..FILES {
            let old = number.is_multiple_of(3).then_some(OLD);
            let target = self.target.join(name(number));
            let left = Left::look(&target, &marks::content(number, LENGTH), old)?;
            let expected = if old.is_some() { Left::Old } else { Left::Absent };
            ensure!(left == Left::Right || left == expected, "{}: {left:?}", target.display());
        }
        Ok(())
    }

    fn ensure_all_new(&self) -> Result<()> {
        for number in 0..FILES {
            let content = fs::read(self.target.join(name(number)))?;
            ensure!(
                content == marks::content(number, LENGTH),
                "{} is not new",
                name(number).display()
            );
        }
        Ok(())
    }

    /// Fails when anything is left under a name that is not visible: what was in doubt is put in order.
    fn ensure_nothing_is_left(&self) -> Result<()> {
        for entry in fs::read_dir(&self.target)? {
            let name = entry?.file_name();
            let is_ours = name.as_encoded_bytes().starts_with(PARTIAL_PREFIX);
            ensure!(!is_ours, "{} was left behind", name.display());
        }
        Ok(())
    }
}

fn name(number: u32) -> PathBuf {
    PathBuf::from(format!("file-{number:03}"))
}
