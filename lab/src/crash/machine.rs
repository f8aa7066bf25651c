//! A machine whose power can be cut at any moment.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::recorder::Recorder;
use super::states::{self, Builder};
use crate::disks::Log;
use crate::disks::{Disk, Image, Mounted};
use crate::lab::Lab;
use crate::volume::Volume;

/// Disks that were filled, at the moment before the work whose interruption is looked at.
pub(crate) struct Machine {
    /// Memory, where all images are.
    store: Volume,
    serve_at: PathBuf,
    slots: Vec<Slot>,
}

struct Slot {
    disk: Disk,
    /// Always the same place: what is mounted after a cut finds its paths again.
    at: PathBuf,
    before: Image,
}

/// What a power cut has left, mounted. It may be written: nobody else looks at it.
pub(crate) struct State {
    mounts: Vec<Mounted>,
    /// How much of the log had happened at the cut.
    pub(crate) position: usize,
}

impl State {
    /// Where a disk is mounted.
    pub(crate) fn path(&self, disk: usize) -> &Path {
        &self.mounts[disk].path
    }

    /// Where all of them are.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.mounts.iter().map(|mounted| mounted.path.as_path())
    }

    /// Unmounts, which has to succeed.
    pub(crate) fn unmount(self) -> Result<()> {
        self.mounts.into_iter().try_for_each(Mounted::unmount)
    }
}

/// How many states were looked at, and of what.
pub(crate) struct Explored {
    states: usize,
    entries: usize,
    flushes: usize,
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, entries, flushes } = self;
        write!(f, "{states} states of {entries} writes and flushes ({flushes})")
    }
}

impl Machine {
    /// Makes the disks, and fills them before anything is recorded.
    pub(crate) fn new(
        lab: &Lab,
        disks: &[Disk],
        fill: impl FnOnce(&State) -> Result<()>,
    ) -> Result<Self> {
        let store = Volume::tmpfs(lab, "size=4g")?;
        let image = |number: usize| store.join(&format!("made-{number}.img"));
        let mut filled = State { mounts: Vec::new(), position: 0 };
        for (number, disk) in disks.iter().enumerate() {
            let at = lab.new_dir(disk.fs.name())?;
            disk.make(&image(number))?;
            filled.mounts.push(Mounted::image(*disk, &image(number), &at)?);
        }
        fill(&filled)?;
        let places: Vec<_> = filled.mounts.iter().map(|mounted| mounted.path.clone()).collect();
        filled.unmount()?;
        let mut slots = Vec::new();
        for (number, (disk, at)) in disks.iter().zip(places).enumerate() {
            let before = Image::read(&image(number))?;
            fs::remove_file(image(number))?;
            slots.push(Slot { disk: *disk, at, before });
        }
        Ok(Self { store, serve_at: lab.new_dir("disks")?, slots })
    }

    /// Where a disk is whenever it is mounted.
    pub(crate) fn path(&self, disk: usize) -> &Path {
        &self.slots[disk].at
    }

    /// Works on the disks and records what is written to them.
    pub(crate) fn record<T>(&self, work: impl FnOnce(&Recorder) -> Result<T>) -> Result<(Log, T)> {
        let mut disks = Vec::new();
        for (number, slot) in self.slots.iter().enumerate() {
            let image = self.store.join(&format!("served-{number}.img"));
            slot.before.write(&image)?;
            disks.push((slot.disk, image, slot.at.as_path()));
        }
        let log = self.store.join("log");
        let recorder = Recorder::start(&disks, self.serve_at.clone(), log.clone())?;
        let done = work(&recorder)?;
        let recorded = recorder.finish()?;
        for path in disks.iter().map(|(_, image, _)| image).chain([&log]) {
            fs::remove_file(path)?;
        }
        Ok((recorded, done))
    }

    /// Looks at about so many of the states in which a power cut can leave the disks.
    pub(crate) fn explore(
        &self,
        log: &Log,
        seed: u64,
        count: usize,
        mut check: impl FnMut(&State) -> Result<()>,
    ) -> Result<Explored> {
        let cuts = states::choose(log, seed, count);
        let before = self.slots.iter().map(|slot| slot.before.clone()).collect();
        let mut builder = Builder::new(log, before);
        for cut in &cuts {
            let describe = || format!("seed {seed}, log of {}: {cut}", log.len());
            let images = builder.build(cut);
            let state = self.mount(&images, cut.position).with_context(describe)?;
            check(&state).with_context(describe)?;
            state.unmount().with_context(describe)?;
        }
        Ok(Explored { states: cuts.len(), entries: log.len(), flushes: log.flushes() })
    }

    /// The disks as they were before the work.
    pub(crate) fn mount_before(&self) -> Result<State> {
        let images: Vec<_> = self.slots.iter().map(|slot| slot.before.clone()).collect();
        self.mount(&images, 0)
    }

    /// Mounts what now lies on the disks.
    pub(super) fn mount_again(&self, state: State) -> Result<State> {
        let position = state.position;
        state.unmount()?;
        self.mount_files(position)
    }

    fn mount(&self, images: &[Image], position: usize) -> Result<State> {
        for (number, image) in images.iter().enumerate() {
            let path = self.image(number);
            // A new file each time: whoever still has the one before open does not matter then.
            fs::remove_file(&path).or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            })?;
            image.write(&path)?;
        }
        self.mount_files(position)
    }

    fn mount_files(&self, position: usize) -> Result<State> {
        let mut state = State { mounts: Vec::new(), position };
        for (number, slot) in self.slots.iter().enumerate() {
            state.mounts.push(Mounted::image(slot.disk, &self.image(number), &slot.at)?);
        }
        Ok(state)
    }

    fn image(&self, number: usize) -> PathBuf {
        self.store.join(&format!("state-{number}.img"))
    }
}
