//! Writing objects, one a line. Each line is handed over at once, so that a reader sees facts as
//! they happen.

use std::time::Instant;

use serde::Serialize;
use surecopy::jobs::{DiscardReport, RecheckReport, UndoReport};
use surecopy::preparation::{Advance, Prepared};
use surecopy::{Event, Phase, Report, Snapshot};

use super::again::{SetbackLine, UndoneLine};
use super::item::ItemLine;
use super::job::JobLine;
use super::look_back::{DiscardReportLine, UndoReportLine, VerifyReportLine};
use super::plan::PlanLine;
use super::preparation::{PreparationLine, PrepareReportLine, ValidatedLine};
use super::progress::{PhaseLine, ProblemLine, WarningLine};
use super::report::ReportLine;
use crate::exit::ExitStatus;
use crate::hint::Occasion;
use crate::stream::Stream;

/// Where objects are written.
pub(crate) struct JsonLines {
    stream: Stream,
    occasion: Occasion,
    began: Instant,
    advance: Advance,
    /// The phase that was told to have begun and not to have ended.
    phase: Option<Phase>,
}

impl JsonLines {
    /// Writes to a stream what comes of something that is done.
    pub(crate) fn new(stream: Stream, occasion: Occasion) -> Self {
        Self { stream, occasion, began: Instant::now(), advance: Advance::new(), phase: None }
    }

    /// The first object of a preparation.
    pub(crate) fn preparation(&self, preparation: &PreparationLine) {
        self.stream.write(&line(preparation));
    }

    /// How far a preparation is.
    pub(crate) fn tick(&mut self, snapshot: &Snapshot) {
        // Counters may be in a phase of which readers have not heard yet, or have heard that it is over.
        if let Some(phase) = self.phase.filter(|phase| snapshot.phase == Some(*phase)) {
            let how_far = self.advance.observe(self.began.elapsed(), snapshot);
            self.stream.write(&line(&PhaseLine::progress(phase, snapshot, how_far)));
        }
    }

    /// The first object.
    pub(crate) fn job(&self, job: &JobLine) {
        self.stream.write(&line(job));
    }

    /// One object for each fact.
    pub(crate) fn event(&mut self, event: &Event) {
        let share = match event {
            Event::PhaseStarted { phase } => {
                self.phase = Some(*phase);
                self.advance.begin(*phase)
            }
            Event::PhaseFinished { phase, .. } => {
                self.phase = None;
                self.advance.end(*phase)
            }
            _ => 0.0,
        };
        let line = event_line(event, self.occasion, share);
        if !line.is_empty() {
            self.stream.write(&line);
        }
    }

    /// The last object.
    pub(crate) fn report(&self, report: &Report, status: ExitStatus) {
        self.stream.write_last(&line(&ReportLine::new(report, status)));
    }

    /// The last object, after a job was read again.
    pub(crate) fn verify_report(
        &self,
        report: &RecheckReport,
        not_copied: Option<u64>,
        status: ExitStatus,
    ) {
        self.stream.write_last(&line(&VerifyReportLine::new(report, not_copied, status)));
    }

    /// The last object, after a preparation.
    pub(crate) fn prepare_report(&self, prepared: &Prepared, status: ExitStatus) {
        self.stream.write_last(&line(&PrepareReportLine::new(prepared, status)));
    }

    /// The last object, after a job was undone.
    pub(crate) fn undo_report(&self, report: &UndoReport, status: ExitStatus) {
        self.stream.write_last(&line(&UndoReportLine::new(report, status)));
    }

    /// The last object, after what a job keeps was given up.
    pub(crate) fn discard_report(&self, report: &DiscardReport, status: ExitStatus) {
        self.stream.write_last(&line(&DiscardReportLine::new(report, status)));
    }
}

/// `share` is how far the preparation is, for the phases of it.
fn event_line(event: &Event, occasion: Occasion, share: f64) -> Vec<u8> {
    match event {
        Event::PhaseStarted { phase } => line(&PhaseLine::started(*phase, share)),
        Event::PhaseFinished { phase, entries, bytes, duration } => {
            line(&PhaseLine::finished(*phase, (*entries, *bytes), *duration, share))
        }
        Event::Validated { fresh, stale, gone, confidence } => {
            line(&ValidatedLine::new((*fresh, *stale, *gone), confidence))
        }
        Event::ProblemFound(problem) => line(&ProblemLine::new(problem, occasion)),
        Event::Warned(warning) => line(&WarningLine::new(warning)),
        Event::ItemPlanned { source, target, item } => line(&PlanLine::new(source, target, item)),
        Event::ItemFinished(item) => line(&ItemLine::new(item)),
        Event::ItemUndone { target, how } => line(&UndoneLine::new(target, *how)),
        Event::ItemRefused(error) => line(&SetbackLine::refused(error, occasion)),
        // A report says how many these are, and those that are not are told one by one.
        Event::ItemSame { .. } => Vec::new(),
        Event::ItemDamaged(error) => line(&SetbackLine::damaged(error, occasion)),
    }
}

/// In memory first: a line is written whole or not at all.
pub(crate) fn line(object: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(object).expect("our objects have text for names");
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use surecopy::{ErrorCode, ItemError, ItemKind, ItemReport, ItemStatus, Phase};

    use super::*;

    fn lines(events: &[Event]) -> Vec<serde_json::Value> {
        let of_copy = |event| event_line(event, Occasion::Copying, 0.25);
        let text = String::from_utf8(events.iter().flat_map(of_copy).collect()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_newline_in_a_name_does_not_break_a_line() {
        let item = ItemReport::new(ItemKind::File, PathBuf::from("a\nb"), PathBuf::from("c\nd"), 3);
        let found = lines(&[Event::ItemFinished(Box::new(item))]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0]["source"], "a\nb");
        assert_eq!(found[0]["verified"], false);
    }

    #[test]
    fn an_error_comes_with_its_code_and_what_to_do() {
        let mut item = ItemReport::new(ItemKind::File, PathBuf::from("a"), PathBuf::from("b"), 3);
        let error = ItemError::new(ErrorCode::DestinationFull, PathBuf::from("b"), "write: full");
        item.status = ItemStatus::Error(error);
        let found = lines(&[Event::ItemFinished(Box::new(item))]);
        assert_eq!(found[0]["error"]["code"], "DESTINATION_FULL");
        assert_eq!(found[0]["error"]["class"], "needs_user");
        assert!(found[0]["error"]["suggestion"].as_str().unwrap().contains("make room"));
    }

    #[test]
    fn phases_begin_and_end() {
        let found = lines(&[
            Event::PhaseStarted { phase: Phase::ProgressiveScanning },
            Event::PhaseFinished {
                phase: Phase::ProgressiveScanning,
                entries: 2,
                bytes: 5,
                duration: std::time::Duration::from_millis(1500),
            },
        ]);
        assert_eq!(
            found[0],
            serde_json::json!({
                "type": "phase", "phase": "progressive_scanning", "state": "started", "share": 0.25,
            })
        );
        assert_eq!(found[1]["duration_seconds"], 1.5);
    }
}
