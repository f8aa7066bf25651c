//! The order in which what is in flight is dealt with.

use std::collections::{BTreeMap, HashMap};

use surecopy_fs::{FileSystem, RelPath};

use crate::control::Cancelled;
use crate::environment::Environment;
use crate::plan::{ItemId, Unprepared, phase};
use crate::record::{Done, Fact, History, InFlight};
use crate::report::{Event, Phase, Warning, WarningKind};
use crate::spec::CopySpec;

use super::doubtful::Doubtful;
use super::publication::Found;
use super::sight::Sight;

/// Where recovery leads: to what the job is to come to, or back to what was there before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Toward {
    /// What is published stays so, and what it replaced goes, unless it is to be kept.
    Copied,
    /// What is published is recorded, and what it replaced stays to be put back.
    Former,
}

/// What is done in the way of recovery.
pub(super) struct Recovery<'a, F: FileSystem> {
    pub(super) spec: &'a CopySpec,
    pub(super) outside: &'a Environment<'a, F>,
    pub(super) toward: Toward,
    pub(super) sight: Sight<'a, F>,
    /// Directories in which something was or may have been removed, and of which items.
    pub(super) settled_in: BTreeMap<(usize, RelPath), Vec<ItemId>>,
    /// Publications of which nothing is left.
    pub(super) settled: Vec<ItemId>,
    /// Items that are published, without their end being recorded.
    pub(super) finished: Vec<Found>,
    /// Items that have failed, and may be published all the same.
    pub(super) doubtful: Vec<Doubtful>,
    pub(super) recovered: Recovered,
}

/// What putting in order came to.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    /// Warnings given.
    pub(crate) warnings: u64,
    /// What could not be put in order, so that the next run has to look again.
    pub(crate) left_behind: u64,
    /// Something was removed or put back, which directories show in their times.
    pub(crate) has_changed: bool,
    /// Replaced files that were put back for an undo, and new ones that were removed.
    pub(crate) put_back: u64,
    pub(crate) removed: u64,
    /// What was published and is not known to be what was written: mappings, and paths beneath their
    /// destination roots, with what it is known by.
    pub(crate) unproved: HashMap<(usize, RelPath), Done>,
}

/// Finishes or undoes what is in flight. When it is cancelled, what is left is as much in flight as before.
pub(crate) fn recover<F: FileSystem>(
    spec: &CopySpec,
    outside: &Environment<'_, F>,
    history: &dyn History,
    toward: Toward,
) -> Result<Recovered, Unprepared> {
    let in_flight = history.in_flight();
    if in_flight.publications.is_empty() && in_flight.directories.is_empty() {
        return Ok(Recovered::default());
    }
    let Some(sight) = Sight::open(spec, outside.fs.as_ref(), history.roots()) else {
        return Ok(Recovered::default());
    };
    phase(outside, Phase::Recover, || {
        let mut recovery = Recovery {
            spec,
            outside,
            toward,
            sight,
            settled_in: BTreeMap::new(),
            settled: Vec::new(),
            finished: Vec::new(),
            doubtful: Vec::new(),
            recovered: Recovered::default(),
        };
        recovery.put_in_order(in_flight)?;
        Ok(recovery.recovered)
    })
}

impl<F: FileSystem> Recovery<'_, F> {
    fn put_in_order(&mut self, in_flight: &InFlight) -> Result<(), Unprepared> {
        for unsettled in &in_flight.publications {
            self.outside.control.checkpoint()?;
            self.look_at(unsettled);
        }
        self.dispel_doubts()?;
        self.finish()?;
        for (mapping, path) in &in_flight.directories {
            self.outside.control.checkpoint()?;
            self.remove_leftovers(*mapping, path, &in_flight.nonces);
        }
        self.flush_removals()?;
        let items = self.wholly_settled(in_flight);
        Ok(self.outside.journal.record(vec![Fact::Settled { items }])?)
    }

    /// What was removed, be it by the run that died, must not be back after a power cut when nobody
    /// knows of it any more.
    fn flush_removals(&mut self) -> Result<(), Cancelled> {
        for ((mapping, path), items) in std::mem::take(&mut self.settled_in) {
            self.outside.control.checkpoint()?;
            if let Err(error) = self.sight.flush(mapping, &path) {
                tracing::debug!(%error, directory = ?path, "a removal is not durable");
                self.settled.retain(|item| !items.contains(item));
                self.recovered.left_behind += 1;
            }
        }
        Ok(())
    }

    /// An item that was begun again may have been published twice, and is settled when both are.
    fn wholly_settled(&mut self, in_flight: &InFlight) -> Vec<ItemId> {
        let mut open: BTreeMap<ItemId, usize> = BTreeMap::new();
        for unsettled in &in_flight.publications {
            *open.entry(unsettled.publication.item).or_default() += 1;
        }
        for item in self.settled.drain(..) {
            open.entry(item).and_modify(|publications| *publications -= 1);
        }
        open.into_iter().filter(|(_, left)| *left == 0).map(|(item, _)| item).collect()
    }

    /// Says that something could not be put in order.
    pub(super) fn warn_left_behind(&mut self, path: std::path::PathBuf, message: String) {
        self.recovered.left_behind += 1;
        self.warn(WarningKind::LeftBehind, path, message);
    }

    pub(super) fn warn(&mut self, kind: WarningKind, path: std::path::PathBuf, message: String) {
        self.recovered.warnings += 1;
        self.outside.observer.on_event(Event::Warned(Warning { kind, path, message }));
    }
}
