//! The seam for eyes: facts for whoever watches. The seam for truth is [`crate::record`].

use std::path::PathBuf;
use std::time::Duration;

use crate::error::ItemError;
use crate::plan::PlannedItem;
use crate::policy::{Digest, Evidence};
use crate::preflight::Problem;
use crate::report::{ItemReport, Phase};

/// Something that is not an error of an item but should be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What kind of warning.
    pub kind: WarningKind,
    /// The path it is about.
    pub path: PathBuf,
    /// In words.
    pub message: String,
}

/// The kinds of warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WarningKind {
    /// Free space of a volume is not known.
    SpaceUnknown,
    /// A sparse file will be written without its holes.
    SparseFile,
    /// The destination cannot hold a property that was to be kept.
    Loss,
    /// A directory could not be listed or its metadata not be set.
    Directory,
    /// A socket, pipe or device was left out.
    SpecialFile,
    /// A file was left out because it is named like a partial file of ours.
    OurPartialFile,
    /// A partial file or backup could not be removed.
    LeftBehind,
    /// A source has another content than when it was copied before, though its size and time are the
    /// same.
    BitRot,
    /// What an interrupted run had left in the middle was put in order.
    Recovered,
    /// A source is not what was remembered of it; what was found is what counts.
    Corrected,
    /// What is remembered of sources could not be used or not be written; they are scanned.
    Index,
}

impl WarningKind {
    /// Every kind.
    pub const ALL: [WarningKind; 11] = [
        WarningKind::SpaceUnknown,
        WarningKind::SparseFile,
        WarningKind::Loss,
        WarningKind::Directory,
        WarningKind::SpecialFile,
        WarningKind::OurPartialFile,
        WarningKind::LeftBehind,
        WarningKind::BitRot,
        WarningKind::Recovered,
        WarningKind::Corrected,
        WarningKind::Index,
    ];

    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            WarningKind::SpaceUnknown => "space_unknown",
            WarningKind::SparseFile => "sparse_file",
            WarningKind::Loss => "loss",
            WarningKind::Directory => "directory",
            WarningKind::SpecialFile => "special_file",
            WarningKind::OurPartialFile => "our_partial_file",
            WarningKind::LeftBehind => "left_behind",
            WarningKind::BitRot => "bit_rot",
            WarningKind::Recovered => "recovered",
            WarningKind::Corrected => "corrected",
            WarningKind::Index => "index",
        }
    }
}

/// A fact, in the past tense, as plain owned data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A phase began.
    PhaseStarted {
        /// Which.
        phase: Phase,
    },
    /// A phase ended.
    PhaseFinished {
        /// Which.
        phase: Phase,
        /// Entries it dealt with.
        entries: u64,
        /// Bytes it dealt with.
        bytes: u64,
        /// How long it took.
        duration: Duration,
    },
    /// It was found out which directories of the sources are as they are remembered.
    Validated {
        /// Directories that are, and need not be listed.
        fresh: u64,
        /// Directories that are to be listed: something in them has changed, or they are new, or nobody
        /// can say.
        stale: u64,
        /// Directories that are gone.
        gone: u64,
        /// How far "fresh" is to be believed: `high`, `medium` or `low`.
        confidence: &'static str,
    },
    /// Preflight found something that stops an item or the job.
    ProblemFound(Problem),
    /// A warning.
    Warned(Warning),
    /// An item was planned; told in a dry run only.
    ItemPlanned {
        /// Its source.
        source: PathBuf,
        /// Its target.
        target: PathBuf,
        /// The plan.
        item: Box<PlannedItem>,
    },
    /// An item ended.
    ItemFinished(Box<ItemReport>),
    /// A copied item is as if it had not been copied.
    ItemUndone {
        /// Its target.
        target: PathBuf,
        /// How that came about.
        how: Undone,
    },
    /// A copied item was to be undone, or what it replaced to be given up, and it was not, or may not
    /// be for good.
    ItemRefused(ItemError),
    /// A copied item was looked at again, and nothing speaks against it.
    ItemSame {
        /// Its target.
        target: PathBuf,
        /// How it was read; `None` when it was compared by size and time only, and is not verified.
        evidence: Option<Evidence>,
        /// The digest that was recorded, and found again where there is evidence.
        digest: Option<Digest>,
    },
    /// A copied item was looked at again, and is not what was copied.
    ItemDamaged(ItemError),
}

/// How a copied item came to be as if it had not been copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Undone {
    /// What it had replaced has its name again.
    Restored,
    /// It had replaced nothing, and is gone.
    Removed,
    /// It was so already.
    Already,
}

impl Undone {
    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            Undone::Restored => "restored",
            Undone::Removed => "removed",
            Undone::Already => "already",
        }
    }
}

/// Somebody who watches a run.
///
/// It may be slow and it may drop what it is told; nothing it does can fail a copy. It is called
/// from several threads.
pub trait Observer: Send + Sync {
    /// Takes notice of a fact.
    fn on_event(&self, event: Event);
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn on_event(&self, _event: Event) {}
}
