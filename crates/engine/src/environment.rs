//! What the engine uses of the outside world.

use std::sync::Arc;

use surecopy_fs::FileSystem;

use crate::clock::Clock;
use crate::control::Control;
use crate::plan::Catalog;
use crate::policy::ConflictResolver;
use crate::record::{History, Journal, WorkList};
use crate::report::{Observer, Progress};

/// Everything a run may touch, handed in from above.
pub struct Environment<'a, F: FileSystem> {
    /// The file system.
    pub fs: Arc<F>,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Where facts are recorded.
    pub journal: &'a dyn Journal,
    /// Where planned items wait.
    pub work: &'a dyn WorkList,
    /// What earlier runs of the same job have left; `None` for its first run.
    pub history: Option<&'a dyn History>,
    /// What is remembered of the sources; `None` where nothing is.
    pub catalog: Option<&'a dyn Catalog>,
    /// Who watches.
    pub observer: &'a dyn Observer,
    /// Pause and cancel.
    pub control: &'a Control,
    /// Counters for whoever polls.
    pub progress: &'a Progress,
    /// Who answers when the conflict policy is to ask.
    pub resolver: Option<&'a dyn ConflictResolver>,
    /// Memory the machine has to spare, in bytes, where known.
    pub available_memory_bytes: Option<u64>,
}
