//! What the walk and the listers share: who is free takes what comes next in the order, and what the walk
//! itself needs, and nobody has begun, the walk does.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use surecopy_fs::RelPath;

use super::bounds::Bounds;
use super::order::{Done, Next, Order, Task};

/// How long the walk waits before it looks whether the job was cancelled.
const PATIENCE: Duration = Duration::from_millis(20);

pub(super) struct Ahead<D> {
    state: Mutex<State<D>>,
    /// Something can be begun, or there is nothing more to do.
    may_begin: Condvar,
    /// Something was done.
    is_done: Condvar,
}

struct State<D> {
    order: Order<D>,
    /// Listers that wait.
    idle: usize,
    /// The walk waits.
    is_awaited: bool,
    is_over: bool,
}

impl<D> Ahead<D> {
    /// Nothing yet.
    pub(super) fn new(bounds: &Bounds) -> Self {
        let order = Order::new(bounds);
        Self {
            state: Mutex::new(State { order, idle: 0, is_awaited: false, is_over: false }),
            may_begin: Condvar::new(),
            is_done: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<D>> {
        self.state.lock().expect("no code panics while holding this lock")
    }

    /// What comes next for the walk, which is at this directory. Waits a little when there is nothing.
    pub(super) fn next_of(&self, path: &RelPath) -> Next<D> {
        let mut state = self.state();
        let next = state.order.next_of(path);
        match &next {
            Next::Part(..) => self.wake_one(&state),
            Next::Task(_) => {}
            Next::NotYet => {
                state.is_awaited = true;
                let waited = self.is_done.wait_timeout(state, PATIENCE);
                drop(waited.expect("no code panics while holding this lock"));
            }
        }
        next
    }

    /// What a lister has done, and what it is to do next; waits until there is something. `None` when
    /// all is over.
    pub(super) fn next(&self, done: Option<Done<D>>) -> Option<Task<D>> {
        let mut state = self.state();
        if let Some(done) = done {
            state.order.keep(done);
            // Telling nobody would be a system call as well.
            if std::mem::take(&mut state.is_awaited) {
                self.is_done.notify_one();
            }
        }
        loop {
            if state.is_over {
                return None;
            }
            if let Some(task) = state.order.begin_next() {
                self.wake_one(&state);
                return Some(task);
            }
            state.idle += 1;
            state = self.may_begin.wait(state).expect("no code panics while holding this lock");
            state.idle -= 1;
        }
    }

    /// The walk has done something itself.
    pub(super) fn keep(&self, done: Done<D>) {
        let mut state = self.state();
        state.order.keep(done);
        self.wake_one(&state);
    }

    /// The walk does not go into this directory.
    pub(super) fn leave_out(&self, path: &RelPath) {
        let mut state = self.state();
        state.order.leave_out(path);
        self.wake_one(&state);
    }

    /// Whether there is something that a lister could do.
    pub(super) fn has_work(&self) -> bool {
        self.state().order.can_begin()
    }

    /// There is nothing more to do for anybody.
    pub(super) fn end(&self) {
        self.state().is_over = true;
        self.may_begin.notify_all();
    }

    /// One is enough: it wakes the next, if there is more.
    fn wake_one(&self, state: &State<D>) {
        if state.idle > 0 && state.order.can_begin() {
            self.may_begin.notify_one();
        }
    }
}
