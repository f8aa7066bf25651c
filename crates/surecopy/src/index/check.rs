//! How much of what is remembered of a location still holds. Nothing is listed.

use surecopy_engine::{Control, ItemError, Side};
use surecopy_fs::{FileSystem, FsError, MachineClock, NativeFs, RelPath};
use surecopy_index::{
    Confidence, Index, IndexError, Location, Stopped, Subtrees, Validation, ValidationProgress,
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

/// Looks at every directory that is known in a location, and notes in the index what came of it. `None`
/// when nothing is known of it: it was never scanned.
pub fn check(index: &Index, location: &Location) -> Result<Option<Checked>, CheckError> {
    let (fs, clock) = (NativeFs::new(), MachineClock::new());
    let failed = |error: FsError| CheckError::Unreachable(unreachable(location, &error));
    let root = fs.open_root(&location.path).map_err(failed)?;
    let beneath = RelPath::root();
    if index.estimate_in(location.id, &beneath)?.is_none() {
        return Ok(None);
    }
    let now = clock.now();
    let validation = Validation {
        index,
        location: location.id,
        beneath: &beneath,
        now: &now,
        threads: workers_on_this_machine(0),
        control: &Control::new(),
        progress: &ValidationProgress::default(),
    };
    let found = match validation.run(&fs, &root) {
        Ok(found) => found,
        // Nobody else has the control.
        Err(Stopped::Cancelled) => return Ok(None),
        Err(Stopped::Index(error)) => return Err(error.into()),
        Err(Stopped::Root(error)) => return Err(failed(error)),
    };
    if let Err(error) = index.note_check(location.id, found.status(), now.wall) {
        // It is known all the same, this once.
        tracing::debug!(%error, "not noted");
    }
    Ok(Some(Checked {
        fresh: found.fresh,
        stale: found.stale,
        gone: found.gone,
        confidence: found.confidence,
        subtrees: found.subtrees(index, location.id, &beneath, NAMED_SUBTREES)?,
    }))
}

fn unreachable(location: &Location, error: &FsError) -> ItemError {
    ItemError::from_fs(error, Side::Source, location.path.clone())
}
