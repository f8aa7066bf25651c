//! Disks at work, and the record of what is written to them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::disk::{self, Disk, Mounted};
use super::log::Log;
use super::server;
use crate::child::Running;
use crate::copier::{self, Copied, done_among};
use crate::delay::wait_for;

/// Longer than any recording takes.
const LIMIT: Duration = Duration::from_secs(1800);

/// Disks whose writes are being recorded.
pub(crate) struct Recorder {
    // Taken down in this order.
    mounts: Vec<Mounted>,
    server: Server,
}

struct Server {
    /// Where the files are that the disks stand on.
    at: PathBuf,
    log: PathBuf,
    program: Option<Running>,
}

impl Recorder {
    /// Serves images as disks and mounts these.
    pub(super) fn start(
        disks: &[(Disk, PathBuf, &Path)],
        serve_at: PathBuf,
        log: PathBuf,
    ) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(server::WORD).args([&serve_at, &log]);
        command.args(disks.iter().map(|(_, image, _)| image));
        let program = Running::start_within(LIMIT, &mut command)?;
        // From here on, dropping cleans up.
        let server = Server { at: serve_at, log, program: Some(program) };
        let position = server.at.join(server::POSITION);
        wait_for("the server of disks", || position.exists())?;
        let mut recorder = Self { mounts: Vec::new(), server };
        for (number, (disk, _, at)) in disks.iter().enumerate() {
            let file = recorder.server.at.join(server::disk_name(number));
            recorder.mounts.push(Mounted::served(*disk, &file, at)?);
        }
        Ok(recorder)
    }

    /// Where a disk is mounted.
    pub(crate) fn path(&self, disk: usize) -> &Path {
        &self.mounts[disk].path
    }

    /// How many entries the log has: what happened before this was asked is before this position.
    pub(crate) fn position(&self) -> Result<usize> {
        let path = self.server.at.join(server::POSITION);
        let text = fs::read_to_string(&path).context("ask for the position in the log")?;
        text.parse().with_context(|| format!("{text:?} is no position"))
    }

    /// Runs a copy and notes for each object how far the log was when it was read. What the object
    /// says was true then; it may have been so for a while.
    pub(crate) fn run(&self, command: &mut Command) -> Result<Told> {
        let (running, lines) = Running::start_held(command)?;
        let (mut objects, mut positions) = (Vec::new(), Vec::new());
        for line in lines {
            let position = self.position()?;
            // A program that was killed may have been in the middle of a line.
            if let Ok(object) = serde_json::from_str(&line) {
                objects.push(object);
                positions.push(position);
            }
        }
        let copied = Copied { objects, ..copier::read(&running.output()?)? };
        Ok(Told { copied, positions })
    }

    /// Unmounts and gives what was recorded, unmounting included.
    pub(super) fn finish(mut self) -> Result<Log> {
        for mounted in self.mounts.drain(..) {
            mounted.unmount()?;
        }
        self.server.stop()?;
        Log::read(&self.server.log)
    }
}

impl Server {
    fn stop(&mut self) -> Result<()> {
        let Some(program) = self.program.take() else { return Ok(()) };
        disk::unmount(&self.at)?;
        let output = program.output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the server of disks: {}\n{stderr}", output.status);
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Also what nobody serves any more.
        if disk::is_mounted(&self.at)
            && let Err(error) = self.stop()
        {
            eprintln!("{error:#}");
        }
    }
}

/// What a copy has told, and when.
pub(crate) struct Told {
    pub(crate) copied: Copied,
    /// For each object the position in the log.
    positions: Vec<usize>,
}

impl Told {
    /// The targets of what was reported as done when the log had so many entries.
    pub(crate) fn done_at(&self, position: usize) -> BTreeSet<&Path> {
        let until = self.positions.partition_point(|told_at| *told_at <= position);
        done_among(&self.copied.objects[..until])
    }
}
