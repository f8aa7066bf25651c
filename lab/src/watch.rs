//! Watches a running program through `/proc`: how much memory it takes, how much it reads.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::child::Running;
use crate::copier::{self, Copied};

/// What was seen of a program that has ended.
pub(crate) struct Watched {
    /// How the copy ended.
    pub(crate) copied: Copied,
    /// The most memory it had in use at one moment, mapped files included.
    pub(crate) peak_resident_bytes: u64,
    /// The most memory of its own at one moment: without mapped files.
    pub(crate) peak_own_bytes: u64,
    /// What it asked `read` and its like for and got, whoever answered.
    pub(crate) read_bytes: u64,
}

/// Runs a copy to its end under observation.
pub(crate) fn finish(command: &mut Command) -> Result<Watched> {
    let running = Running::start(command)?;
    let proc = PathBuf::from(format!("/proc/{}", running.id()));
    let (mut peak_resident_bytes, mut peak_own_bytes) = (0, 0);
    // A program that has ended but was not waited for still has its read counter, which is why the
    // loop looks at its state instead of waiting. The kernel keeps the peak of resident memory, so
    // only what is added in the last 2 ms can be missed.
    while state(&proc)? != 'Z' && !running.is_given_up() {
        let status = fs::read_to_string(proc.join("status"))?;
        peak_resident_bytes = peak_resident_bytes.max(number_behind(&status, "VmHWM:") * 1024);
        peak_own_bytes = peak_own_bytes.max(number_behind(&status, "RssAnon:") * 1024);
        thread::sleep(Duration::from_millis(2));
    }
    let read_bytes = number_behind(&fs::read_to_string(proc.join("io"))?, "rchar:");
    let copied = copier::read(&running.output()?)?;
    Ok(Watched { copied, peak_resident_bytes, peak_own_bytes, read_bytes })
}

/// The letter of the program's state; `Z` when it has ended.
fn state(proc: &Path) -> Result<char> {
    let stat = fs::read_to_string(proc.join("stat"))?;
    let after_name = stat.rsplit_once(") ").context("a stat line has a name in brackets")?.1;
    after_name.chars().next().context("a stat line has a state")
}

/// The number behind a label at the start of a line; 0 when there is none.
fn number_behind(text: &str, label: &str) -> u64 {
    text.lines()
        .find_map(|line| line.strip_prefix(label))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}
