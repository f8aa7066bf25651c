//! The list of what is left to do, filled while planning and emptied by workers in order.
//!
//! This one is kept in memory; the ledger will keep it on disk behind the same trait.

use std::collections::VecDeque;
use std::sync::Mutex;

use crate::journal::JournalError;
use crate::plan::PlannedItem;

/// Items are appended and claimed in batches of at most this many.
pub(crate) const BATCH: usize = 1000;

/// Where planned items wait.
pub(crate) trait WorkList: Send + Sync {
    /// Appends a batch.
    fn append(&self, batch: Vec<PlannedItem>) -> Result<(), JournalError>;

    /// Takes up to `limit` items from the front. Empty when there are none.
    fn claim(&self, limit: usize) -> Result<Vec<PlannedItem>, JournalError>;
}

/// A work list in memory.
#[derive(Debug, Default)]
pub(crate) struct MemoryWorkList {
    items: Mutex<VecDeque<PlannedItem>>,
}

impl WorkList for MemoryWorkList {
    fn append(&self, batch: Vec<PlannedItem>) -> Result<(), JournalError> {
        self.items.lock().expect("no code panics while holding this lock").extend(batch);
        Ok(())
    }

    fn claim(&self, limit: usize) -> Result<Vec<PlannedItem>, JournalError> {
        let mut items = self.items.lock().expect("no code panics while holding this lock");
        let count = limit.min(items.len());
        Ok(items.drain(..count).collect())
    }
}
