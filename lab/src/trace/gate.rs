//! Lets `strace` in on a copy when its work begins: calls are counted from there, and not from those that the
//! loader makes for every program.
//!
//! A copy with `--exclude-from` a pipe reads that before it looks at anything else. While it waits there for the
//! end, `strace` comes to it.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::child::Running;
use crate::copier;
use crate::delay::wait_for;
use crate::tool;

/// `O_NONBLOCK` of Linux, on the machines that the lab runs on.
const NONBLOCK: i32 = 0o4000;

/// A copy of a few files, every call of which stands still twice, and that waits for retries, takes a second.
const LIMIT: Duration = Duration::from_secs(60);

/// A pipe in the place of a file of patterns.
pub(crate) struct Gate {
    pub(crate) pipe: PathBuf,
}

/// What became of a program that was let through.
pub(crate) struct Passed {
    pub(crate) output: Output,
    /// What `strace` has written down.
    pub(crate) log: String,
}

impl Gate {
    /// A new one at this path.
    pub(crate) fn new(pipe: PathBuf) -> Result<Self> {
        tool::run("mkfifo", [&pipe])?;
        Ok(Self { pipe })
    }

    /// Runs a copy that reads its patterns here, and `strace` with these options from then on. `read` has to be
    /// among the calls that are traced, and the pipe among the paths, if there are any.
    pub(crate) fn pass(
        &self,
        command: &mut Command,
        options: &[String],
        log: &Path,
    ) -> Result<Passed> {
        let running = Running::start_within(LIMIT, command)?;
        let end = self.wait_for_reader(&running)?;
        let mut strace = Command::new("strace");
        strace.args(["-f", "-q", "--decode-fds=path", "-o"]).arg(log).args(options);
        let tracer = Running::start_within(LIMIT, strace.arg("-p").arg(running.id().to_string()))?;
        // The read that it waits in is entered again under `strace`; from then on nothing goes unseen.
        let is_in = || fs::read_to_string(log).is_ok_and(|log| log.contains(" read("));
        wait_for("strace", is_in)?;
        drop(end);
        let output = running.output()?;
        let traced = tracer.output()?;
        // It ends with the status of the program.
        ensure!(
            traced.status.code() == Some(0) || copier::exit_status(&output) != 0,
            "strace: {}",
            String::from_utf8_lossy(&traced.stderr)
        );
        let text = fs::read_to_string(log)?;
        fs::remove_file(log)?;
        Ok(Passed { output, log: text })
    }

    /// The other end of the pipe, once there is somebody to read from it.
    fn wait_for_reader(&self, running: &Running) -> Result<File> {
        let open = || File::options().write(true).custom_flags(NONBLOCK).open(&self.pipe);
        let stat = format!("/proc/{}/stat", running.id());
        let is_over = || fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") Z "));
        let found = std::cell::RefCell::new(None);
        wait_for("a reader", || {
            *found.borrow_mut() = open().ok();
            found.borrow().is_some() || is_over()
        })?;
        found.into_inner().context("the copy has not read its patterns")
    }
}
