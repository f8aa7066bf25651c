//! What came of it.

use std::time::Duration;

use crate::error::ItemError;
use crate::preflight::Problem;
use crate::report::Outcome;

/// Errors that are kept one by one; the rest is counted, and told to the observer.
pub(super) const KEPT_ERRORS: usize = 100;

/// The result of undoing a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoReport {
    /// How it ended.
    pub outcome: Outcome,
    /// Items whose replaced file has its name again.
    pub restored: u64,
    /// Items that had replaced nothing, and are gone.
    pub removed: u64,
    /// Items that were undone before, or whose target somebody else had removed.
    pub already: u64,
    /// Items that were changed since, or of which nothing is kept: they are as they were.
    pub refused: u64,
    /// Items that could not be undone, or not for good.
    pub failed: u64,
    /// Why the first of those that were refused or failed were.
    pub errors: Vec<ItemError>,
    /// Directories that the job had made, and that are gone.
    pub directories_removed: u64,
    /// Directories that the job had made, and that stay: something is in them, or they could not be
    /// removed.
    pub directories_left: u64,
    /// Warnings given.
    pub warnings: u64,
    /// What spoke against touching anything.
    pub problems: Vec<Problem>,
    /// From beginning to end.
    pub duration: Duration,
}

/// The result of giving up what a job had kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscardReport {
    /// How it ended.
    pub outcome: Outcome,
    /// Kept files that are gone.
    pub discarded: u64,
    /// Kept files that were gone before.
    pub already: u64,
    /// What has the kept file's name is not what was replaced, or is in use: it is as it was.
    pub refused: u64,
    /// Kept files that could not be removed, or not for good.
    pub failed: u64,
    /// Why the first of those that were refused or failed were.
    pub errors: Vec<ItemError>,
    /// What spoke against touching anything.
    pub problems: Vec<Problem>,
    /// From beginning to end.
    pub duration: Duration,
}

impl Default for UndoReport {
    /// Nothing yet.
    fn default() -> Self {
        Self {
            outcome: Outcome::Finished,
            restored: 0,
            removed: 0,
            already: 0,
            refused: 0,
            failed: 0,
            errors: Vec::new(),
            directories_removed: 0,
            directories_left: 0,
            warnings: 0,
            problems: Vec::new(),
            duration: Duration::ZERO,
        }
    }
}

impl Default for DiscardReport {
    /// Nothing yet.
    fn default() -> Self {
        Self {
            outcome: Outcome::Finished,
            discarded: 0,
            already: 0,
            refused: 0,
            failed: 0,
            errors: Vec::new(),
            problems: Vec::new(),
            duration: Duration::ZERO,
        }
    }
}
