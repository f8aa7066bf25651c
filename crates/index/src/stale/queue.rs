//! Work that threads share: what one finds to do, any of them may do. All is done when nothing is left
//! and nobody is at work who could find more.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    tasks: Vec<T>,
    at_work: usize,
    is_over: bool,
}

impl<T> Queue<T> {
    pub(super) fn of(first: T) -> Self {
        let state = State { tasks: vec![first], at_work: 0, is_over: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a task. What was added last is taken first, so that few wait.
    pub(super) fn push(&self, task: T) {
        self.state().tasks.push(task);
        self.changed.notify_one();
    }

    /// Takes a task, and waits as long as there may come one; `None` when all is done or over.
    pub(super) fn take(&self) -> Option<(T, AtWork<'_, T>)> {
        let mut state = self.state();
        loop {
            if state.is_over {
                return None;
            }
            if let Some(task) = state.tasks.pop() {
                state.at_work += 1;
                return Some((task, AtWork { queue: self }));
            }
            if state.at_work == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Nobody is to begin anything more.
    pub(super) fn end(&self) {
        self.state().is_over = true;
        self.changed.notify_all();
    }
}

/// Somebody is at work on a task, until this is dropped.
pub(super) struct AtWork<'a, T> {
    queue: &'a Queue<T>,
}

impl<T> Drop for AtWork<'_, T> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        state.at_work -= 1;
        // Whoever has panicked has left something undone that nobody will do.
        state.is_over |= std::thread::panicking();
        if state.is_over || (state.at_work == 0 && state.tasks.is_empty()) {
            self.queue.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn everything_is_done_once_by_whoever_is_free() {
        let queue = Queue::of(12u32);
        let done = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while let Some((task, _at_work)) = queue.take() {
                        done.fetch_add(1, Ordering::Relaxed);
                        (0..task.min(2)).for_each(|_| queue.push(task - 1));
                    }
                });
            }
        });
        // 12 to 2 double each time, and each of the last has one below it.
        assert_eq!(done.into_inner(), (1 << 12) - 1 + (1 << 11));
    }
}
