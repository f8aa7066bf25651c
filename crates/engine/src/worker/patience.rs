//! Waiting for a file that another process holds and has been asked to let go of.
//!
//! File servers hold leases on what their clients have open. Opening such a file makes the kernel ask
//! for it back; a source is opened without waiting (a pipe would be waited for without end), so the
//! waiting is done here, where it can be cancelled.

use std::time::Duration;

use surecopy_fs::FileSystem;

use super::member::Setback;
use super::take::Worker;
use crate::error::ErrorCode;

/// How long an item is waited for in all. Linux takes a lease away from a holder that has not
/// answered for 45 seconds.
const LONGEST: Duration = Duration::from_secs(50);

/// Most holders answer at once.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How soon a cancel is noticed.
const LOOK: Duration = Duration::from_millis(20);

/// How long one item has been waited for.
#[derive(Debug, Default)]
pub(super) struct Patience {
    waited: Duration,
}

impl Patience {
    /// How long to wait before it is tried again; `None` when that is of no use, or no longer.
    pub(super) fn pause_after(&mut self, setback: &Setback) -> Option<Duration> {
        let is_held =
            matches!(setback, Setback::Failed(error) if error.code == ErrorCode::FileBusy);
        if !is_held || self.waited >= LONGEST {
            return None;
        }
        // Each as long as all before it.
        let pause = self.waited.clamp(FIRST_PAUSE, LONGEST_PAUSE);
        self.waited += pause;
        Some(pause)
    }
}

impl<F: FileSystem> Worker<'_, '_, F> {
    /// Lets time pass, unless the job is cancelled. While it is paused, none passes.
    pub(super) fn pause(&self, mut left: Duration) {
        let outside = self.context.outside;
        while !left.is_zero() && outside.control.checkpoint().is_ok() {
            let step = left.min(LOOK);
            outside.clock.wait(step);
            left -= step;
        }
    }
}
