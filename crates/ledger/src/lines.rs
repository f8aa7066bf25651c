//! The lines of a run: planned items between the thread that writes them down and those that work on them.
//!
//! Nobody gets an item before it stands in the database, and before a number beyond its own stands there
//! as how far items may have been handed out: past that, nothing can have been begun. It is written ahead
//! along with other things, so that whoever wants items hardly ever waits.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};

use surecopy_engine::{ItemId, PlannedItem, Queue};

use crate::write::handing_out::FEW;

/// What a mutex holds.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no code panics while holding this lock")
}

/// Both lines of a run.
#[derive(Debug)]
pub(crate) struct Lines {
    items: Line,
    further_names: Line,
}

impl Lines {
    /// Those of a run whose items begin with this one.
    pub(crate) fn new(first: ItemId) -> Self {
        Self { items: Line::new(first), further_names: Line::new(first) }
    }

    pub(crate) fn of(&self, queue: Queue) -> &Line {
        match queue {
            Queue::Items => &self.items,
            Queue::FurtherNames => &self.further_names,
        }
    }

    /// Nothing will be written any more.
    pub(crate) fn close(&self) {
        for line in [&self.items, &self.further_names] {
            line.change(|state| state.is_closed = true);
        }
    }
}

/// One line.
#[derive(Debug)]
pub(crate) struct Line {
    state: Mutex<LineState>,
    changed: Condvar,
}

/// What is known of a line.
#[derive(Debug)]
pub(crate) struct LineState {
    /// The next items. They stand in the database.
    pub(crate) ready: VecDeque<PlannedItem>,
    /// After these, more of them stand in the database.
    pub(crate) has_more: bool,
    /// So many batches were put into the line and do not stand in the database yet.
    pub(crate) unwritten: usize,
    /// Items with smaller numbers may be handed out: that stands in the database.
    pub(crate) leased: u64,
    /// The thread that writes was told that something is wanted of it.
    pub(crate) is_asked: bool,
    /// Nothing will be written any more.
    pub(crate) is_closed: bool,
}

impl LineState {
    /// Takes up to so many items that may be handed out.
    pub(crate) fn hand_out(&mut self, limit: usize) -> Vec<PlannedItem> {
        let may_go = |item: &&PlannedItem| item.id.0 < self.leased;
        let count = self.ready.iter().take(limit).take_while(may_go).count();
        self.ready.drain(..count).collect()
    }

    /// There is more than is at hand, that is not much, and nobody has asked for it yet.
    pub(crate) fn is_running_dry(&self) -> bool {
        self.has_more && self.ready.len() < FEW && !self.is_asked
    }

    /// Nothing is left in the line, here or in the database or on its way there.
    pub(crate) fn is_at_end(&self) -> bool {
        self.ready.is_empty() && self.unwritten == 0 && !self.has_more
    }
}

impl Line {
    fn new(first: ItemId) -> Self {
        let state = LineState {
            ready: VecDeque::new(),
            has_more: false,
            unwritten: 0,
            leased: first.0,
            is_asked: false,
            is_closed: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, LineState> {
        locked(&self.state)
    }

    /// Changes what is known, and lets those look again who wait.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut LineState) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// Waits for a change.
    pub(crate) fn wait<'a>(&self, state: MutexGuard<'a, LineState>) -> MutexGuard<'a, LineState> {
        self.changed.wait(state).expect("no code panics while holding this lock")
    }
}
