//! Disks that are slow, and answer what they are asked in another order.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::bad_disk::{self, Bench};
use crate::child::Running;
use crate::copier::{self, Copied};
use crate::disks::{Paced, Slow};
use crate::lab::Lab;
use crate::recorded::Recorded;
use crate::snapshot::ensure_no_partials;
use crate::tool;
use crate::tree;
use crate::volume::Fs;

/// How many small files there are, and how long two large ones are.
const FILES: usize = 120;
const LARGE: usize = 3 << 20;

/// Each request takes so many milliseconds.
const SLOW: Slow = Slow { seed: 43, least: 1, most: 30 };
const SLOWER: Slow = Slow { seed: 44, least: 100, most: 300 };

/// Somebody who cancels waits for what is under way, which takes a few requests of [`SLOWER`], one after the
/// other; the lab's machines are busy.
const END: Duration = Duration::from_secs(30);

/// All arrives, proved by reading it back, nothing fails because it takes long, how far it is never goes back, and
/// somebody who cancels is heard.
pub(crate) fn out_of_order(lab: &Lab) -> Result<String> {
    let figures = bad_disk::on_each(|fs_kind| one(lab, fs_kind).context(fs_kind.name()))?;
    control(lab).context("control")?;
    Ok(figures.join("; "))
}

fn one(lab: &Lab, fs_kind: Fs) -> Result<String> {
    let scene = Scene::new(lab, fs_kind)?;
    let (paced, looks) = scene.copy_to_the_end().context("to the end")?;
    let ended = scene.cancel().context("cancelled")?;
    Ok(format!(
        "{}: {} requests, {} overtook others, {} at once, {looks} looks, cancelled in {} ms",
        fs_kind.name(),
        paced.delayed,
        paced.overtaking,
        paced.most_at_once,
        ended.as_millis()
    ))
}

/// Fails unless requests waited, and were answered in another order than they came in.
fn ensure_out_of_order(paced: Paced) -> Result<()> {
    let is_so = paced.delayed > 50 && paced.overtaking > 10 && paced.most_at_once > 1;
    ensure!(is_so, "the disk was not slow, or answered in order: {paced:?}");
    Ok(())
}

/// A source, and a volume on a disk that can be slow, with a target that has old files.
struct Scene {
    bench: std::cell::RefCell<Bench>,
    recorded: Recorded,
    source: PathBuf,
    target: PathBuf,
}

impl Scene {
    fn new(lab: &Lab, fs_kind: Fs) -> Result<Self> {
        let bench = Bench::that_can_be_slow(lab, fs_kind)?;
        let recorded = Recorded::new(lab)?;
        let (source, target) = (bench.elsewhere("source"), bench.path().join("target"));
        tree::make(&source, FILES, 8_000)?;
        for (seed, name) in [(1, "large-1"), (2, "large-2")] {
            let content = surecopy_testkit::Random::new(seed).bytes(LARGE);
            tree::write_old(&source.join(name), &content)?;
        }
        fs::create_dir_all(target.join("folder-0"))?;
        for number in 0..10 {
            tree::write_old(&target.join(tree::name(number)), b"old")?;
        }
        bench.settle();
        Ok(Self { bench: bench.into(), recorded, source, target })
    }

    /// What the disk did, and how often it was looked how far the copy is.
    fn copy_to_the_end(&self) -> Result<(Paced, usize)> {
        self.bench.borrow().set_pace(Some(SLOW))?;
        let options = ["--verify", "all", "-j", "4", "--set", "group_max_files=16"];
        let mut command = self.recorded.copy_command(&options, &self.source, &self.target);
        let running = Running::start(&mut command)?;
        let mut far = Vec::new();
        let is_over = || self.recorded.run(&["status", "1", "--json"]);
        loop {
            // Before it is recorded there is nothing to be seen.
            if let Some(status) = is_over()?.of_type("job_status").next() {
                far.push(HowFar::of(status)?);
                if status["is_running"] == false && status["runs"][0]["ended"].is_string() {
                    break;
                }
            }
            std::thread::sleep(Duration::from_millis(40));
        }
        let copied = copier::read(&running.output()?)?;
        let paced = self.bench.borrow().paced()?;
        self.bench.borrow().set_pace(None)?;
        ensure_out_of_order(paced)?;
        self.ensure_whole(&copied)?;
        ensure_onward(&far)?;
        ensure!(far.iter().any(|far| far.is_between()), "never seen in the middle: {far:?}");
        Ok((paced, far.len()))
    }

    fn ensure_whole(&self, copied: &Copied) -> Result<()> {
        copied.ensure_ok()?;
        let report = copied.report()?;
        ensure!(report["retries"] == 0, "begun again: {}", copied.describe());
        let verified = report["verified"].as_u64().unwrap_or_default();
        ensure!(verified == FILES as u64 + 2, "{verified} were verified: {}", copied.describe());
        self.ensure_arrived()
    }

