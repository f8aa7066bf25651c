//! Disks at work, and the record of what is written to them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use serde_json::Value;

use crate::child::Running;
use crate::copier::{self, Copied, done_among};
use crate::disks::{Disk, Log, Mounted, Served};

/// Disks whose writes are being recorded.
pub(crate) struct Recorder {
    // Taken down in this order.
    mounts: Vec<Mounted>,
    served: Served,
    log: PathBuf,
}

impl Recorder {
    /// Serves images as disks and mounts these.
    pub(super) fn start(
        disks: &[(Disk, PathBuf, &Path)],
        serve_at: PathBuf,
        log: PathBuf,
    ) -> Result<Self> {
        let images = disks.iter().map(|(_, image, _)| image.as_path());
        let served = Served::start(images, serve_at, Some(&log))?;
        let mut recorder = Self { mounts: Vec::new(), served, log };
        for (number, (disk, _, at)) in disks.iter().enumerate() {
            recorder.mounts.push(recorder.served.mount(number, *disk, at)?);
        }
        Ok(recorder)
    }

    /// Where a disk is mounted.
    pub(crate) fn path(&self, disk: usize) -> &Path {
        &self.mounts[disk].path
    }

    /// How many entries the log has: what happened before this was asked is before this position.
    pub(crate) fn position(&self) -> Result<usize> {
        self.served.position()
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
        self.served.stop()?;
        Log::read(&self.log)
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
    pub(crate) fn done_at(&self, position: usize) -> BTreeSet<PathBuf> {
        done_among(self.at(position))
    }

    /// What was told when the log had so many entries.
    pub(crate) fn at(&self, position: usize) -> &[Value] {
        let until = self.positions.partition_point(|told_at| *told_at <= position);
        &self.copied.objects[..until]
    }
}
