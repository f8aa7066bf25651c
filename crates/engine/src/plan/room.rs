//! The room that a job needs, by what is there and not by what is remembered: for a job that would be
//! refused for want of it.

use surecopy_fs::FileSystem;

use super::collector::Collector;
use super::item::{ItemId, PlannedItem};
use super::prepare::{Unprepared, scan_all};
use super::state::PlanState;
use crate::environment::Environment;
use crate::preflight::SpaceNeeds;
use crate::record::{JournalError, Queue, Rest, WorkList};
use crate::report::{NoObserver, Progress};
use crate::spec::CopySpec;
use crate::volumes::Volumes;

/// A plan of which only the sums are wanted.
struct Nowhere;

impl WorkList for Nowhere {
    fn append(&self, _: Queue, _: Vec<PlannedItem>) -> Result<(), JournalError> {
        Ok(())
    }

    fn claim(&self, _: Queue, _: usize) -> Result<Vec<PlannedItem>, JournalError> {
        Ok(Vec::new())
    }

    fn rest(&self) -> Rest {
        Rest::default()
    }
}

/// Plans the job once more, without what is remembered and without telling anybody. Nobody is asked
/// again about targets that exist, so those are left out of it.
pub(super) fn needs_without_memory<F: FileSystem>(
    spec: &CopySpec,
    outside: &Environment<'_, F>,
    volumes: &Volumes,
) -> Result<SpaceNeeds, Unprepared> {
    let progress = Progress::new();
    let quiet = Environment {
        fs: std::sync::Arc::clone(&outside.fs),
        clock: outside.clock,
        journal: outside.journal,
        work: &Nowhere,
        history: outside.history,
        catalog: None,
        observer: &NoObserver,
        control: outside.control,
        progress: &progress,
        resolver: None,
        available_memory_bytes: outside.available_memory_bytes,
    };
    let mut state = PlanState::new(spec, ItemId(0));
    let mut sink = Collector::new(spec, &quiet);
    scan_all(spec, &quiet, volumes, &mut state, &mut sink)?;
    sink.failed.map_or(Ok(state.needs), |error| Err(Unprepared::Journal(error)))
}
