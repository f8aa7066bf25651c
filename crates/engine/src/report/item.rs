//! What happened to one item.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::ItemError;
use crate::policy::SkipReason;
use crate::policy::{Digest, Evidence, Mechanism, Strategy, VerifyPolicy};
use crate::record::Landed;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// A regular file.
    File,
    /// A symbolic link.
    Symlink,
    /// A further name of a file of the same job.
    HardLink,
    /// A directory.
    Directory,
    /// A socket, pipe or device.
    Special,
}

impl ItemKind {
    /// Every kind.
    pub const ALL: [ItemKind; 5] = [
        ItemKind::File,
        ItemKind::Symlink,
        ItemKind::HardLink,
        ItemKind::Directory,
        ItemKind::Special,
    ];

    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            ItemKind::File => "file",
            ItemKind::Symlink => "symlink",
            ItemKind::HardLink => "hard_link",
            ItemKind::Directory => "directory",
            ItemKind::Special => "special",
        }
    }

    /// Reads its stable text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

/// How an item ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemStatus {
    /// Published and durable.
    Ok,
    /// Not copied, and nothing is wrong.
    Skipped(SkipReason),
    /// The job was cancelled before this item was published.
    Cancelled,
    /// Not copied.
    Error(ItemError),
}

impl ItemStatus {
    /// Stable text.
    pub fn as_str(&self) -> &'static str {
        match self {
            ItemStatus::Ok => "ok",
            ItemStatus::Skipped(_) => "skipped",
            ItemStatus::Cancelled => "cancelled",
            ItemStatus::Error(_) => "error",
        }
    }
}

/// Why a file that was copied is not verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UnverifiedReason {
    /// The policy is `none`.
    PolicyNone,
    /// The file is not below the verify threshold.
    AboveThreshold,
    /// Read-back was switched off.
    ReadBackOff,
    /// The blocks are shared with the source.
    SharedBlocks,
}

impl UnverifiedReason {
    /// Every reason.
    pub const ALL: [UnverifiedReason; 4] = [
        UnverifiedReason::PolicyNone,
        UnverifiedReason::AboveThreshold,
        UnverifiedReason::ReadBackOff,
        UnverifiedReason::SharedBlocks,
    ];

    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            UnverifiedReason::PolicyNone => "policy_none",
            UnverifiedReason::AboveThreshold => "above_threshold",
            UnverifiedReason::ReadBackOff => "read_back_off",
            UnverifiedReason::SharedBlocks => "shared_blocks",
        }
    }

    /// Reads its stable text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

/// What could not be kept of an item, though its content was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataWarning {
    /// What was lost.
    pub loss: MetadataLoss,
    /// The OS's words, or what was found instead.
    pub message: String,
    /// Whether that had to be so.
    pub cause: LossCause,
}

/// Why something could not be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LossCause {
    /// It cannot be kept there, or not by this user: nothing went wrong.
    NotPossible,
    /// A step failed that could have gone well.
    Failed,
}

/// The properties that can be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MetadataLoss {
    /// Modification time.
    Timestamps,
    /// The volume stores times in coarser steps.
    TimestampPrecision,
    /// Permission bits.
    Permissions,
    /// Owner or group.
    Owner,
    /// Extended attributes.
    Xattrs,
    /// Access control lists.
    Acls,
    /// Holes: the target takes more room than the source.
    Holes,
    /// The hard link became a file of its own.
    HardLink,
}

impl MetadataLoss {
    /// Every property.
    pub const ALL: [MetadataLoss; 8] = [
        MetadataLoss::Timestamps,
        MetadataLoss::TimestampPrecision,
        MetadataLoss::Permissions,
        MetadataLoss::Owner,
        MetadataLoss::Xattrs,
        MetadataLoss::Acls,
        MetadataLoss::Holes,
        MetadataLoss::HardLink,
    ];

    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            MetadataLoss::Timestamps => "timestamps",
            MetadataLoss::TimestampPrecision => "timestamp_precision",
            MetadataLoss::Permissions => "permissions",
            MetadataLoss::Owner => "owner",
            MetadataLoss::Xattrs => "xattrs",
            MetadataLoss::Acls => "acls",
            MetadataLoss::Holes => "holes",
            MetadataLoss::HardLink => "hard_link",
        }
    }

    /// Reads its stable text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

