//! What earlier runs of the same job have left.

use std::ffi::OsString;

use surecopy_fs::RelPath;

use super::fact::{DoneItem, InFlight, RootIdentity};
use super::journal::JournalError;
use crate::plan::Seen;
use crate::policy::{Digest, Evidence, SkipReason};

/// What earlier runs of a job did. It is only asked; what is really there is looked at as well.
pub trait History: Send + Sync {
    /// What is known of an entry: its mapping, and its path beneath the mapping's source.
    ///
    /// # Errors
    /// When that cannot be read.
    fn known(&self, mapping: usize, path: &RelPath) -> Result<Known, JournalError>;

    /// The volumes that the roots were on, in the order of the mappings; none when no run got as far
    /// as that.
    fn roots(&self) -> &[RootIdentity];

    /// Directories that earlier runs made and never came to finish: mappings, and paths beneath their
    /// destination roots.
    fn unfinished_directories(&self) -> &[(usize, RelPath)];

    /// What earlier runs have left in the middle of being done.
    fn in_flight(&self) -> &InFlight;

    /// The last run that went through all of the job came to its end, and all directories have their own
    /// metadata.
    fn is_finished(&self) -> bool;
}

/// The items of a job that were copied, as they are handed to what looks at them again.
pub trait DoneItems: Send {
    /// The next batch, of at most [`BATCH`](super::BATCH); empty at the end.
    ///
    /// # Errors
    /// When they cannot be read.
    fn next_batch(&mut self) -> Result<Vec<DoneItem>, JournalError>;
}

/// What is known of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Nothing, or it failed.
    Nothing,
    /// It was to be copied, and it is not recorded that it was, or that it failed.
    Unfinished {
        /// The target's last name as it was planned, where it differs from the source's.
        target_name: Option<OsString>,
    },
    /// It was left out, or found in place by something else than its content.
    Skipped {
        /// Why.
        reason: SkipReason,
        /// The target's last name as it was planned, where it differs from the source's.
        target_name: Option<OsString>,
    },
    /// It was copied, and is copied again as long as it is as it was left, whatever is to become of files that
    /// were there before: it was found to have another content, or lacks what is tried again, or nobody can say
    /// that it is what was written. By what the two ends were known then.
    DoneBadly(Done),
    /// It was copied, or compared by its content and found in place: whatever ended well, or was
    /// skipped, with a report that says by what both ends are known again.
    Done(Done),
}

/// By what an entry that was copied is known again, and what else is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The source that was copied.
    pub source: Seen,
    /// What was made of it.
    pub target: Seen,
    /// The target's last name, where it differs from the source's.
    pub target_name: Option<OsString>,
    /// Something was not kept of it that could have been, and that was not tried again.
    pub is_incomplete: bool,
    /// It was to be a name of another one, and could not be made one.
    pub has_lost_link: bool,
    /// How it was proved.
    pub evidence: Evidence,
    /// Its digest.
    pub digest: Option<Digest>,
}
