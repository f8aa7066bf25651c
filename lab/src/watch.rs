//! Watches a running program through `/proc`: how much memory it takes, how much it reads.

use std::fs;
use std::io::Read;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

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
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let stdout = drain(child.stdout.take().context("stdout is a pipe")?);
    let stderr = drain(child.stderr.take().context("stderr is a pipe")?);
    let (mut peak_resident_bytes, mut peak_own_bytes) = (0, 0);
    // A program that has ended but was not waited for still has its read counter, which is why the
    // loop looks at its state instead of waiting. The kernel keeps the peak of resident memory, so
    // only what is added in the last 2 ms can be missed.
    while state(&child)? != 'Z' {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id()))?;
        peak_resident_bytes = peak_resident_bytes.max(number_behind(&status, "VmHWM:") * 1024);
        peak_own_bytes = peak_own_bytes.max(number_behind(&status, "RssAnon:") * 1024);
        thread::sleep(Duration::from_millis(2));
    }
    let read_bytes =
        number_behind(&fs::read_to_string(format!("/proc/{}/io", child.id()))?, "rchar:");
    let status = child.wait()?;
    let joined = |thread: thread::JoinHandle<Vec<u8>>| thread.join().unwrap_or_default();
    let output = Output { status, stdout: joined(stdout), stderr: joined(stderr) };
    Ok(Watched { copied: copier::read(&output)?, peak_resident_bytes, peak_own_bytes, read_bytes })
}

fn drain(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What a broken pipe leaves out is missed by whoever looks for it.
        if let Err(error) = pipe.read_to_end(&mut bytes) {
            eprintln!("a pipe of the program broke: {error}");
        }
        bytes
    })
}

/// The letter of the program's state; `Z` when it has ended.
fn state(child: &Child) -> Result<char> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id()))?;
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
