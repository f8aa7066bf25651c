//! Several processes and one ledger.

use std::thread;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::child::Running;
use crate::copier;
use crate::lab::Lab;
use crate::recorded::Recorded;
use crate::snapshot::ensure_no_partials;
use crate::tree;
use crate::volume::{Fs, Volume};

const FILES: usize = 1000;
const OPTIONS: [&str; 4] = ["-j", "2", "--set", "group_max_files=8"];

/// Two jobs at once on one ledger; both end well and have an audit log of their own.
pub(crate) fn two_jobs(lab: &Lab) -> Result<String> {
    let volume = Volume::loopback(lab, Fs::Ext4, 512 << 20)?;
    let source = volume.join("source");
    tree::make(&source, FILES, 3000)?;
    let recorded = Recorded::new(lab)?;
    let targets = ["one", "two", "three"].map(|name| volume.join(name));
    let copies = thread::scope(|scope| {
        let (recorded, source) = (&recorded, &source);
        let copies: Vec<_> = targets
            .iter()
            .map(|target| scope.spawn(move || recorded.copy(&OPTIONS, source, target)))
            .collect();
        copies.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let mut jobs = Vec::new();
    let mut records = 0;
    for (copied, target) in copies.into_iter().zip(&targets) {
        let copied = copied.map_err(|_| anyhow::anyhow!("panicked"))??;
        copied.ensure_ok()?;
        tree::ensure_alike(&source, target)?;
        let job = copied.objects[0]["job"].as_u64().context("the job has a number")?;
        let status = recorded.status(job)?;
        ensure!(status["state"] == "finished", "{status}");
        records += recorded.ensure_sound(job)?;
        jobs.push(job);
    }
    jobs.sort_unstable();
    ensure!(jobs == [1, 2, 3], "the jobs are {jobs:?}");
    Ok(format!("{} jobs of {FILES} files, {records} records", jobs.len()))
}

/// The same job twice: refused, with the number of the process. Others see how far it is, and what
/// became of it when its process dies.
pub(crate) fn one_job(lab: &Lab) -> Result<String> {
    let volume = Volume::loopback(lab, Fs::Ext4, 512 << 20)?;
    let (source, target) = (volume.join("source"), volume.join("target"));
    tree::make(&source, FILES, 3000)?;
    let recorded = Recorded::new(lab)?;
    // A finished one before it, and one after: neither is what is gone on with.
    recorded.copy(&OPTIONS, &source.join(tree::name(0)), &volume.join("file"))?.ensure_ok()?;
    let mut command = recorded.copy_command(&OPTIONS, &source, &target);
    let (mut running, lines) = Running::start_held(&mut command)?;
    let mut items = lines.filter(|line| line.contains(r#""type":"item""#));
    ensure!(items.by_ref().take(100).count() == 100, "it ended by itself");

    let pid = running.id();
    let status = recorded.status(2)?;
    ensure!(status["state"] == "running" && status["is_running"] == true, "{status}");
    ensure!(status["runs"][0]["pid"] == pid, "{status}");
    for words in [["resume", "2", "--json"], ["verify", "2", "--json"]] {
        let refused = recorded.run(&words)?;
        let named = format!("as process {pid} on ");
        refused.ensure_ends(4, &["job 2 is running already", &named])?;
    }
    // Nothing to go on with: what runs is no such job.
    let nothing = recorded.run(&["resume", "--json"])?;
    ensure!(nothing.status == 0 && nothing.objects.is_empty(), "{}", nothing.describe());

    let mut follow = recorded.command(&["status", "2", "--follow", "--json"]);
    let (mut follower, mut followed) = Running::start_held(&mut follow)?;
    let first: Value = serde_json::from_str(&followed.next().context("it follows")?)?;
    ensure!(first["is_running"] == true, "{first}");
    recorded.copy(&OPTIONS, &source.join(tree::name(1)), &volume.join("later"))?.ensure_ok()?;
    running.kill()?;
    running.wait()?;
    drop(items);
    let last: Value = serde_json::from_str(&followed.last().context("it follows to the end")?)?;
    ensure!(last["state"] == "interrupted" && last["is_running"] == false, "{last}");
    let status = follower.wait()?.code();
    ensure!(status == Some(130), "status --follow of a job that died ended with {status:?}");

    let jobs = recorded.run(&["jobs", "--json"])?;
    let states: Vec<&Value> = jobs.objects.iter().map(|job| &job["state"]).collect();
    ensure!(states == ["finished", "interrupted", "finished"], "{states:?}");
    // Without a number, for people: says which.
    let plain = Running::start(&mut recorded.command(&["resume"]))?.output()?;
    let said = String::from_utf8_lossy(&plain.stdout).into_owned();
    ensure!(copier::exit_status(&plain) == 0 && said.contains("resuming job 2 of "), "{said}");
    tree::ensure_alike(&source, &target)?;
    ensure_no_partials(&target)?;
    recorded.ensure_sound(2)?;
    let done = &last["items"]["done"];
    Ok(format!("died after {done} of {FILES}, seen by others, resumed without a number"))
}

/// `status --follow` of a job that comes to its end.
pub(crate) fn follow(lab: &Lab) -> Result<String> {
    let volume = Volume::loopback(lab, Fs::Ext4, 512 << 20)?;
    let (source, target) = (volume.join("source"), volume.join("target"));
    tree::make(&source, FILES, 3000)?;
    let recorded = Recorded::new(lab)?;
    let mut command = recorded.copy_command(&OPTIONS, &source, &target);
    let (mut running, mut lines) = Running::start_held(&mut command)?;
    let is_item = |line: &String| line.contains(r#""type":"item""#);
    ensure!(lines.by_ref().any(|line| is_item(&line)), "no item");
    let mut follow = recorded.command(&["status", "--follow", "--json"]);
    let (mut follower, mut followed) = Running::start_held(&mut follow)?;
    let first: Value = serde_json::from_str(&followed.next().context("it follows")?)?;
    ensure!(first["is_running"] == true, "{first}");
    let rest = lines.count();
    ensure!(running.wait()?.success() && rest > 0, "the copy failed");
    let told: Vec<String> = followed.collect();
    let last: Value = serde_json::from_str(told.last().context("it goes on")?)?;
    ensure!(last["state"] == "finished" && last["items"]["done"] == FILES, "{last}");
    ensure!(follower.wait()?.success(), "status --follow failed");
    Ok(format!("{} objects", told.len() + 1))
}
