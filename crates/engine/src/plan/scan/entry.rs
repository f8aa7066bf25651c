//! What a scan hands on, and to whom.

use surecopy_fs::{FileKind, FsError, Metadata, RelPath};

/// One entry found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its path beneath the mapping's source.
    pub(crate) path: RelPath,
    /// What it is.
    pub(crate) metadata: Metadata,
}

/// What scanning hands on.
pub(crate) trait ScanSink {
    /// An entry was found. Says whether to go on into it, if it is a directory.
    fn entry(&mut self, entry: Entry) -> bool;
    /// A directory or entry could not be looked at; its path is that beneath the mapping's source.
    /// The scan goes on without it. `kind` is that of a directory, or `None` when it is not known.
    fn unreadable(&mut self, path: RelPath, kind: Option<FileKind>, error: FsError);
}
