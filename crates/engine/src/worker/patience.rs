//! Waiting for a file that another process holds and has been asked to let go of.
//!
//! File servers hold leases on what their clients have open. Opening such a file makes the kernel ask
//! for it back; a source is opened without waiting (a pipe would be waited for without end), so the
//! waiting is done here, where it can be cancelled.

use std::time::Duration;

use surecopy_fs::FileSystem;

use super::member::{Setback, Work};
use super::take::Worker;
use crate::report::Step;

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
        if !matches!(setback, Setback::Held(_)) || self.waited >= LONGEST {
            return None;
        }
        // Each as long as all before it.
        let pause = self.waited.clamp(FIRST_PAUSE, LONGEST_PAUSE);
        self.waited += pause;
        Some(pause)
    }
}

impl<F: FileSystem> Worker<'_, '_, F> {
    /// Lets time pass, unless the run is ending. While it is paused, none passes.
    pub(super) fn wait_for(&self, work: &Work, mut left: Duration) {
        let outside = self.context.outside;
        self.progress.begin(work.report.source.clone(), work.report.size_bytes, None);
        self.progress.step(Step::Waiting);
        while !left.is_zero()
            && outside.control.checkpoint().is_ok()
            && self.context.stopped().is_none()
        {
            let step = left.min(LOOK);
            outside.clock.wait(step);
            left -= step;
        }
    }
}
