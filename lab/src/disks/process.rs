//! The process that serves disks.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::disk::{self, Disk, Mounted};
use super::faults::Fault;
use super::pace::{Paced, Slow};
use super::server;
use crate::child::Running;
use crate::delay::wait_for;

/// Longer than anything that is done with disks takes.
const LIMIT: Duration = Duration::from_secs(1800);

/// Images that are served as disks. Taken down when dropped, for which nothing on them may be mounted.
pub(crate) struct Served {
    /// Where the files are that the disks stand on.
    at: PathBuf,
    program: Option<Running>,
}

impl Served {
    /// Serves images, and records in a log, if there is to be one, what is written to them.
    pub(crate) fn start<'a>(
        images: impl IntoIterator<Item = &'a Path>,
        at: PathBuf,
        log: Option<&Path>,
    ) -> Result<Self> {
        Self::start_as(server::WORD, images, at, log)
    }

    /// Serves images as disks that can be told to be slow.
    pub(crate) fn start_slow<'a>(
        images: impl IntoIterator<Item = &'a Path>,
        at: PathBuf,
    ) -> Result<Self> {
        Self::start_as(server::SLOW_WORD, images, at, None)
    }

    fn start_as<'a>(
        word: &str,
        images: impl IntoIterator<Item = &'a Path>,
        at: PathBuf,
        log: Option<&Path>,
    ) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(word).args([&at, log.unwrap_or(Path::new(""))]).args(images);
        let program = Running::start_within(LIMIT, &mut command)?;
        // From here on, dropping cleans up.
        let served = Self { at, program: Some(program) };
        let position = served.at.join(server::POSITION);
        wait_for("the server of disks", || position.exists())?;
        Ok(served)
    }

    /// Mounts the file system on one of them.
    pub(crate) fn mount(&self, number: usize, disk: Disk, at: &Path) -> Result<Mounted> {
        Mounted::served(disk, &self.at.join(server::disk_name(number)), at)
    }

    /// How many entries the log has: what happened before this was asked is before this position.
    pub(crate) fn position(&self) -> Result<usize> {
        let path = self.at.join(server::POSITION);
        let text = fs::read_to_string(&path).context("ask for the position in the log")?;
        text.parse().with_context(|| format!("{text:?} is no position"))
    }

    /// From now on the disks do this, and nothing that they were told before.
    pub(crate) fn set(&self, fault: Option<Fault>) -> Result<()> {
        let text = fault.map(|fault| fault.to_string()).unwrap_or_default();
        let mut file = File::options().write(true).open(self.at.join(server::FAULTS))?;
        file.write_all(format!("{text}\n").as_bytes()).context("tell the disks what to do")
    }

    /// How often they did so since then.
    pub(crate) fn fired(&self) -> Result<u32> {
        let text = fs::read_to_string(self.at.join(server::FAULTS)).context("ask for faults")?;
        text.parse().with_context(|| format!("{text:?} is no number"))
    }

    /// From now on the disks are as slow as this, or not at all.
    pub(crate) fn set_pace(&self, slow: Option<Slow>) -> Result<()> {
        let text = slow.map(|slow| slow.to_string()).unwrap_or_default();
        let mut file = File::options().write(true).open(self.at.join(server::PACE))?;
        file.write_all(format!("{text}\n").as_bytes()).context("tell the disks to be slow")
    }

    /// What that came to since then.
    pub(crate) fn paced(&self) -> Result<Paced> {
        let text = fs::read_to_string(self.at.join(server::PACE)).context("ask for the pace")?;
        text.parse().with_context(|| format!("{text:?} is no pace"))
    }

    /// Ends it, which has to succeed.
    pub(crate) fn stop(&mut self) -> Result<()> {
        let Some(program) = self.program.take() else { return Ok(()) };
        disk::unmount(&self.at)?;
        let output = program.output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the server of disks: {}\n{stderr}", output.status);
        Ok(())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Also what nobody serves any more.
        if disk::is_mounted(&self.at)
            && let Err(error) = self.stop()
        {
            eprintln!("{error:#}");
        }
    }
}
