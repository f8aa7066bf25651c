//! Marks for directories that the index did not know. A scan that had listed one of them before it
//! changed may write it down only now, so these are kept for a while.

use std::collections::VecDeque;
use std::time::Duration;

use surecopy_fs::{RelPath, Timestamp};

/// Longer than a scan takes to write down what it has found.
const KEPT: Duration = Duration::from_secs(10);

/// What is beyond that is let go. It matters only to files that are rewritten in place, in a directory
/// that is listed for the first time just then.
const MOST: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Unmatched {
    batches: VecDeque<Batch>,
    count: usize,
}

#[derive(Debug)]
pub(super) struct Batch {
    pub(super) paths: Vec<RelPath>,
    pub(super) at: Timestamp,
    until: Duration,
}

impl Unmatched {
    pub(super) fn keep(&mut self, mut paths: Vec<RelPath>, at: Timestamp, now: Duration) {
        paths.truncate(MOST - self.count);
        self.count += paths.len();
        if !paths.is_empty() {
            self.batches.push_back(Batch { paths, at, until: now + KEPT });
        }
    }

    /// Those that are still to be tried, the oldest first.
    pub(super) fn still_kept(&mut self, now: Duration) -> impl Iterator<Item = &Batch> {
        while let Some(batch) = self.batches.front().filter(|batch| batch.until < now) {
            self.count -= batch.paths.len();
            self.batches.pop_front();
        }
        self.batches.iter()
    }
}
