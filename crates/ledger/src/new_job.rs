//! A job that was just written down.

use crate::begin;
use crate::error::LedgerError;
use crate::job::{JobId, RunKind};
use crate::ledger::Ledger;
use crate::run::JobRun;
use crate::store::slots::Slot;

/// A job that was just written down, and that nobody else can begin in the meantime. Dropped without
/// having begun, it counts as interrupted.
#[derive(Debug)]
#[must_use = "the job counts as interrupted as soon as this is dropped"]
pub struct NewJob<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) slot: Slot,
}

impl NewJob<'_> {
    /// Its number.
    pub fn id(&self) -> JobId {
        self.slot.job()
    }

    /// Begins its first run. `nonce` is the number that the names of its partial files will carry.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn begin(self, nonce: u64) -> Result<JobRun, LedgerError> {
        begin::begin_run(self.ledger.path(), self.slot, RunKind::Copy, nonce)
    }
}
