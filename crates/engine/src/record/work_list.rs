//! The list of what is left to do, filled while planning and emptied by workers in order.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::journal::JournalError;
use crate::plan::{ItemId, PlannedItem};

/// Items are appended in batches of at most this many.
pub const BATCH: usize = 1000;

/// The lines that items wait in. The second is begun when the first is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Queue {
    /// Everything but what follows.
    Items,
    /// Further names of files that are in place by then.
    FurtherNames,
}

/// Where planned items wait.
pub trait WorkList: Send + Sync {
    /// The number of the first item of this run; the others follow.
    fn first_item(&self) -> ItemId {
        ItemId(0)
    }

    /// Appends a batch.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn append(&self, queue: Queue, batch: Vec<PlannedItem>) -> Result<(), JournalError>;

    /// Takes up to `limit` items from the front. Empty when there are none.
    ///
    /// # Errors
    /// When they cannot be read.
    fn claim(&self, queue: Queue, limit: usize) -> Result<Vec<PlannedItem>, JournalError>;

    /// The sums of what nobody has taken.
    fn rest(&self) -> Rest;
}

/// Sums over items that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rest {
    /// Items.
    pub items: u64,
    /// Bytes of the files among them.
    pub bytes: u64,
}

/// A work list in memory: some hundred bytes for each item that waits.
#[derive(Debug, Default)]
pub struct MemoryWorkList {
    items: Mutex<VecDeque<PlannedItem>>,
    further_names: Mutex<VecDeque<PlannedItem>>,
}

impl MemoryWorkList {
    fn queue(&self, queue: Queue) -> std::sync::MutexGuard<'_, VecDeque<PlannedItem>> {
        let queue = match queue {
            Queue::Items => &self.items,
            Queue::FurtherNames => &self.further_names,
        };
        queue.lock().expect("no code panics while holding this lock")
    }
}

impl WorkList for MemoryWorkList {
    fn append(&self, queue: Queue, batch: Vec<PlannedItem>) -> Result<(), JournalError> {
        self.queue(queue).extend(batch);
        Ok(())
    }

    fn claim(&self, queue: Queue, limit: usize) -> Result<Vec<PlannedItem>, JournalError> {
        let mut items = self.queue(queue);
        let count = limit.min(items.len());
        Ok(items.drain(..count).collect())
    }

    fn rest(&self) -> Rest {
        let mut rest = Rest::default();
        for queue in [Queue::Items, Queue::FurtherNames] {
            for item in self.queue(queue).iter() {
                rest.items += 1;
                rest.bytes += item.file_bytes();
            }
        }
        rest
    }
}