    /// What lies on the disk is the source.
    fn ensure_arrived(&self) -> Result<()> {
        self.bench.borrow_mut().mount_again()?;
        tree::ensure_alike(&self.source, &self.target)?;
        ensure_no_partials(&self.target)
    }

    /// Cancels another copy, which has to end soon and can be gone on with. Gives how long it took to end.
    fn cancel(&self) -> Result<Duration> {
        tool::shell(r#"rm -rf -- "$1""#, [&self.target])?;
        self.bench.borrow().settle();
        self.bench.borrow().set_pace(Some(SLOWER))?;
        let options = ["--verify", "all", "-j", "2", "--set", "group_max_files=4"];
        let mut command = self.recorded.copy_command(&options, &self.source, &self.target);
        let (mut running, mut lines) = Running::start_held(&mut command)?;
        let first = lines.find(|line| line.contains(r#""type":"item""#));
        ensure!(first.is_some(), "nothing was copied");
        tool::shell(r#"kill -INT "$1""#, [running.id().to_string()])?;
        let interrupted = Instant::now();
        let rest: Vec<String> = lines.collect();
        let status = copier::status_of(running.wait()?);
        let took = interrupted.elapsed();
        let paced = self.bench.borrow().paced()?;
        self.bench.borrow().set_pace(None)?;
        ensure!(status == 130, "exit status {status}: {}", rest.join("\n"));
        ensure!(took < END, "it took {took:?} to end");
        ensure!(paced.delayed > 0, "the disk was not slow");
        ensure_no_partials(&self.target)?;
        let arrived = self.recorded.items(2, "ok")?.len();
        ensure!(arrived < FILES, "all had arrived: not in the middle");
        self.recorded.run(&["resume", "2", "--json"])?.ensure_ok().context("resume")?;
        self.recorded.ensure_sound(2)?;
        self.ensure_arrived()?;
        Ok(took)
    }
}

/// How far a job is, as `status` says.
#[derive(Debug, Clone, Copy)]
struct HowFar {
    items: (u64, u64),
    bytes: (u64, u64),
    is_total_known: bool,
}

impl HowFar {
    fn of(status: &Value) -> Result<Self> {
        let number = |of: &str, name: &str| status[of][name].as_u64().context("status has figures");
        let both = |of: &str| Ok::<_, anyhow::Error>((number(of, "done")?, number(of, "total")?));
        let is_total_known = status["is_total_known"] == true;
        Ok(Self { items: both("items")?, bytes: both("bytes")?, is_total_known })
    }

    fn is_between(self) -> bool {
        self.is_total_known && self.bytes.0 > 0 && self.bytes.0 < self.bytes.1
    }
}

/// Fails when one of them is less than the one before, or more than all.
fn ensure_onward(far: &[HowFar]) -> Result<()> {
    for pair in far.windows(2) {
        let is_onward = pair[0].items.0 <= pair[1].items.0 && pair[0].bytes.0 <= pair[1].bytes.0;
        ensure!(is_onward, "it went back: {pair:?}");
    }
    let is_within = |far: &HowFar| far.items.0 <= far.items.1 && far.bytes.0 <= far.bytes.1;
    let beyond = far.iter().find(|far| far.is_total_known && !is_within(far));
    ensure!(beyond.is_none(), "more than all: {beyond:?}");
    Ok(())
}

/// A program that does not wait for a slow disk is found out by what lies there then, and a disk that answers in
/// order by its count.
fn control(lab: &Lab) -> Result<()> {
    let scene = Scene::new(lab, Fs::Ext4)?;
    scene.bench.borrow().set_pace(Some(SLOWER))?;
    tool::shell(r#"cp -a --no-target-directory -- "$1" "$2""#, [&scene.source, &scene.target])?;
    // Nothing that comes later gets to the disk.
    cut(scene.bench.borrow().path())?;
    scene.bench.borrow().set_pace(None)?;
    ensure!(scene.ensure_arrived().is_err(), "who does not wait is not found out");
    let in_order = Paced { delayed: 1000, overtaking: 0, most_at_once: 1 };
    ensure!(ensure_out_of_order(in_order).is_err(), "a disk that answers in order is not noticed");
    Ok(())
}

fn cut(at: &Path) -> Result<()> {
    let args = ["-x", "-c", "shutdown"].map(AsRef::as_ref);
    tool::run("xfs_io", args.into_iter().chain([at.as_os_str()])).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_back_or_too_far_is_noticed() {
        let far =
            |done, total| HowFar { items: (done, 9), bytes: (done, total), is_total_known: true };
        assert!(ensure_onward(&[far(0, 9), far(3, 9), far(3, 9), far(9, 9)]).is_ok());
        assert!(ensure_onward(&[far(0, 9), far(4, 9), far(3, 9)]).is_err());
        assert!(ensure_onward(&[far(0, 9), far(4, 3)]).is_err());
    }
}
