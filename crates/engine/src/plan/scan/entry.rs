//! What a scan hands on, and to whom.

use surecopy_fs::{FileKind, FsError, Metadata, RelPath};

/// One entry found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its path beneath the mapping's source.
    pub(crate) path: RelPath,
    /// What it is.
    pub(crate) metadata: Metadata,
    /// Where that is from.
    pub(crate) origin: Origin,
}

/// Where the metadata of an entry are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// They were read in this run.
    Read,
    /// They are what the catalog remembers: nothing is decided by them.
    Remembered,
}

impl Entry {
    /// An entry whose metadata were just read.
    pub(crate) fn read(path: RelPath, metadata: Metadata) -> Self {
        Self { path, metadata, origin: Origin::Read }
    }
}

/// What scanning hands on.
pub(crate) trait ScanSink {
    /// An entry was found. Says whether it is a directory to go on into: what is remembered as something
    /// else may have become one.
    fn entry(&mut self, entry: Entry) -> bool;
    /// A directory or entry could not be looked at; its path is that beneath the mapping's source.
    /// The scan goes on without it. `kind` is that of a directory, or `None` when it is not known.
    fn unreadable(&mut self, path: RelPath, kind: Option<FileKind>, error: FsError);
}
