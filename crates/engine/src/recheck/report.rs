//! What came of it.

use std::time::Duration;

use crate::error::ItemError;
use crate::policy::Evidence;
use crate::preflight::Problem;
use crate::record::Check;
use crate::report::Outcome;

/// Errors that are kept one by one; the rest is counted, and told to the observer.
const KEPT_ERRORS: usize = 100;

/// The result of looking again at what was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecheckReport {
    /// How it ended.
    pub outcome: Outcome,
    /// Items that have the digest that was recorded, by the way in which they were read, in the order
    /// of [`Evidence::ALL`].
    pub same_by_evidence: [u64; 5],
    /// Items without a digest that are as large and as old as they were. They are not verified.
    pub no_digest: u64,
    /// Items that are not what was copied, are not there, or could not be read.
    pub damaged: u64,
    /// The first of those.
    pub errors: Vec<ItemError>,
    /// Bytes of items that have the digest that was recorded. What was read of others counts nowhere.
    pub bytes_verified: u64,
    /// What spoke against looking at all.
    pub problems: Vec<Problem>,
    /// From beginning to end.
    pub duration: Duration,
}

impl Default for RecheckReport {
    /// Nothing yet.
    fn default() -> Self {
        Self {
            outcome: Outcome::Finished,
            same_by_evidence: [0; 5],
            no_digest: 0,
            damaged: 0,
            errors: Vec::new(),
            bytes_verified: 0,
            problems: Vec::new(),
            duration: Duration::ZERO,
        }
    }
}

impl RecheckReport {
    /// Takes what one item came to into the sums.
    pub(super) fn add(&mut self, found: &Check, bytes_verified: u64) {
        match found {
            Check::Same(evidence) => {
                self.same_by_evidence[*evidence as usize] += 1;
                self.bytes_verified += bytes_verified;
            }
            Check::NoDigest => self.no_digest += 1,
            Check::Damaged(error) => {
                self.damaged += 1;
                if self.errors.len() < KEPT_ERRORS {
                    self.errors.push(error.clone());
                }
            }
        }
    }

    /// Items that have the digest that was recorded.
    pub fn same(&self) -> u64 {
        self.same_by_evidence.iter().sum()
    }

    /// Items with this evidence.
    pub fn with_evidence(&self, evidence: Evidence) -> u64 {
        self.same_by_evidence[evidence as usize]
    }
}
