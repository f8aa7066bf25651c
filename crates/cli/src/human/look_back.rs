//! What came of looking back at a job: reading again what it copied, undoing it, giving up what it
//! keeps.

use surecopy::jobs::{DiscardReport, JobId, RecheckReport, UndoReport};
use surecopy::{Evidence, Outcome, Problem};

use super::view::HumanView;
use crate::amounts::{Bytes, Count, Span};
use crate::recorded::{NotCopied, next_of_state};

/// Says how much is as it was copied, and what is left to be done about the rest; nothing of that
/// when it is done at once.
pub(crate) fn end_verify(
    view: &mut HumanView,
    report: &RecheckReport,
    not_copied: Option<NotCopied>,
) {
    problems(view, &report.problems);
    let are = if report.damaged == 1 { "is not" } else { "are not" };
    let headline = format!("{} {are} what was copied", Count(report.damaged, "item"));
    let headline = headline_of(&report.outcome, &report.problems, report.damaged, headline);
    view.end_again(headline, &report.outcome, &verify_sums(report, not_copied));
}

/// Says what was put back; of a job that was undone before, that it was.
pub(crate) fn end_undo(view: &mut HumanView, report: &UndoReport, undone: Option<JobId>) {
    problems(view, &report.problems);
    let left = report.refused + report.failed;
    let headline = format!("{} not undone", Count(left, "item"));
    let headline = headline_of(&report.outcome, &report.problems, left, headline);
    view.end_again(headline, &report.outcome, &undo_sums(report, undone));
}

/// Says what was given up.
pub(crate) fn end_discard(view: &mut HumanView, report: &DiscardReport) {
    problems(view, &report.problems);
    let left = report.refused + report.failed;
    let headline = format!("{} not removed", Count(left, "kept file"));
    let headline = headline_of(&report.outcome, &report.problems, left, headline);
    view.end_again(headline, &report.outcome, &discard_sums(report));
}

fn problems(view: &mut HumanView, problems: &[Problem]) {
    for problem in problems {
        view.problem(problem);
    }
}

fn headline_of(
    outcome: &Outcome,
    problems: &[Problem],
    items: u64,
    of_items: String,
) -> Option<String> {
    if *outcome == Outcome::Refused || (items == 0 && !problems.is_empty()) {
        return Some(format!("{} in the way", Count(problems.len() as u64, "problem")));
    }
    (items > 0).then_some(of_items)
}

/// What an outcome says before any sum; with true, there is nothing else to say.
fn ending(outcome: &Outcome, lines: &mut Vec<String>) -> bool {
    match outcome {
        Outcome::Refused => lines.push("refused: nothing was touched".to_owned()),
        Outcome::Cancelled => lines.push("cancelled: the rest is as it was".to_owned()),
        _ => {}
    }
    *outcome == Outcome::Refused
}

fn verify_sums(report: &RecheckReport, not_copied: Option<NotCopied>) -> Vec<String> {
    let mut lines = Vec::new();
    if ending(&report.outcome, &mut lines) {
        return lines;
    }
    let (same, bytes) = (Count(report.same(), "file"), Bytes(report.bytes_verified));
    lines.push(format!("the same: {same}, {bytes} read in {}", Span(report.duration)));
    let cache = report.with_evidence(Evidence::Cache);
    if cache > 0 {
        lines
            .push(format!("  {} of them through the page cache (memory may have answered)", cache));
    }
    if report.no_digest > 0 {
        lines.push(format!(
            "NOT verified: {} without a digest; as large and as old as they were",
            Count(report.no_digest, "item")
        ));
    }
    if report.damaged > 0 {
        lines.push(format!("damaged: {}", report.damaged));
    }
    lines.extend(not_copied.and_then(|rest| not_copied_line(rest, report.damaged)));
    lines
}

/// What was never copied cannot be read again: without a word, the sums would seem to be of all.
fn not_copied_line(not_copied: NotCopied, damaged: u64) -> Option<String> {
    let NotCopied { job, state, items } = not_copied;
    let items = match items {
        Some(0) => return None,
        Some(items) => Count(items, "item").to_string(),
        None => "an unknown number of items".to_owned(),
    };
    let command = next_of_state(job, state, damaged).map(|(_, command)| format!(": {command}"));
    let state = state.as_str();
    Some(format!("not copied: {items} (the job is {state}{})", command.unwrap_or_default()))
}

/// What is said of a job when nothing is left to undo.
pub(crate) fn undone_before(job: JobId) -> String {
    format!("job {job} was undone before: nothing is left to undo")
}

fn undo_sums(report: &UndoReport, undone: Option<JobId>) -> Vec<String> {
    let mut lines = Vec::new();
    if ending(&report.outcome, &mut lines) {
        return lines;
    }
    let UndoReport { restored, removed, already, refused, failed, .. } = report;
    match undone.filter(|_| restored + removed + already + refused + failed == 0) {
        Some(job) => lines.push(undone_before(job)),
        None => lines.push(format!(
            "put back: {}, removed: {removed} in {}",
            Count(*restored, "replaced file"),
            Span(report.duration)
        )),
    }
    if report.already > 0 {
        lines.push(format!("gone already: {}", report.already));
    }
    let left = report.refused + report.failed;
    if left > 0 {
        lines.push(format!("not undone: {left}"));
    }
    let (gone, stay) = (report.directories_removed, report.directories_left);
    if gone + stay > 0 {
        lines.push(format!("directories that the job made: {gone} removed, {stay} left"));
    }
    lines
}

fn discard_sums(report: &DiscardReport) -> Vec<String> {
    let mut lines = Vec::new();
    if ending(&report.outcome, &mut lines) {
        return lines;
    }
    lines.push(format!(
        "removed: {} in {}",
        Count(report.discarded, "kept file"),
        Span(report.duration)
    ));
    if report.already > 0 {
        lines.push(format!("removed before: {}", report.already));
    }
    let left = report.refused + report.failed;
    if left > 0 {
        lines.push(format!("not removed: {left}"));
    }
    lines
}
