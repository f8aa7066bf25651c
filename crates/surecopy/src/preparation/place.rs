//! Where sources lie in an index, and the way to write there.

use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};

use surecopy_fs::{FileId, FileKind, FileSystem, FsError, Moment, Node, RelPath, Volume};
use surecopy_index::{Estimate, Index, IndexError, Location, Recorder, ScanEnd, Validated};

use super::asked::SourceRoot;
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

/// A source that lies in a location.
pub(super) struct Known {
    /// Which place.
    pub(super) place: usize,
    /// Its path there.
    pub(super) beneath: RelPath,
    pub(super) estimate: Option<Estimate>,
    /// The same after it was found out what is fresh: others may have listed something in between.
    pub(super) sums: Option<Estimate>,
    /// Which of its directories are fresh, once that was found out.
    pub(super) validated: Option<Validated>,
}

impl Known {
    /// Whether everything about it is remembered and nothing has changed.
    pub(super) fn is_all_fresh(&self) -> bool {
        self.sums.is_some_and(|sums| sums.is_complete()) && self.has_not_changed()
    }

    /// Whether nothing was found that is not as it is remembered.
    pub(super) fn has_not_changed(&self) -> bool {
        let is_fresh = |validated: &Validated| validated.stale == 0 && validated.gone == 0;
        self.validated.as_ref().is_some_and(is_fresh)
    }
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

/// The directory that a source is, by its absolute path, and which one it is; `None` for what is no
/// directory.
pub(super) fn directory_of<F: FileSystem>(
    fs: &F,
    source: SourceRoot<'_>,
) -> Result<Option<(PathBuf, FileId)>, FsError> {
    let root = fs.open_root(source.root)?;
    let metadata = match source.below.split() {
        None => fs.metadata(Node::Dir(&root))?,
        Some((above, name)) => fs.metadata_at(&fs.open_dir(&root, &above)?, &name)?,
    };
    if metadata.kind != FileKind::Directory {
        return Ok(None);
    }
    let Ok(plain) = surecopy_fs::plain_path(source.root) else { return Ok(None) };
    let path = plain.join(source.below.as_path()).components().collect();
    Ok(Some((path, metadata.id)))
}
