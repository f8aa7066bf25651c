//! How much is done at once.

use crate::spec::CopySpec;

/// How many threads list, and how much they hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Threads that list directories for the walk, once it asks for help.
    pub(super) listers: usize,
    /// How much the walk lists by itself before it asks: a small source is listed sooner than a
    /// thread is started.
    pub(super) alone_entries: usize,
    /// How many entries of a directory are looked at in one go. One that has more is listed in parts.
    pub(super) part_entries: usize,
    /// How many entries are held that the walk has not handed on, give or take a part for each thread.
    /// An entry takes some 300 bytes.
    pub(super) ahead_entries: usize,
}

/// More threads than this wait for each other, for the walk or for the device.
const MAX_THREADS: usize = 8;

/// Of the open files that a process may have, one in so many for each thread, which has two directories
/// open at most.
const OPEN_FILES_A_THREAD: u64 = 8;

impl Bounds {
    /// As many threads as copy, the walk among them, but two at least: to list is to wait.
    pub(crate) fn of(spec: &CopySpec) -> Self {
        Self::within(spec.workers, spec.open_files)
    }

    /// The same for so many workers, of a process that may hold so many files open.
    pub(crate) fn within(workers: usize, open_files: u64) -> Self {
        let by_files = open_files / OPEN_FILES_A_THREAD;
        let by_files = usize::try_from(by_files).unwrap_or(MAX_THREADS);
        let threads = workers.clamp(2, MAX_THREADS).min(by_files);
        Self {
            listers: threads.saturating_sub(1),
            alone_entries: 1024,
            part_entries: 1024,
            ahead_entries: 16 * 1024,
        }
    }
}
