//! One planned item.

use std::ffi::OsString;

use surecopy_fs::{FileId, Metadata, RelPath, Timestamp, Volume};

use crate::policy::{Digest, SkipReason, Strategy};
use crate::report::ItemKind;

/// The number of an item within its job, in the order of planning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemId(pub u64);

/// What is remembered of a file between planning and copying, to see whether it is still the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Identity.
    pub id: FileId,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Modification time.
    pub modified: Timestamp,
}

impl Seen {
    /// What is remembered of these metadata.
    pub fn of(metadata: &Metadata) -> Self {
        Self { id: metadata.id, size_bytes: metadata.size, modified: metadata.modified }
    }

    /// Whether something that was seen by an earlier run is still the same. The number of the volume
    /// is another one each time it is mounted, so it is not compared; whether it is the same volume is
    /// known by other means. Nor is a file's number where it is made up while the volume is mounted.
    pub(crate) fn is_still(self, now: &Metadata, volume: &Volume) -> bool {
        let is_same_file =
            self.id.file == now.id.file || !volume.filesystem.has_lasting_file_numbers;
        is_same_file && self.size_bytes == now.size && self.modified == now.modified
    }
}

/// What is to be done with an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Make a target where there is none.
    Create,
    /// Put what is to go into a directory into the one that is there.
    Merge,
    /// Replace the target that was seen.
    Replace(Seen),
    /// Compare digests; replace the target that was seen if they differ.
    ReplaceIfContentDiffers(Seen),
    /// Nothing.
    Skip(SkipReason),
}

impl Action {
    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Merge => "merge",
            Action::Replace(_) => "replace",
            Action::ReplaceIfContentDiffers(_) => "replace_if_content_differs",
            Action::Skip(_) => "skip",
        }
    }
}

/// One planned entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedItem {
    /// Its number.
    pub id: ItemId,
    /// Which mapping it belongs to.
    pub mapping: usize,
    /// Its path beneath the mapping's source; the root for the mapping's own source.
    pub path: RelPath,
    /// The target's last name, where it differs from the source's (`keep-both`).
    pub target_name: Option<OsString>,
    /// What it is.
    pub kind: ItemKind,
    /// What was seen of the source.
    pub source: Seen,
    /// What is to be done.
    pub action: Action,
    /// The way chosen for it, going by the size seen; chosen again by the size found.
    pub strategy: Option<Strategy>,
    /// Its part in a set of hard links.
    pub link_role: LinkRole,
    /// The digest of what an earlier job copied from the same path, of the same size and time.
    pub known_digest: Option<Digest>,
}

impl PlannedItem {
    /// Its size, if it is a file.
    pub fn file_bytes(&self) -> u64 {
        if self.kind == ItemKind::File { self.source.size_bytes } else { 0 }
    }
}

/// An item's part in a set of names of one file. Known only when hard links are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkRole {
    /// The file has one name, or its names are copied as files of their own.
    Single,
    /// The name that is copied; others will be linked to it.
    First,
    /// A further name; the first one's mapping and path.
    Further(Box<(usize, RelPath)>),
}