/// Time spent on an item, by phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ItemTimes {
    /// Keeping the replaced file.
    pub backup: Duration,
    /// Reading and writing.
    pub copy: Duration,
    /// Flush and read-back. For files committed as a group, the flush is shared out evenly.
    pub verify: Duration,
    /// Removing the backup or the partial file.
    pub cleanup: Duration,
}

impl ItemTimes {
    /// The sum.
    pub fn total(&self) -> Duration {
        self.backup + self.copy + self.verify + self.cleanup
    }
}

/// Everything there is to say about one item when it has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemReport {
    /// What it is.
    pub kind: ItemKind,
    /// How it ended.
    pub status: ItemStatus,
    /// The way chosen; `None` when nothing had to be moved.
    pub strategy: Option<Strategy>,
    /// How bytes really moved.
    pub mechanism: Option<Mechanism>,
    /// Where it came from.
    pub source: PathBuf,
    /// Where it was to go.
    pub target: PathBuf,
    /// Size in bytes, as copied.
    pub size_bytes: u64,
    /// Bytes that arrived (0 for a clone: none were moved).
    pub bytes_copied: u64,
    /// Bytes of the source read by surecopy itself, comparisons included; what the kernel read on
    /// its behalf counts too.
    pub source_bytes_read: u64,
    /// The verification policy in force.
    pub policy: VerifyPolicy,
    /// How it was proved.
    pub evidence: Evidence,
    /// Why it is not verified; `None` when it is, or when nothing was copied.
    pub unverified: Option<UnverifiedReason>,
    /// The digest of the content, where one was computed.
    pub digest: Option<Digest>,
    /// How many times the copy was begun again, and why.
    pub retries: Vec<ItemError>,
    /// The partial file's path, when one was made.
    pub partial: Option<PathBuf>,
    /// The backup's path, when the item replaced something.
    pub backup: Option<PathBuf>,
    /// By what both ends are known again, of what was published or was compared and found to be the
    /// same; `None` otherwise.
    pub landed: Option<Landed>,
    /// A failure after publishing was answered by putting the old state back.
    pub rollback_performed: bool,
    /// The old state is back.
    pub rollback_succeeded: bool,
    /// The source has holes.
    pub sparse_detected: bool,
    /// Windows of a mapped comparison that had to be read again in the ordinary way.
    pub mapped_fallbacks: u64,
    /// What could not be kept.
    pub metadata_warnings: Vec<MetadataWarning>,
    /// Time by phase.
    pub times: ItemTimes,
}

impl ItemReport {
    /// A report in which nothing has happened yet.
    pub fn new(kind: ItemKind, source: PathBuf, target: PathBuf, size_bytes: u64) -> Self {
        Self {
            kind,
            status: ItemStatus::Ok,
            strategy: None,
            mechanism: None,
            source,
            target,
            size_bytes,
            bytes_copied: 0,
            source_bytes_read: 0,
            policy: VerifyPolicy::default(),
            evidence: Evidence::None,
            unverified: None,
            digest: None,
            retries: Vec::new(),
            partial: None,
            backup: None,
            landed: None,
            rollback_performed: false,
            rollback_succeeded: false,
            sparse_detected: false,
            mapped_fallbacks: 0,
            metadata_warnings: Vec::new(),
            times: ItemTimes::default(),
        }
    }

    /// Whether something was not kept of it that could have been.
    pub fn is_metadata_incomplete(&self) -> bool {
        self.metadata_warnings.iter().any(|warning| warning.cause == LossCause::Failed)
    }

    /// Whether it was to be a name of another file, and could not be made one.
    pub fn has_lost_link(&self) -> bool {
        self.metadata_warnings.iter().any(|warning| warning.loss == MetadataLoss::HardLink)
    }

    /// Whether the bytes at the destination were read and found equal.
    pub fn verified(&self) -> bool {
        self.status == ItemStatus::Ok && self.evidence.is_verified()
    }

    /// Bytes per second over the copy phase; `None` when no time was measured.
    pub fn throughput_bytes_per_second(&self) -> Option<f64> {
        let secs = self.times.copy.as_secs_f64();
        (secs > 0.0).then(|| self.bytes_copied as f64 / secs)
    }
}
