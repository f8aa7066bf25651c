//! Whether the root of a location is the one that is being watched.

use std::path::Path;

use surecopy_fs::{FileId, FileSystem, FsResult, Node, Volume, VolumeIdentity};

use super::facts::LostReason;
use super::source::EventSource;

/// What a root looked like when it began to be watched. It is not held open: nobody could unmount it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Root {
    file: FileId,
    volume: Option<VolumeIdentity>,
    mounts: Option<u64>,
}

impl Root {
    /// What is at a path now.
    pub(super) fn look<F: FileSystem, S: EventSource>(
        fs: &F,
        source: &S,
        path: &Path,
    ) -> FsResult<(Self, Volume)> {
        // Before: should something be mounted in between, the next look finds it.
        let mounts = source.mount_state(path);
        let root = fs.open_root(path)?;
        let file = fs.metadata(Node::Dir(&root))?.id;
        let volume = fs.volume(&root)?;
        Ok((Self { file, volume: volume.identity.clone(), mounts }, volume))
    }

    /// Why what is there now is not what was watched; `None` when it is.
    pub(super) fn difference(&self, now: &Root) -> Option<LostReason> {
        if (self.file, &self.volume) != (now.file, &now.volume) {
            return Some(LostReason::Replaced);
        }
        (self.mounts != now.mounts).then_some(LostReason::Mounts)
    }
}
