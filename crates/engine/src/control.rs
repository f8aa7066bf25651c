//! Pause, resume and cancel.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

/// The job was cancelled. Not an error: an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled;

/// The switch that a user of a running job holds. Clones are the same switch.
#[derive(Debug, Clone, Default)]
pub struct Control {
    shared: Arc<Shared>,
    passes_pause: bool,
}

#[derive(Debug, Default)]
struct Shared {
    cancelled: AtomicBool,
    paused: Mutex<bool>,
    changed: Condvar,
}

impl Control {
    /// A switch that is neither paused nor cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the job as soon as each worker reaches its next checkpoint. Cannot be taken back.
    pub fn cancel(&self) {
        self.shared.cancelled.store(true, Ordering::Release);
        // Under the lock, so that a worker between its check and its wait cannot miss it.
        let _guard = self.shared.paused.lock().expect("no code panics while holding this lock");
        self.shared.changed.notify_all();
    }

    /// The same switch for work that others wait for: it is not held by a pause.
    pub(crate) fn passing_pause(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), passes_pause: true }
    }

    /// Holds every worker at its next checkpoint, or when what waits at it is safe.
    pub fn pause(&self) {
        *self.shared.paused.lock().expect("no code panics while holding this lock") = true;
    }

    /// Lets the workers go on.
    pub fn resume(&self) {
        *self.shared.paused.lock().expect("no code panics while holding this lock") = false;
        self.shared.changed.notify_all();
    }

    /// Whether the job is being held.
    pub fn is_paused(&self) -> bool {
        *self.shared.paused.lock().expect("no code panics while holding this lock")
    }

    /// Whether the job was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.shared.cancelled.load(Ordering::Acquire)
    }

    /// Passes at once while the job runs, waits while it is paused, and fails when it was
    /// cancelled. Workers call it between steps, and at least once for every chunk.
    pub fn checkpoint(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() {
            return Err(Cancelled);
        }
        let mut paused = self.shared.paused.lock().expect("no code panics while holding this lock");
        while *paused && !self.passes_pause && !self.is_cancelled() {
            paused =
                self.shared.changed.wait(paused).expect("no code panics while holding this lock");
        }
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paused_worker_goes_on_when_told_to() {
        let control = Control::new();
        control.pause();
        assert!(control.is_paused());
        let worker = {
            let control = control.clone();
            std::thread::spawn(move || control.checkpoint())
        };
        control.resume();
        assert_eq!(worker.join().unwrap(), Ok(()));
    }

    #[test]
    fn work_that_others_wait_for_is_not_held_and_can_be_cancelled() {
        let control = Control::new();
        control.pause();
        let passing = control.passing_pause();
        assert_eq!(passing.checkpoint(), Ok(()));
        control.cancel();
        assert_eq!(passing.checkpoint(), Err(Cancelled));
    }

    #[test]
    fn cancelling_wakes_a_paused_worker() {
        let control = Control::new();
        control.pause();
        let worker = {
            let control = control.clone();
            std::thread::spawn(move || control.checkpoint())
        };
        control.cancel();
        assert_eq!(worker.join().unwrap(), Err(Cancelled));
        assert_eq!(control.checkpoint(), Err(Cancelled));
    }
}
