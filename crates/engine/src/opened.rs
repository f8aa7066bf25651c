//! An open directory of a destination, and what stands in it.

use std::ffi::OsStr;
use std::sync::Arc;

use surecopy_fs::{FileSystem, FsErrorKind, FsResult, Metadata, RelPath, Volume};

use crate::volumes::Volumes;

/// An open directory and the volume it is on.
pub(crate) struct Opened<F: FileSystem> {
    pub(crate) dir: Arc<F::Dir>,
    pub(crate) volume: Arc<Volume>,
}

impl<F: FileSystem> Opened<F> {
    /// Opens a directory beneath a root.
    pub(crate) fn beneath(
        fs: &F,
        volumes: &Volumes,
        root: &F::Dir,
        path: &RelPath,
    ) -> FsResult<Self> {
        let dir = fs.open_dir(root, path)?;
        let volume = volumes.of_dir(fs, &dir)?;
        Ok(Self { dir: dir.into(), volume })
    }

    /// What has a name, if anything has.
    pub(crate) fn at(&self, fs: &F, name: &OsStr) -> FsResult<Option<Metadata>> {
        match fs.metadata_at(&self.dir, name) {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind == FsErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
