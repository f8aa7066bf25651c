//! Items that are undone together: their directories are flushed once, and what was undone is
//! recorded once.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use surecopy_fs::{FileSystem, FsError, RelPath};

use super::act::{Acted, Names, Setback, failed, refusal};
use super::report::{KEPT_ERRORS, UndoReport};
use super::standing::{Standing, Step, decide};
use crate::destinations::{Destinations, Target};
use crate::directories::flush_names_in;
use crate::environment::Environment;
use crate::error::{ErrorCode, ItemError};
use crate::opened::Opened;
use crate::plan::ItemId;
use crate::record::{BATCH, DoneItem, Fact, JournalError};
use crate::report::{Event, Undone, Warning, WarningKind};

/// A directory: its mapping, and its path beneath the destination root.
type Reached = (usize, RelPath);

/// What is under way.
pub(super) struct Undoing<'a, F: FileSystem> {
    pub(super) outside: &'a Environment<'a, F>,
    pub(super) destinations: Destinations<'a, F>,
    pub(super) report: UndoReport,
    /// How many directories may be open at once.
    pub(super) most_places: usize,
    /// Directories that could not be flushed. They are not asked again, so nothing more is done there.
    pub(super) lost: HashSet<Reached>,
    pub(super) places: Vec<(Reached, Opened<F>)>,
    pub(super) taken: Vec<Taken>,
    /// Where those stand.
    pub(super) targets: HashSet<Target>,
}

/// An item whose names are as they were before the job.
pub(super) struct Taken {
    item: DoneItem,
    target: Target,
    /// Which of the open directories it stands in; `None` when that is gone.
    place: Option<usize>,
    acted: Acted,
}

