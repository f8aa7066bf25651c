//! Looking again at a whole job.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use surecopy_fs::FileSystem;

use super::report::RecheckReport;
use super::worker::{List, Shared};
use crate::context::Bounds;
use crate::destinations::Destinations;
use crate::environment::Environment;
use crate::record::DoneItems;
use crate::report::Outcome;
use crate::spec::CopySpec;

/// Looks again at every item that was copied, and says which of them are not what was copied.
///
/// Nothing is written at the destination, and sources are not looked at. What is found of each item is
/// noted in the journal. A cancel ends it within a chunk; the item being read is then not counted.
pub fn recheck<F: FileSystem>(
    spec: &CopySpec,
    outside: &Environment<'_, F>,
    items: &mut dyn DoneItems,
) -> RecheckReport {
    let begun = outside.clock.now();
    let mut report = match Destinations::open(spec, outside) {
        Err(problems) => {
            RecheckReport { outcome: Outcome::Refused, problems, ..RecheckReport::default() }
        }
        Ok(destinations) => look_at_all(spec, outside, destinations, items),
    };
    report.duration = outside.clock.now().saturating_sub(begun);
    report
}

fn look_at_all<F: FileSystem>(
    spec: &CopySpec,
    outside: &Environment<'_, F>,
    destinations: Destinations<'_, F>,
    items: &mut dyn DoneItems,
) -> RecheckReport {
    let bounds = Bounds::of(spec, outside.available_memory_bytes);
    let shared = Shared {
        spec,
        outside,
        destinations,
        buffer_bytes: bounds.scratch_bytes,
        list: Mutex::new(List { items, batch: VecDeque::new(), is_at_end: false }),
        report: Mutex::new(RecheckReport::default()),
        is_stopped: AtomicBool::new(false),
    };
    let workers = &shared;
    std::thread::scope(|scope| {
        for index in 1..bounds.workers {
            let work = move || workers.work(index);
            if let Err(error) = std::thread::Builder::new().spawn_scoped(scope, work) {
                tracing::debug!(%error, "{index} workers do it, as there are no more threads");
                break;
            }
        }
        // The first works on this thread: there is one, however few threads there are.
        workers.work(0);
    });
    shared.report.into_inner().expect("no code panics while holding this lock")
}
