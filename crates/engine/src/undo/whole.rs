//! Undoing a whole job, from its newest item to the directories that it made.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use surecopy_fs::{FileSystem, RelPath};

use super::report::UndoReport;
use super::round::Undoing;
use crate::destinations::Destinations;
use crate::environment::Environment;
use crate::record::DoneItems;
use crate::recover::{Toward, recover};
use crate::report::Outcome;
use crate::spec::CopySpec;

/// Directories that are open at once, however many files the process may open.
const OPEN_PLACES: u64 = 64;

/// Puts back what a job replaced, removes what was new, and then the directories that it `made`, as
/// far as they are empty.
///
/// What a run of the job was publishing when it died is finished or undone first, so that it is among
/// the `items`, which are asked for only then, or is as it was before.
///
/// Items come newest first; an item belongs among them until it is recorded both as undone and, if
/// something is kept of it, as settled after that. `made` are mappings, and paths beneath their
/// destination roots. Sources are not needed. Directories that were there before the job get no times
/// back: what is restored or removed in them changes them as any change does.
///
/// Failures of items are values in the report. A cancel ends it with what is done recorded.
pub fn undo<F: FileSystem>(
    spec: &CopySpec,
    outside: &Environment<'_, F>,
    items: &mut dyn DoneItems,
    made: &[(usize, RelPath)],
) -> UndoReport {
    let begun = outside.clock.now();
    let mut report = match Destinations::open(spec, outside) {
        Err(problems) => {
            UndoReport { outcome: Outcome::Refused, problems, ..UndoReport::default() }
        }
        Ok(destinations) => {
            let most_places = (spec.open_files / 4).clamp(1, OPEN_PLACES);
            let mut undoing = Undoing {
                outside,
                destinations,
                report: UndoReport::default(),
                most_places: usize::try_from(most_places).unwrap_or(1),
                lost: HashSet::new(),
                places: Vec::new(),
                taken: Vec::new(),
                targets: HashSet::new(),
            };
            undoing.report.outcome = undoing.put_in_order(spec);
            if undoing.report.outcome == Outcome::Finished {
                undoing.report.outcome = undoing.all(items);
            }
            if undoing.report.outcome == Outcome::Finished {
                undoing.report.outcome = undoing.remove_made(made);
            }
            undoing.report
        }
    };
    report.duration = outside.clock.now().saturating_sub(begun);
    report
}

impl<F: FileSystem> Undoing<'_, F> {
    /// What was about to be published may be visible without its end being recorded, and then it is
    /// not among the items yet.
    fn put_in_order(&mut self, spec: &CopySpec) -> Outcome {
        let Some(history) = self.outside.history else { return Outcome::Finished };
        match recover(spec, self.outside, history, Toward::Former) {
            Ok(recovered) => {
                self.report.warnings += recovered.warnings;
                self.report.restored += recovered.put_back;
                self.report.removed += recovered.removed;
                // What of the job is still there is told.
                self.report.refused += recovered.left_behind;
                Outcome::Finished
            }
            Err(unprepared) => unprepared.outcome(),
        }
    }

    fn all(&mut self, items: &mut dyn DoneItems) -> Outcome {
        let ended = self.items(items);
        // What was done is recorded, whatever has ended it.
        let recorded = match &ended {
            Ok(Outcome::JournalFailed(_)) | Err(_) => Ok(()),
            Ok(_) => self.end_round(),
        };
        match recorded.and(ended) {
            Ok(outcome) => outcome,
            Err(error) => Outcome::JournalFailed(error.message),
        }
    }

    fn items(&mut self, items: &mut dyn DoneItems) -> Result<Outcome, crate::record::JournalError> {
        loop {
            let batch = match items.next_batch() {
                Ok(batch) => batch,
                Err(error) => {
                    // It may still take what it cannot give.
                    self.end_round()?;
                    return Err(error);
                }
            };
            if batch.is_empty() {
                return Ok(Outcome::Finished);
            }
            self.outside.progress.items_total.fetch_add(batch.len() as u64, Ordering::Relaxed);
            for item in batch {
                if self.outside.control.checkpoint().is_err() {
                    return Ok(Outcome::Cancelled);
                }
                self.take(item)?;
            }
        }
    }
}