impl<F: FileSystem> Undoing<'_, F> {
    /// Undoes an item, as far as its names go. Ends the round before it if that has become too large.
    pub(super) fn take(&mut self, item: DoneItem) -> Result<(), JournalError> {
        let target = match self.destinations.target(&item) {
            Ok(target) => target,
            Err(error) => {
                self.set_back(Setback::Failed(error));
                return Ok(());
            }
        };
        let reached = (target.mapping, target.parent.clone());
        let is_open = self.places.iter().any(|(open, _)| *open == reached);
        // An earlier copy of the same entry shows once this one is undone, for good.
        let is_deeper = self.targets.contains(&target);
        let is_full =
            self.taken.len() >= BATCH || (!is_open && self.places.len() >= self.most_places);
        if is_deeper || is_full {
            self.end_round()?;
        }
        if self.lost.contains(&reached) {
            self.set_back(Setback::Failed(not_flushed(&target, None)));
            return Ok(());
        }
        match self.act(&item, &target, reached) {
            Ok((place, acted)) => {
                self.targets.insert(target.clone());
                self.taken.push(Taken { item, target, place, acted });
            }
            Err(setback) => self.set_back(setback),
        }
        Ok(())
    }

    fn act(
        &mut self,
        item: &DoneItem,
        target: &Target,
        reached: Reached,
    ) -> Result<(Option<usize>, Acted), Setback> {
        let known = self.places.iter().rposition(|(open, _)| *open == reached);
        let Some(place) = known.map_or_else(|| self.open(reached, target), |at| Ok(Some(at)))?
        else {
            let kept = item.kept.as_ref().map(|_| Standing::Missing);
            return match decide(item, Standing::Missing, kept) {
                Step::Refuse(why) => Err(Setback::Refused(refusal(target, why))),
                _ => Ok((None, Acted { how: Undone::Already, is_left: false })),
            };
        };
        let fs = self.destinations.fs;
        let acted = Names { fs, place: &self.places[place].1, item, target }.undo()?;
        Ok((Some(place), acted))
    }

    fn open(&mut self, reached: Reached, target: &Target) -> Result<Option<usize>, Setback> {
        let opened = self.destinations.directory(reached.0, &reached.1);
        let opened = opened.map_err(|error| failed(target, &error))?;
        Ok(opened.map(|place| {
            self.places.push((reached, place));
            self.places.len() - 1
        }))
    }

    /// Makes durable what was done, records it, and removes what was exchanged out.
    pub(super) fn end_round(&mut self) -> Result<(), JournalError> {
        let places = std::mem::take(&mut self.places);
        let taken = std::mem::take(&mut self.taken);
        self.targets.clear();
        let durable = self.flush(&places, taken);
        if durable.is_empty() {
            return Ok(());
        }
        let facts = durable.iter().map(|taken| Fact::Undone { item: taken.item.item }).collect();
        if let Err(error) = self.outside.journal.record(facts) {
            for taken in durable {
                let path = taken.target.shown;
                let message = format!("it is undone, and that is not recorded: {error}");
                let error = ItemError::new(ErrorCode::JournalFailed, path, message);
                self.set_back(Setback::Failed(error));
            }
            return Err(error);
        }
        let settled = self.remove_exchanged(&places, &durable);
        for taken in durable {
            self.undone(taken);
        }
        if settled.is_empty() {
            return Ok(());
        }
        self.outside.journal.note(vec![Fact::Settled { items: settled }])
    }

    /// Flushes every directory in which something was done. Items of those that cannot be have failed.
    fn flush(&mut self, places: &[(Reached, Opened<F>)], taken: Vec<Taken>) -> Vec<Taken> {
        let used: HashSet<usize> = taken.iter().filter_map(|taken| taken.place).collect();
        let mut failures: Vec<Option<FsError>> = Vec::with_capacity(places.len());
        for (index, (reached, place)) in places.iter().enumerate() {
            let flushed = match used.contains(&index) {
                true => flush_names_in(self.destinations.fs, &place.dir),
                false => Ok(()),
            };
            if flushed.is_err() {
                self.lost.insert(reached.clone());
            }
            failures.push(flushed.err());
        }
        let mut durable = Vec::with_capacity(taken.len());
        for taken in taken {
            match taken.place.and_then(|place| failures[place].as_ref()) {
                None => durable.push(taken),
                Some(error) => {
                    let error = not_flushed(&taken.target, Some(error));
                    self.set_back(Setback::Failed(error));
                }
            }
        }
        durable
    }

    /// Removes the copies that were exchanged out. Returns the items of which something was kept and
    /// nothing is left under another name, for good.
    fn remove_exchanged(
        &mut self,
        places: &[(Reached, Opened<F>)],
        durable: &[Taken],
    ) -> Vec<ItemId> {
        let fs = self.destinations.fs;
        let mut touched: HashSet<usize> = HashSet::new();
        let mut settled: Vec<(Option<usize>, ItemId)> = Vec::new();
        for taken in durable.iter().filter(|taken| taken.item.kept.is_some()) {
            let Some(index) = taken.place.filter(|_| taken.acted.is_left) else {
                settled.push((None, taken.item.item));
                continue;
            };
            let (item, target) = (&taken.item, &taken.target);
            let names = Names { fs, place: &places[index].1, item, target };
            match names.remove_exchanged() {
                Ok(()) => {
                    touched.insert(index);
                    settled.push((Some(index), item.item));
                }
                Err(error) => {
                    let kept = item.kept.as_deref().unwrap_or(&target.name);
                    let path = target.shown.with_file_name(kept);
                    self.left_behind(path, format!("could not be removed: {error}"));
                }
            }
        }
        for index in touched {
            if let Err(error) = flush_names_in(fs, &places[index].1.dir) {
                // A power cut may bring copies back that are of no more use, and nothing else.
                let (mapping, path) = &places[index].0;
                let path = self.destinations.show(*mapping, path);
                self.left_behind(path, format!("removed copies may come back: {error}"));
                self.lost.insert(places[index].0.clone());
                settled.retain(|(place, _)| *place != Some(index));
            }
        }
        settled.into_iter().map(|(_, item)| item).collect()
    }

    fn left_behind(&mut self, path: std::path::PathBuf, message: String) {
        self.warn(WarningKind::LeftBehind, path, message);
    }

    pub(super) fn warn(&mut self, kind: WarningKind, path: std::path::PathBuf, message: String) {
        self.report.warnings += 1;
        self.outside.observer.on_event(Event::Warned(Warning { kind, path, message }));
    }

    fn undone(&mut self, taken: Taken) {
        let how = taken.acted.how;
        match how {
            Undone::Restored => self.report.restored += 1,
            Undone::Removed => self.report.removed += 1,
            Undone::Already => self.report.already += 1,
        }
        self.outside.progress.items_done.fetch_add(1, Ordering::Relaxed);
        self.outside.observer.on_event(Event::ItemUndone { target: taken.target.shown, how });
    }

    fn set_back(&mut self, setback: Setback) {
        let error = match setback {
            Setback::Refused(error) => {
                self.report.refused += 1;
                error
            }
            Setback::Failed(error) => {
                self.report.failed += 1;
                error
            }
        };
        if self.report.errors.len() < KEPT_ERRORS {
            self.report.errors.push(error.clone());
        }
        let progress = self.outside.progress;
        progress.items_done.fetch_add(1, Ordering::Relaxed);
        progress.items_failed.fetch_add(1, Ordering::Relaxed);
        self.outside.observer.on_event(Event::ItemRefused(error));
    }
}

fn not_flushed(target: &Target, error: Option<&FsError>) -> ItemError {
    let message = match error {
        Some(error) => format!("it is undone, and a power cut may take that back: {error}"),
        None => "its directory could not be flushed before: nothing was done".to_owned(),
    };
    let mut reason = ItemError::new(ErrorCode::DurabilityUnknown, target.shown.clone(), message);
    reason.os_error = error.and_then(FsError::os_error);
    reason
}
