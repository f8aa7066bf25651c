//! The order in which what is in flight is dealt with.

use surecopy_fs::FileSystem;

use crate::environment::Environment;
use crate::plan::{ItemId, phase};
use crate::record::{Fact, History, InFlight, JournalError};
use crate::report::{Event, Phase, Warning, WarningKind};
use crate::spec::CopySpec;

use super::publication::Finished;
use super::sight::Sight;

/// What is done in the way of recovery.
pub(super) struct Recovery<'a, F: FileSystem> {
    pub(super) spec: &'a CopySpec,
    pub(super) outside: &'a Environment<'a, F>,
    pub(super) sight: Sight<'a, F>,
    /// Publications of which nothing is left.
    pub(super) settled: Vec<ItemId>,
    /// Items that are published, without their end being recorded.
    pub(super) finished: Vec<Finished>,
    warnings: u64,
}

/// Finishes or undoes what is in flight. Returns how many warnings were given.
pub(crate) fn recover<F: FileSystem>(
    spec: &CopySpec,
    outside: &Environment<'_, F>,
    history: &dyn History,
) -> Result<u64, JournalError> {
    let in_flight = history.in_flight();
    if in_flight.publications.is_empty() && in_flight.directories.is_empty() {
        return Ok(0);
    }
    phase(outside, Phase::Recover, || {
        let mut recovery = Recovery {
            spec,
            outside,
            sight: Sight::open(spec, outside.fs.as_ref(), history.roots()),
            settled: Vec::new(),
            finished: Vec::new(),
            warnings: 0,
        };
        recovery.put_in_order(in_flight)?;
        Ok(recovery.warnings)
    })
}

impl<F: FileSystem> Recovery<'_, F> {
    fn put_in_order(&mut self, in_flight: &InFlight) -> Result<(), JournalError> {
        for unsettled in &in_flight.publications {
            self.look_at(unsettled);
        }
        self.finish()?;
        for (mapping, path) in &in_flight.directories {
            self.remove_leftovers(*mapping, path, &in_flight.nonces);
        }
        let items = std::mem::take(&mut self.settled);
        self.outside.journal.record(vec![Fact::Settled { items }])
    }

    pub(super) fn warn(&mut self, kind: WarningKind, path: std::path::PathBuf, message: String) {
        self.warnings += 1;
        self.outside.observer.on_event(Event::Warned(Warning { kind, path, message }));
    }
}
