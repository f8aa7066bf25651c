//! What the user named at one end of a mapping, and the volume that it is on: where it is looked whether that
//! is still there.
//!
//! A root may be another place: of `/mnt/usb`, named without a slash, the root is `/mnt`.

use std::path::{Path, PathBuf};

use surecopy_fs::{FileKind, FileSystem, FsErrorKind, FsResult, Metadata, Node, RelPath};

use crate::spec::{Mapping, joined};

/// A directory as the user named it, and as it was when the run began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    root: PathBuf,
    below: RelPath,
    /// The number of its volume.
    volume: u64,
    /// It is on another volume than the root.
    is_mounted_below: bool,
}

/// What is where a place was.
pub(crate) enum Looked<D> {
    /// The same volume, and a directory on it.
    Same(D),
    /// Nothing.
    Nothing,
    /// Another volume, or the directory in which one was mounted.
    Another,
}

impl Place {
    /// Where a mapping is read: a directory that is its source, or the one with the source in it.
    pub(crate) fn of_source<F: FileSystem>(
        fs: &F,
        mapping: &Mapping,
        (root, root_volume): (&F::Dir, u64),
        source: &Metadata,
    ) -> FsResult<Self> {
        let (below, volume) = match (source.kind, mapping.source.parent()) {
            (FileKind::Directory, _) | (_, None) => (mapping.source.clone(), source.id.volume),
            (_, Some(parent)) if parent.is_root() => (parent, root_volume),
            (_, Some(parent)) => {
                let dir = fs.open_dir(root, &parent)?;
                (parent, fs.metadata(Node::Dir(&dir))?.id.volume)
            }
        };
        Ok(Self::new(&mapping.source_root, below, volume, root_volume))
    }

    /// Where a mapping is written: the root, or a volume that is mounted below it and has the target on it.
    pub(crate) fn of_destination<F: FileSystem>(
        fs: &F,
        mapping: &Mapping,
        (root, root_volume): (&F::Dir, u64),
    ) -> FsResult<Self> {
        let mut below = mapping.target.clone();
        let volume = loop {
            if below.is_root() {
                break root_volume;
            }
            if let Ok(dir) = fs.open_dir(root, &below) {
                let volume = fs.metadata(Node::Dir(&dir))?.id.volume;
                if volume == root_volume {
                    below = RelPath::root();
                }
                break volume;
            }
            below = below.parent().unwrap_or_default();
        };
        Ok(Self::new(&mapping.destination_root, below, volume, root_volume))
    }

    fn new(root: &Path, below: RelPath, volume: u64, root_volume: u64) -> Self {
        Self { root: root.to_owned(), below, volume, is_mounted_below: volume != root_volume }
    }

    /// Its path, as the user wrote it.
    pub(crate) fn path(&self) -> PathBuf {
        joined(&self.root, &self.below)
    }

    /// The number of its volume.
    pub(crate) fn volume(&self) -> u64 {
        self.volume
    }

    /// Opens it anew by its path, which tells what is there now.
    pub(crate) fn look<F: FileSystem>(&self, fs: &F) -> FsResult<Looked<F::Dir>> {
        let is_gone = |kind| matches!(kind, FsErrorKind::NotFound | FsErrorKind::NotADirectory);
        let root = match fs.open_root(&self.root) {
            Err(error) if is_gone(error.kind) => return Ok(Looked::Nothing),
            opened => opened?,
        };
        let found = match fs.open_dir(&root, &self.below) {
            Err(error) if is_gone(error.kind) && self.is_mounted_below => {
                return Ok(Looked::Nothing);
            }
            // Somebody removed it, which says nothing of the volume.
            Err(error) if is_gone(error.kind) => root,
            opened => opened?,
        };
        let is_same = fs.metadata(Node::Dir(&found))?.id.volume == self.volume;
        Ok(if is_same { Looked::Same(found) } else { Looked::Another })
    }
}
