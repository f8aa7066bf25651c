//! How much of what is remembered of a location still holds. Nothing is listed.

use surecopy_engine::{Control, ItemError, Side};
use surecopy_fs::{FileSystem, FsError, MachineClock, NativeFs, RelPath, Timestamp};
use surecopy_index::{
    Confidence, Index, IndexError, Location, ScanStatus, Stopped, Subtrees, Validation,
    ValidationProgress,
};

use crate::settings::workers_on_this_machine;

/// So many subtrees of each sort are named.
const NAMED_SUBTREES: usize = 20;

/// How much of what is remembered of a location still holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Directories that are as they are remembered.
    pub fresh: u64,
    /// Directories that have changed, or were never listed.
    pub stale: u64,
    /// Directories that are gone.
    pub gone: u64,
    /// How far "fresh" is to be believed.
    pub confidence: Confidence,
    /// Which subtrees are which.
    pub subtrees: Subtrees,
    /// What that says of the location as a whole.
    pub status: ScanStatus,
    /// When it was looked.
    pub at: Timestamp,
    /// Why the index has not been told of `status` and `at`, if it has not.
    pub not_noted: Option<IndexError>,
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// It came to its end.
    Done(Box<Checked>),
    /// Nothing is known of the location: it was never scanned.
    NeverScanned,
    /// It was cancelled; nothing is noted.
    Cancelled,
}

/// Why that cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The location cannot be reached.
    #[error(transparent)]
    Unreachable(#[from] ItemError),
    /// The index cannot be used.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// Looks whether a location is there.
pub fn reach(location: &Location) -> Result<(), ItemError> {
    let fs = NativeFs::new();
    fs.open_root(&location.path).map(drop).map_err(|error| unreachable(location, &error))
}

/// Looks at every directory that is known in a location, and notes in the index what came of it. `control`
/// cancels it, and `progress` shows how far it is.
pub fn check(
    index: &Index,
    location: &Location,
    control: &Control,
    progress: &ValidationProgress,
) -> Result<Check, CheckError> {
    let (fs, clock) = (NativeFs::new(), MachineClock::new());
    let failed = |error: FsError| CheckError::Unreachable(unreachable(location, &error));
    let root = fs.open_root(&location.path).map_err(failed)?;
    let beneath = RelPath::root();
    if index.estimate_in(location.id, &beneath)?.is_none() {
        return Ok(Check::NeverScanned);
    }
    let now = clock.now();
    let validation = Validation {
        index,
        location: location.id,
        beneath: &beneath,
        now: &now,
        threads: workers_on_this_machine(0),
        control,
        progress,
    };
    let found = match validation.run(&fs, &root) {
        Ok(found) => found,
        Err(Stopped::Cancelled) => return Ok(Check::Cancelled),
        Err(Stopped::Index(error)) => return Err(error.into()),
        Err(Stopped::Root(error)) => return Err(failed(error)),
    };
    // What was found is known all the same, this once.
    let not_noted = index.note_check(location.id, found.status(), now.wall).err();
    Ok(Check::Done(Box::new(Checked {
        fresh: found.fresh,
        stale: found.stale,
        gone: found.gone,
        confidence: found.confidence,
        subtrees: found.subtrees(index, location.id, &beneath, NAMED_SUBTREES)?,
        status: found.status(),
        at: now.wall,
        not_noted,
    })))
}

fn unreachable(location: &Location, error: &FsError) -> ItemError {
    ItemError::from_fs(error, Side::Source, location.path.clone())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rusqlite::Connection;
    use surecopy_engine::NoObserver;
    use tempfile::TempDir;

    use super::*;
    use crate::preparation::PrepareRequest;

    /// An index with a location of two directories that was scanned, and the path of that.
    fn indexed() -> (TempDir, Index, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let photos = folder.path().join("photos");
        std::fs::create_dir_all(photos.join("inner")).unwrap();
        let index = Index::open(&folder.path().join("index.db")).unwrap();
        PrepareRequest::new([&photos]).index(index.path()).prepare().unwrap().run(&NoObserver);
        (folder, index, photos)
    }

    fn look(index: &Index, control: &Control) -> Check {
        let location = index.locations().unwrap().remove(0);
        check(index, &location, control, &ValidationProgress::default()).unwrap()
    }

    #[test]
    fn what_was_found_is_told_even_if_it_cannot_be_noted() {
        let (_folder, index, photos) = indexed();
        std::fs::remove_dir(photos.join("inner")).unwrap();
        let held = Connection::open(index.path()).unwrap();
        held.execute_batch("BEGIN IMMEDIATE").unwrap();
        let Check::Done(checked) = look(&index, &Control::new()) else { panic!("it is over") };
        assert_eq!((checked.status, checked.gone), (ScanStatus::Stale, 1));
        assert!(matches!(checked.not_noted, Some(IndexError::Locked { .. })), "{checked:?}");
        let known = || index.locations().unwrap().remove(0);
        assert_eq!(known().last_modification_check, None);
        drop(held);
        let Check::Done(checked) = look(&index, &Control::new()) else { panic!("it is over") };
        assert_eq!((checked.status, checked.not_noted), (ScanStatus::Stale, None));
        assert_eq!(known().scan_status, ScanStatus::Stale);
    }

    #[test]
    fn one_that_is_cancelled_does_not_say_that_nothing_is_known() {
        let (_folder, index, _) = indexed();
        let before = index.locations().unwrap();
        let control = Control::new();
        control.cancel();
        assert_eq!(look(&index, &control), Check::Cancelled);
        assert_eq!(index.locations().unwrap(), before);
    }
}
