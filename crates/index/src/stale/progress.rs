//! How far a validation is, for whoever wants to look.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use surecopy_engine::Progress;

/// Counters of a validation, which may be read at any time.
#[derive(Debug, Default)]
pub struct ValidationProgress {
    expected: AtomicU64,
    fresh: AtomicU64,
    stale: AtomicU64,
    gone: AtomicU64,
    run: Option<Arc<Progress>>,
}

impl ValidationProgress {
    /// Counters that are shown among those of a run, too.
    pub fn shown_in(run: Arc<Progress>) -> Self {
        Self { run: Some(run), ..Self::default() }
    }

    /// Directories that are known, as far as the totals tell.
    pub fn expected(&self) -> u64 {
        self.expected.load(Ordering::Relaxed)
    }

    /// Directories of which it is known what became of them.
    pub fn checked(&self) -> u64 {
        self.fresh() + self.stale() + self.gone()
    }

    /// Directories that are as they were.
    pub fn fresh(&self) -> u64 {
        self.fresh.load(Ordering::Relaxed)
    }

    /// Directories that are to be listed again, or for the first time.
    pub fn stale(&self) -> u64 {
        self.stale.load(Ordering::Relaxed)
    }

    /// Directories that are not there any more.
    pub fn gone(&self) -> u64 {
        self.gone.load(Ordering::Relaxed)
    }

    pub(super) fn expect(&self, directories: u64) {
        self.expected.fetch_add(directories, Ordering::Relaxed);
        if let Some(run) = &self.run {
            run.find_directories(directories);
        }
    }

    pub(super) fn add(&self, fresh: u64, stale: u64, gone: u64) {
        self.fresh.fetch_add(fresh, Ordering::Relaxed);
        self.stale.fetch_add(stale, Ordering::Relaxed);
        self.gone.fetch_add(gone, Ordering::Relaxed);
        if let Some(run) = &self.run {
            run.pass_directories(fresh + stale + gone);
        }
    }
}
