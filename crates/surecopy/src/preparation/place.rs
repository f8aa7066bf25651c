//! A location that sources lie in, and the way to write what is found there.

use std::sync::{PoisonError, RwLock};

use surecopy_fs::{FileId, FileSystem, Moment, Node, RelPath, Volume};
use surecopy_index::{Index, IndexError, Location, Recorder, ScanEnd};

use super::troubles::Troubles;

/// A location that sources lie in.
pub(super) struct Place<F: FileSystem> {
    pub(super) location: Location,
    pub(super) root: F::Dir,
    pub(super) volume: Volume,
    recording: RwLock<Recording>,
}

/// Writing down what is found.
enum Recording {
    /// Nothing was found yet.
    NotBegun,
    Going(Recorder),
    /// All is written, or nothing can be.
    Over,
}

impl<F: FileSystem> Place<F> {
    /// Opens a location; `None` when it cannot be: then nothing is known of what lies in it.
    pub(super) fn open(fs: &F, location: Location) -> Option<Self> {
        let root = fs.open_root(&location.path).ok()?;
        let volume = fs.volume(&root).ok()?;
        Some(Self { location, root, volume, recording: RwLock::new(Recording::NotBegun) })
    }

    /// Which directory there is at a path beneath it, links not followed.
    pub(super) fn directory(&self, fs: &F, beneath: &RelPath) -> Option<FileId> {
        let opened = fs.open_dir(&self.root, beneath).ok()?;
        Some(fs.metadata(Node::Dir(&opened)).ok()?.id)
    }

    /// Writes down something that was found in it; several threads may do so at once.
    pub(super) fn record(
        &self,
        index: &Index,
        now: impl FnOnce() -> Moment,
        troubles: &Troubles,
        found: impl FnOnce(&Recorder),
    ) {
        if self.is_not_begun() {
            self.begin(index, now, troubles);
        }
        let recording = self.recording.read().unwrap_or_else(PoisonError::into_inner);
        if let Recording::Going(recorder) = &*recording {
            found(recorder);
        }
    }

    fn is_not_begun(&self) -> bool {
        let recording = self.recording.read().unwrap_or_else(PoisonError::into_inner);
        matches!(*recording, Recording::NotBegun)
    }

    fn begin(&self, index: &Index, now: impl FnOnce() -> Moment, troubles: &Troubles) {
        let mut recording = self.recording.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been sooner.
        if matches!(*recording, Recording::NotBegun) {
            let begun = Recorder::begin(index, self.location.id, &self.volume, &now());
            *recording = match begun {
                Ok(recorder) => Recording::Going(recorder),
                Err(error) => {
                    troubles.add(error);
                    Recording::Over
                }
            };
        }
    }

    /// Waits until everything is written that was found.
    pub(super) fn finish(&self, end: ScanEnd, now: Moment) -> Result<(), IndexError> {
        let mut recording = self.recording.write().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *recording, Recording::Over) {
            Recording::Going(recorder) => recorder.finish(end, now.wall).map(drop),
            Recording::NotBegun | Recording::Over => Ok(()),
        }
    }
}
