//! Giving up what a job had kept: from then on it cannot be undone.

use std::sync::atomic::Ordering;

use surecopy_fs::{FileSystem, FsErrorKind, RelPath};

use super::report::{DiscardReport, KEPT_ERRORS};
use super::standing::Standing;
use crate::destinations::{Destinations, Target};
use crate::directories::flush_names_in;
use crate::environment::Environment;
use crate::error::{ErrorCode, ItemError, Side};
use crate::opened::Opened;
use crate::plan::ItemId;
use crate::record::{DoneItem, DoneItems, Fact, JournalError};
use crate::report::{Event, Outcome};
use crate::spec::CopySpec;

/// Removes the files that a job replaced and kept, where they still are what was replaced.
///
/// Names are removed, their directories flushed, and then it is recorded; an item belongs among
/// `items` until that is so. Items of which nothing was kept are passed over.
pub fn discard<F: FileSystem>(
    spec: &CopySpec,
    outside: &Environment<'_, F>,
    items: &mut dyn DoneItems,
) -> DiscardReport {
    let begun = outside.clock.now();
    let mut report = match Destinations::open(spec, outside) {
        Err(problems) => {
            DiscardReport { outcome: Outcome::Refused, problems, ..DiscardReport::default() }
        }
        Ok(destinations) => {
            let report = DiscardReport::default();
            let mut discarding =
                Discarding { outside, destinations, report, here: None, taken: Vec::new() };
            discarding.report.outcome = discarding.all(items);
            discarding.report
        }
    };
    report.duration = outside.clock.now().saturating_sub(begun);
    report
}

/// A directory: its mapping and its path beneath the destination root, and what is there.
struct Here<F: FileSystem> {
    reached: (usize, RelPath),
    place: Option<Opened<F>>,
}

struct Discarding<'a, F: FileSystem> {
    outside: &'a Environment<'a, F>,
    destinations: Destinations<'a, F>,
    report: DiscardReport,
    /// The directory that is being worked in.
    here: Option<Here<F>>,
    /// Items of it of which nothing is kept any more, and whether that is since now.
    taken: Vec<(ItemId, Target, bool)>,
}

impl<F: FileSystem> Discarding<'_, F> {
    fn all(&mut self, items: &mut dyn DoneItems) -> Outcome {
        let ended = self.items(items);
        let recorded = self.leave_directory();
        match ended.and_then(|outcome| recorded.map(|()| outcome)) {
            Ok(outcome) => outcome,
            Err(error) => Outcome::JournalFailed(error.message),
        }
    }

    fn items(&mut self, items: &mut dyn DoneItems) -> Result<Outcome, JournalError> {
        loop {
            let batch = items.next_batch()?;
            if batch.is_empty() {
                return Ok(Outcome::Finished);
            }
            self.outside.progress.items_total.fetch_add(batch.len() as u64, Ordering::Relaxed);
            for item in batch {
                if self.outside.control.checkpoint().is_err() {
                    return Ok(Outcome::Cancelled);
                }
                self.take(&item)?;
            }
            // What is kept in memory is bounded, and what is recorded is never far behind.
            self.leave_directory()?;
        }
    }

    fn take(&mut self, item: &DoneItem) -> Result<(), JournalError> {
        let target = match self.destinations.target(item) {
            Ok(target) => target,
            Err(error) => {
                self.failed(error);
                return Ok(());
            }
        };
        if item.kept.is_none() {
            self.outside.progress.items_done.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        let reached = (target.mapping, target.parent.clone());
        if self.here.as_ref().is_none_or(|here| here.reached != reached) {
            self.leave_directory()?;
            match self.destinations.directory(target.mapping, &target.parent) {
                Ok(place) => self.here = Some(Here { reached, place }),
                Err(error) => {
                    let error = ItemError::from_fs(&error, Side::Destination, target.shown);
                    self.failed(error);
                    return Ok(());
                }
            }
        }
        match self.remove(item, &target) {
            Ok(is_now) => self.taken.push((item.item, target, is_now)),
            Err(None) => self.refused(item, &target),
            Err(Some(error)) => self.failed(error),
        }
        Ok(())
    }

    /// Says whether the kept file is gone since now; an error without a reason means that what has its
    /// name is something else.
    fn remove(&self, item: &DoneItem, target: &Target) -> Result<bool, Option<ItemError>> {
        let fs = self.destinations.fs;
        let Some(Here { place: Some(place), .. }) = &self.here else { return Ok(false) };
        let Some(name) = &item.kept else { return Ok(false) };
        let failed = |error| {
            let path = target.shown.with_file_name(name);
            Some(ItemError::from_fs(&error, Side::Destination, path))
        };
        let kept = place.at(fs, name).map_err(failed)?;
        match Standing::of(item, kept.as_ref(), &place.volume) {
            Standing::Missing => return Ok(false),
            // Neither of the two is worth more than the other where they cannot be told apart.
            Standing::Old | Standing::Unclear => {}
            Standing::New | Standing::Other => return Err(None),
        }
        // Under the target's name too, it is what the target shows.
        let shown = place.at(fs, &target.name).map_err(failed)?;
        if shown.is_some_and(|shown| kept.is_some_and(|kept| shown.id == kept.id)) {
            return Err(None);
        }
        match fs.remove_file(&place.dir, name) {
            Err(error) if error.kind != FsErrorKind::NotFound => Err(failed(error)),
            _ => Ok(true),
        }
    }

    /// Makes durable and records what was done in the directory that is being left.
    fn leave_directory(&mut self) -> Result<(), JournalError> {
        let taken = std::mem::take(&mut self.taken);
        let here = self.here.take();
        if taken.is_empty() {
            return Ok(());
        }
        if let Some(Here { place: Some(place), .. }) = here
            && let Err(error) = flush_names_in(self.destinations.fs, &place.dir)
        {
            for (_, target, _) in taken {
                let message = format!("what it replaced may come back after a power cut: {error}");
                let mut reason =
                    ItemError::new(ErrorCode::DurabilityUnknown, target.shown, message);
                reason.os_error = error.os_error();
                self.failed(reason);
            }
            return Ok(());
        }
        let facts = taken.iter().map(|(item, ..)| Fact::Discarded { item: *item }).collect();
        if let Err(error) = self.outside.journal.record(facts) {
            for (_, target, _) in taken {
                let message =
                    format!("what it replaced is gone, and that is not recorded: {error}");
                let reason = ItemError::new(ErrorCode::JournalFailed, target.shown, message);
                self.failed(reason);
            }
            return Err(error);
        }
        let now = taken.iter().filter(|(_, _, is_now)| *is_now).count() as u64;
        self.report.discarded += now;
        self.report.already += taken.len() as u64 - now;
        self.outside.progress.items_done.fetch_add(taken.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn refused(&mut self, item: &DoneItem, target: &Target) {
        self.report.refused += 1;
        let path = target.shown.with_file_name(item.kept.as_deref().unwrap_or(&target.name));
        let message = "it is not what was kept any more, or it is what the target shows";
        self.tell(ItemError::new(ErrorCode::TargetChanged, path, message));
    }

    fn failed(&mut self, error: ItemError) {
        self.report.failed += 1;
        self.tell(error);
    }

    fn tell(&mut self, error: ItemError) {
        if self.report.errors.len() < KEPT_ERRORS {
            self.report.errors.push(error.clone());
        }
        let progress = self.outside.progress;
        progress.items_done.fetch_add(1, Ordering::Relaxed);
        progress.items_failed.fetch_add(1, Ordering::Relaxed);
        self.outside.observer.on_event(Event::ItemRefused(error));
    }
}
