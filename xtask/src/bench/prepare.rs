//! How soon it is known what a tree holds: of one that is new, and of one that is in the index.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use serde_json::Value;

use super::race::{Runner, Timed, race, table};
use super::scan::{deep_tree, fd, find, has_fd, quiet};
use super::scratch::Scratch;

/// What is younger than this when it is indexed is not taken for unchanged.
const YOUNG: Duration = Duration::from_millis(1_500);

/// A tree that the index knows: the first row is what others do.
pub(crate) fn known(scratch: &Scratch, rounds: usize) -> Result<String> {
    let top = scratch.join("source");
    let what = deep_tree(&top)?;
    let made = SystemTime::now();
    std::thread::sleep(YOUNG.saturating_sub(made.elapsed().unwrap_or_default()));
    let prepare = |words: &[&str]| {
        let words = [&["prepare", "--json"], words].concat();
        Ok(scratch.surecopy(&words, &[&top]))
    };
    quiet(prepare(&[])?)?.status().context("fill the index")?;
    let du = || {
        let mut command = Command::new("du");
        command.arg("-s").arg(&top);
        quiet(command)
    };
    let said = |name, words: &'static [&'static str], read| Runner {
        name,
        prepare: Box::new(move || prepare(words)),
        timed: Timed::Said(read),
    };
    let runners = [
        Runner::whole("du -s", du),
        Runner::whole("prepare", || quiet(prepare(&[])?)),
        said("its quick assessment", &[], |text| phase(text, "quick_assessment")),
        said("its staleness validation", &[], |text| phase(text, "staleness_validation")),
        said("a full scan, remembered", &["--prepare", "scan"], whole),
        said("a full scan, not remembered", &["--no-index"], whole),
    ];
    let took = race(&runners, rounds)?;
    Ok(format!(
        "{what} that the index knows, {rounds} rounds, on {}\n\n{}",
        top.display(),
        table(&took)
    ))
}

/// A tree that nobody has seen before.
pub(crate) fn new(scratch: &Scratch, rounds: usize) -> Result<String> {
    let top = scratch.join("source");
    let what = deep_tree(&top)?;
    let first = || {
        forget(&scratch.join("index.db"))?;
        quiet(scratch.surecopy(&["prepare", "-q"], &[&top]))
    };
    let without = || quiet(scratch.surecopy(&["prepare", "-q", "--no-index"], &[&top]));
    let mut runners = vec![Runner::whole("find -printf", || find(&top))];
    if has_fd() {
        runners.push(Runner::whole("fd --unrestricted, names only", || fd(&top)));
    }
    runners.push(Runner::whole("prepare, with a new index", first));
    runners.push(Runner::whole("prepare --no-index", without));
    let took = race(&runners, rounds)?;
    let without = if has_fd() { "" } else { "; fd is not there" };
    Ok(format!("{what}, new, {rounds} rounds, on {}{without}\n\n{}", top.display(), table(&took)))
}

/// Removes an index.
fn forget(index: &Path) -> Result<()> {
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let mut name = index.as_os_str().to_owned();
        name.push(suffix);
        match fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("remove {}", name.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What the report of a preparation says.
fn report(text: &str) -> Result<Value> {
    let last = text.lines().last().context("prepare says something")?;
    Ok(serde_json::from_str(last)?)
}

fn phase(text: &str, name: &str) -> Result<f64> {
    report(text)?["phase_seconds"][name].as_f64().with_context(|| format!("there is no {name}"))
}

fn whole(text: &str) -> Result<f64> {
    report(text)?["duration_seconds"].as_f64().context("it says how long it took")
}
