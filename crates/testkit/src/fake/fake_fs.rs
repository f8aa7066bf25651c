//! The fake file system as a value that can be shared, and the way into each operation.
//!
//! Hooks run before an operation and outside the lock, so they may use the file system freely.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use surecopy_fs::Operation;

use super::state::{Outcome, State};

type HookBody = dyn Fn(&FakeFs, u64) + Send + Sync;

#[derive(Clone)]
struct Hook {
    operation: Operation,
    body: Arc<HookBody>,
}

struct Shared {
    state: Mutex<State>,
    hooks: Mutex<Vec<Hook>>,
}

/// A file system in memory. Clones share the same state.
///
/// It stands on one ext4-like volume without limits, owned by user 1000, who is also the one who
/// asks; [`mount`](Self::mount) adds volumes of other kinds.
#[derive(Clone)]
pub struct FakeFs {
    shared: Arc<Shared>,
}

impl Default for FakeFs {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for FakeFs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeFs").field("inodes", &self.lock().inodes.len()).finish()
    }
}

impl FakeFs {
    /// An empty file system.
    pub fn new() -> Self {
        Self::of_state(State::new())
    }

    pub(crate) fn of_state(state: State) -> Self {
        let shared = Shared { state: Mutex::new(state), hooks: Mutex::new(Vec::new()) };
        Self { shared: Arc::new(shared) }
    }

    /// The state, for the time the guard lives.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // Handles are closed while a failing test unwinds, too; that must not hide why it failed.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation, runs what waits for it, and gives access to the state.
    pub(crate) fn enter(&self, operation: Operation, name: &str) -> MutexGuard<'_, State> {
        let nth = {
            let mut state = self.lock();
            state.trace.push((operation, name.to_owned()));
            let count = state.counts.entry(operation).or_default();
            *count += 1;
            *count
        };
        for body in self.hooks_for(operation) {
            body(self, nth);
        }
        self.lock()
    }

    fn hooks_for(&self, operation: Operation) -> Vec<Arc<HookBody>> {
        let hooks = self.shared.hooks.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = hooks.iter().filter(|hook| hook.operation == operation);
        wanted.map(|hook| hook.body.clone()).collect()
    }

    /// Calls `body` before every such operation, with its number (from 1). The operation waits
    /// until it returns, and then sees what `body` changed.
    pub fn before(
        &self,
        operation: Operation,
        body: impl Fn(&FakeFs, u64) + Send + Sync + 'static,
    ) -> &Self {
        let hook = Hook { operation, body: Arc::new(body) };
        self.shared.hooks.lock().unwrap_or_else(PoisonError::into_inner).push(hook);
        self
    }

    /// Looks at the state as one who may look at everything.
    pub(crate) fn look<T>(&self, body: impl FnOnce(&State) -> T) -> T {
        self.as_privileged(|state| body(state))
    }

    fn as_privileged<T>(&self, body: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let is_privileged = std::mem::replace(&mut state.is_privileged, true);
        let outcome = body(&mut state);
        state.is_privileged = is_privileged;
        outcome
    }

    /// Runs a change that the test itself asks for, whatever permissions say; it is neither counted
    /// nor hooked.
    ///
    /// # Panics
    /// When the change is refused: the test has set up something impossible.
    #[track_caller]
    pub(crate) fn change<T>(&self, what: &str, body: impl FnOnce(&mut State) -> Outcome<T>) -> T {
        let outcome = self.as_privileged(body);
        match outcome {
            Ok(value) => value,
            Err(kind) => panic!("the test cannot {what}: {}", kind.describe()),
        }
    }
}
