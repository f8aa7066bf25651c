//! The facts that later runs rely on.

use std::ffi::OsString;

use surecopy_fs::{RelPath, VolumeIdentity};

use crate::error::ItemError;
use crate::plan::{ItemId, Seen};
use crate::policy::{Digest, Evidence};
use crate::report::{ItemKind, ItemReport, Planned};

/// A fact that later runs rely on, in the order of the commit protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The roots of every mapping are open, in the order of the mappings. No item is handed out before
    /// that is durable: a later run knows by it that it works on the same volumes.
    Opened {
        /// The volumes they are on.
        roots: Vec<RootIdentity>,
    },
    /// Everything that takes part has been planned, and work begins.
    Planned {
        /// The sums.
        planned: Planned,
    },
    /// A directory is there that was not there before the job.
    DirectoryMade {
        /// Which mapping it belongs to.
        mapping: usize,
        /// Its path beneath the destination root.
        path: RelPath,
    },
    /// These items are flushed and proved, and are about to be published together.
    Publishing {
        /// The items, each with what it takes to finish or undo its publishing.
        items: Vec<Publication>,
    },
    /// An entry that preflight refused ended without having become an item.
    Refused {
        /// Everything about it.
        report: Box<ItemReport>,
    },
    /// The item ended; when its status is ok, it is published and durable. One that has failed after it was
    /// announced may be found to be published by a later run, and then ends well in the end.
    Ended {
        /// The item.
        item: ItemId,
        /// Everything about it.
        report: Box<ItemReport>,
    },
    /// These items ended well, each just as it was announced: its report is the one that stands there,
    /// but for how long it took to be published.
    EndedAsAnnounced {
        /// The items.
        items: Vec<ItemId>,
    },
    /// A copied item was looked at again, by its content.
    Checked {
        /// The item.
        item: ItemId,
        /// What was found.
        found: Check,
    },
    /// What a copied item replaced is back, or what was new is gone.
    Undone {
        /// The item.
        item: ItemId,
    },
    /// The replaced file of a copied item is kept no longer.
    Discarded {
        /// The item.
        item: ItemId,
    },
    /// Nothing is left of these items under the name of a partial file or, unless it is to be kept,
    /// of a backup.
    Settled {
        /// The items.
        items: Vec<ItemId>,
    },
}

/// What a later run must know of an item that may or may not have been published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The item.
    pub item: ItemId,
    /// Which mapping it belongs to.
    pub mapping: usize,
    /// The visible name, beneath the destination root.
    pub target: RelPath,
    /// The name of the partial file, in the target's directory.
    pub partial: OsString,
    /// The name under which the replaced file is kept until the new one is safe. Where names are
    /// exchanged, the new file has it just before.
    pub backup: OsString,
    /// What the report will be when the item has been published: everything but how that went. It
    /// says by [`Landed`] how to know the new file and the one that is replaced.
    pub report: Box<ItemReport>,
}

/// What stood at both ends when an item was published, by which later runs know it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Landed {
    /// The source that was copied.
    pub source: Seen,
    /// The new entry.
    pub target: Seen,
    /// What it replaced.
    pub replaced: Option<Seen>,
}

/// What looking at a copied item's content again came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// It has the digest that was recorded, and was read in this way.
    Same(Evidence),
    /// It has another content, or is not there, or could not be read.
    Damaged(ItemError),
    /// No digest was recorded, so nothing can be said.
    NoDigest,
}

/// An item that was copied, as later commands need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoneItem {
    /// The item.
    pub item: ItemId,
    /// Which mapping it belongs to.
    pub mapping: usize,
    /// Its path beneath the mapping's source.
    pub path: RelPath,
    /// The target's last name, where it differs from the source's.
    pub target_name: Option<OsString>,
    /// What it is.
    pub kind: ItemKind,
    /// By what both ends are known again.
    pub landed: Landed,
    /// The name under which what it replaced is kept beside it.
    pub kept: Option<OsString>,
    /// The digest of its content.
    pub digest: Option<Digest>,
}

/// What runs that did not come to their end have left in the middle of being done.
#[derive(Debug, Clone, Default)]
pub struct InFlight {
    /// Publications that are not settled, oldest first.
    pub publications: Vec<Unsettled>,
    /// The numbers that the names of partial files of those runs carry.
    pub nonces: Vec<u64>,
    /// Where such files may be: mappings, and directories beneath their destination roots.
    pub directories: Vec<(usize, RelPath)>,
}

/// A publication of which something may be left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsettled {
    /// What was about to be done.
    pub publication: Publication,
    /// Whether the end of the item is recorded.
    pub end: RecordedEnd,
}

/// What is recorded of an item's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordedEnd {
    /// None.
    None,
    /// It was published and durable, or the same entry was later, so nothing of what it replaced is needed.
    Ok,
    /// It failed or was cancelled. It may have been published all the same: where the disk was lost just
    /// then, nobody could say.
    InDoubt,
    /// It was undone, or left alone in the end.
    Undone,
}

/// The volumes that a mapping's roots are on, as far as they can be known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootIdentity {
    /// That of the source.
    pub source: Option<VolumeIdentity>,
    /// That of the destination.
    pub destination: Option<VolumeIdentity>,
}
