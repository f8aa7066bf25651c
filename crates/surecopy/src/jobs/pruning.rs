//! Forgetting jobs that finished long ago.

use std::sync::Arc;

use surecopy_ledger::Ledger;

const MILLIS_A_DAY: i64 = 24 * 60 * 60 * 1000;

/// Which jobs are forgotten.
pub(crate) struct Pruning {
    ledger: Arc<Ledger>,
    keep_days: u64,
}

impl Pruning {
    /// Those of which nothing was heard for so many days.
    pub(crate) fn new(ledger: Arc<Ledger>, keep_days: u64) -> Self {
        Self { ledger, keep_days }
    }

    /// Forgets them. Nothing depends on it: what cannot be forgotten now is so another time, and a
    /// ledger that is broken shows that where it matters.
    pub(crate) fn prune(&self) {
        let days = i64::try_from(self.keep_days).unwrap_or(i64::MAX);
        let now = surecopy_fs::wall_clock();
        let now_ms = now.secs.saturating_mul(1000);
        let before_ms = now_ms.saturating_sub(days.saturating_mul(MILLIS_A_DAY));
        self.ledger.prune(before_ms).ok();
    }
}
