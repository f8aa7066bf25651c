//! The open roots of a run: where each mapping is read and where it is written.

use std::path::PathBuf;
use std::sync::Arc;

use surecopy_fs::{FileSystem, FsResult, RelPath};

use crate::error::{ItemError, Side};
use crate::loss::Place;
use crate::plan::PlannedItem;
use crate::preflight::{Problem, RefusedEntry, Scope};
use crate::spec::{Mapping, joined};

/// One mapping with both its roots open.
pub(crate) struct Root<F: FileSystem> {
    pub(crate) mapping: Mapping,
    pub(crate) source: Arc<F::Dir>,
    pub(crate) destination: Arc<F::Dir>,
    pub(crate) source_place: Place,
    pub(crate) destination_place: Place,
}

impl<F: FileSystem> Root<F> {
    /// Opens both ends. Errors come with the path that could not be opened.
    pub(crate) fn open(fs: &F, mapping: &Mapping) -> (FsResult<F::Dir>, FsResult<F::Dir>) {
        (fs.open_root(&mapping.source_root), fs.open_root(&mapping.destination_root))
    }

    /// What the user named at this end.
    pub(crate) fn place(&self, side: Side) -> &Place {
        match side {
            Side::Source => &self.source_place,
            Side::Destination => &self.destination_place,
        }
    }

    /// An item's source beneath the source root.
    pub(crate) fn source_below(&self, path: &RelPath) -> RelPath {
        self.mapping.source.join_path(path)
    }

    /// An item's target beneath the destination root.
    pub(crate) fn target_below(&self, item: &PlannedItem) -> RelPath {
        self.mapping.target_below(&item.path, item.target_name.as_deref())
    }

    /// What speaks against an entry of this mapping.
    pub(crate) fn problem(
        &self,
        entry: RefusedEntry,
        error: ItemError,
        size_bytes: u64,
    ) -> Problem {
        Problem {
            scope: Scope::Item,
            error,
            source: Some(self.show_source(&self.source_below(&entry.path))),
            target: Some(self.show_target(&self.mapping.target.join_path(&entry.path))),
            entry: Some(entry),
            size_bytes,
        }
    }

    /// A path beneath the source root, for people.
    pub(crate) fn show_source(&self, below: &RelPath) -> PathBuf {
        joined(&self.mapping.source_root, below)
    }

    /// A path beneath the destination root, for people.
    pub(crate) fn show_target(&self, below: &RelPath) -> PathBuf {
        joined(&self.mapping.destination_root, below)
    }
}
