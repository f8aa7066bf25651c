//! The seam for truth: what is recorded before and after every step that cannot be undone.
//!
//! The ledger implements it durably. [`NoJournal`] is a run without a ledger. A failure to record
//! stops the item before the next irreversible step.

use std::path::PathBuf;

use crate::plan::{ItemId, Seen};
use crate::report::ItemReport;

/// A fact that later runs rely on, in the order of the commit protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A partial file is about to be created for the item.
    Staging {
        /// The item.
        item: ItemId,
        /// The partial file's path.
        partial: PathBuf,
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
    /// The item ended; when its status is ok, it is published and durable.
    Ended {
        /// The item.
        item: ItemId,
        /// Everything about it.
        report: Box<ItemReport>,
    },
}

/// What a later run must know of an item that may or may not have been published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The item.
    pub item: ItemId,
    /// The visible name.
    pub target: PathBuf,
    /// The partial file's path; after an exchange the replaced file stands there.
    pub partial: PathBuf,
    /// Where the replaced file is kept on volumes that cannot exchange names.
    pub backup: PathBuf,
    /// The file that is replaced, as it was seen; `None` for a new name.
    pub replaces: Option<Seen>,
}

/// The journal could not record.
#[derive(Debug, thiserror::Error)]
#[error("the journal could not record: {message}")]
pub struct JournalError {
    /// Why.
    pub message: String,
}

/// Where facts are recorded.
pub trait Journal: Send + Sync {
    /// Records facts, in order, all or none.
    ///
    /// # Errors
    /// When they are not recorded. The caller then takes no further irreversible step.
    fn record(&self, facts: Vec<Fact>) -> Result<(), JournalError>;
}

/// A run that leaves no record.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoJournal;

impl Journal for NoJournal {
    fn record(&self, _facts: Vec<Fact>) -> Result<(), JournalError> {
        Ok(())
    }
}
