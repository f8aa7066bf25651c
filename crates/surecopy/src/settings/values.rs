//! The values themselves, typed. What they may be is the table's business.

use surecopy_engine::{
    ConflictPolicy, DigestAlgorithm, Limits, Preserve, ReadBack, ReflinkMode, StrategyChoice,
    VerifyPolicy,
};

/// A value for every setting of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Values {
    pub(crate) limits: Limits,
    pub(crate) verify_policy: VerifyPolicy,
    pub(crate) read_back: ReadBack,
    pub(crate) digest: DigestAlgorithm,
    pub(crate) strategy: StrategyChoice,
    pub(crate) reflink: ReflinkMode,
    pub(crate) on_conflict: ConflictPolicy,
    pub(crate) preserve: Preserve,
    pub(crate) retries: u64,
    /// 0 stands for "by the number of cores".
    pub(crate) jobs: u64,
    pub(crate) buffer_reuse: bool,
    pub(crate) sparse_file_warning: bool,
    pub(crate) progress_updates_per_second: u64,
    pub(crate) ledger_keep_days: u64,
    /// The profile in force, by name.
    pub(crate) profile: &'static str,
}

impl Default for Values {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            verify_policy: VerifyPolicy::default(),
            read_back: ReadBack::default(),
            digest: DigestAlgorithm::default(),
            strategy: StrategyChoice::default(),
            reflink: ReflinkMode::default(),
            on_conflict: ConflictPolicy::default(),
            preserve: Preserve::default(),
            retries: 2,
            jobs: 0,
            buffer_reuse: true,
            sparse_file_warning: true,
            progress_updates_per_second: 20,
            ledger_keep_days: 90,
            profile: super::profile::NO_PROFILE,
        }
    }
}
