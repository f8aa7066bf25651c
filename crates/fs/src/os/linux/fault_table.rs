//! The ranges of mapped memory that are being read, where a signal handler can find them.
//!
//! Nothing here but atomics, in a table of fixed size: the handler can neither wait for a lock nor
//! allocate.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How many ranges can be read at once. Each comparison takes two.
const SLOTS: usize = 256;

/// One range being read by the thread that registered it.
struct Slot {
    is_taken: AtomicBool,
    start: AtomicUsize,
    /// 0 while the slot holds no range.
    end: AtomicUsize,
    has_faulted: AtomicBool,
}

static TABLE: [Slot; SLOTS] = [const {
    Slot {
        is_taken: AtomicBool::new(false),
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        has_faulted: AtomicBool::new(false),
    }
}; SLOTS];

impl Slot {
    /// Whether an address lies in the range. Another thread may be giving the slot to another
    /// range: such a slot is skipped, since the slot of the thread that faulted holds still.
    fn holds(&self, address: usize) -> bool {
        let start = self.start.load(Ordering::SeqCst);
        let end = self.end.load(Ordering::SeqCst);
        let is_steady = self.start.load(Ordering::SeqCst) == start;
        is_steady && start <= address && address < end
    }
}

/// Marks the range that holds an address; `false` when there is none. All slots are looked at: one
/// that just changes hands could claim the address by accident, and must not hide the right one.
pub(super) fn mark(address: usize) -> bool {
    let mut is_marked = false;
    for slot in TABLE.iter().filter(|slot| slot.holds(address)) {
        slot.has_faulted.store(true, Ordering::SeqCst);
        is_marked = true;
    }
    is_marked
}

/// A range in the table, until it is dropped.
pub(super) struct Entry {
    slot: &'static Slot,
}

impl Entry {
    /// `None` when the table is full.
    pub(super) fn new(range: Range<usize>) -> Option<Self> {
        let take = |slot: &&Slot| {
            slot.is_taken.compare_exchange(false, true, Ordering::SeqCst, Ordering::SeqCst).is_ok()
        };
        let slot = TABLE.iter().find(take)?;
        slot.has_faulted.store(false, Ordering::SeqCst);
        slot.start.store(range.start, Ordering::SeqCst);
        slot.end.store(range.end, Ordering::SeqCst);
        Some(Self { slot })
    }

    /// Whether the range was marked.
    pub(super) fn has_faulted(&self) -> bool {
        self.slot.has_faulted.load(Ordering::SeqCst)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.slot.end.store(0, Ordering::SeqCst);
        self.slot.start.store(0, Ordering::SeqCst);
        self.slot.is_taken.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Addresses that no map has, so that tests running beside this one are not touched.

    #[test]
    fn only_the_range_that_holds_the_address_is_marked() {
        let low = Entry::new(10..20).unwrap();
        let high = Entry::new(20..30).unwrap();
        assert!(!mark(9) && !mark(30));
        assert!(mark(20));
        assert!(high.has_faulted() && !low.has_faulted());
        drop(high);
        assert!(!mark(20));
    }

    #[test]
    fn a_slot_used_again_starts_unmarked() {
        for _ in 0..2 * SLOTS {
            let entry = Entry::new(100..101).unwrap();
            assert!(!entry.has_faulted());
            assert!(mark(100));
        }
    }
}
