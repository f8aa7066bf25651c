//! A job in words.

use std::path::Path;

use surecopy::jobs::{
    ItemRecord, ItemState, JobId, JobRecord, JobState, Ledger, LedgerError, RunRecord,
};
use surecopy::{ItemReport, ItemStatus};

use crate::amounts::{Bytes, Count, Span, Speed};
use crate::failure::Failure;
use crate::human::{fragment, mapping_line};
use crate::recorded::{Condition, Figures, Incomplete, Moment, Pace, next_for_people};
use crate::shown::{Plain, Shown};

/// Mappings that are shown one by one.
const SHOWN_MAPPINGS: usize = 10;

/// Everything but the items that failed.
pub(super) fn lines(record: &JobRecord, pace: Option<Pace>) -> Vec<String> {
    let mut lines = about(record);
    lines.extend(so_far(record, pace));
    lines
}

/// What does not change while it runs.
pub(super) fn about(record: &JobRecord) -> Vec<String> {
    let mut lines = vec![headline(record)];
    match &record.request {
        Ok(spec) => {
            let shown = spec.mappings.iter().take(SHOWN_MAPPINGS);
            lines.extend(shown.map(|mapping| format!("  {}", mapping_line(mapping))));
            let more = spec.mappings.len().saturating_sub(SHOWN_MAPPINGS);
            if more > 0 {
                lines.push(format!("  and {more} more"));
            }
        }
        Err(error) => lines.push(format!("  what was asked for: {}", Plain(&error.to_string()))),
    }
    let runs = Count(record.runs.len() as u64, "run");
    lines.push(format!("  begun {}, {runs}", Moment(record.created_ms)));
    lines
}

/// How it ended, for somebody who has seen what it is about.
pub(super) fn end(record: &JobRecord) -> Vec<String> {
    let mut lines = vec![headline(record)];
    lines.extend(so_far(record, None));
    lines
}

fn so_far(record: &JobRecord, pace: Option<Pace>) -> Vec<String> {
    let mut lines = vec![format!("  {}", figures_line(record, pace))];
    let figures = Figures::of(record);
    for (what, count) in [("damaged", figures.items_damaged), ("undone", figures.items_undone)] {
        if count > 0 {
            lines.push(format!("  {what}: {}", Count(count, "item")));
        }
    }
    let incomplete = Incomplete::of_job(record);
    if incomplete.is_any() {
        lines.push(format!("  copied without all that could have been kept: {incomplete}"));
    }
    if record.kept_backups > 0 {
        lines.push(format!("  kept: {}", Count(record.kept_backups, "replaced file")));
    }
    lines
}

/// Items that failed, or are damaged, that are shown one by one.
const SHOWN_FAILED: usize = 10;

/// Items that are read at once.
const PAGE: usize = 1000;

/// The first of the items that are not as they should be, and why.
pub(super) fn failed(ledger: &Ledger, record: &JobRecord) -> Result<Vec<String>, Failure> {
    let figures = Figures::of(record);
    let mut lines = Vec::new();
    let rows =
        [(ItemState::Failed, figures.items_failed), (ItemState::Damaged, figures.items_damaged)];
    for (state, count) in rows.into_iter().filter(|(_, count)| *count > 0) {
        let mut shown =
            in_state(ledger, record.id, state).map_err(|error| Failure::of_ledger(&error))?;
        if state == ItemState::Failed {
            let room = SHOWN_FAILED - shown.len();
            let refused = refused(ledger, record.id, room);
            shown.extend(refused.map_err(|error| Failure::of_ledger(&error))?);
        }
        let more = count.saturating_sub(shown.len() as u64);
        let and = if shown.is_empty() { "" } else { "and " };
        lines.append(&mut shown);
        if more > 0 {
            let command = format!("surecopy audit {} --state {}", record.id, state.as_str());
            lines.push(format!("  {and}{more} more: {command}"));
        }
    }
    Ok(lines)
}

/// The first items that are in a state now.
fn in_state(ledger: &Ledger, job: JobId, state: ItemState) -> Result<Vec<String>, LedgerError> {
    let mut lines = Vec::new();
    let mut after = None;
    while lines.len() < SHOWN_FAILED {
        let page = ledger.items(job, Some(state), after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = Some(last.item);
        let standing = page.iter().filter(|item| !item.is_superseded);
        let room = SHOWN_FAILED - lines.len();
        lines.extend(standing.take(room).map(|item| item_line(item, state)));
    }
    Ok(lines)
}

/// The first entries that were refused before they could be planned, and still are.
fn refused(ledger: &Ledger, job: JobId, most: usize) -> Result<Vec<String>, LedgerError> {
    let mut lines = Vec::new();
    let mut after = 0;
    while lines.len() < most {
        let page = ledger.refusals(job, after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = last.record;
        let standing = page.iter().filter(|refused| !refused.is_superseded);
        let room = most - lines.len();
        lines.extend(standing.take(room).map(|it| failure_line(&it.report.source, &it.report)));
    }
    Ok(lines)
}

fn failure_line(source: &Path, report: &ItemReport) -> String {
    let path = Shown(source);
    match &report.status {
        ItemStatus::Error(error) => format!("  {path}: {}", fragment(error)),
        _ => format!("  {path}"),
    }
}

fn item_line(item: &ItemRecord, state: ItemState) -> String {
    match &item.report {
        Some(report) if state == ItemState::Failed => failure_line(&item.source, report),
        _ => format!("  {}: {}", Shown(&item.target), state.as_str()),
    }
}

/// What is left to do about it.
pub(super) fn advice(ledger: &Ledger, record: &JobRecord) -> Option<String> {
    next_for_people(ledger, record).map(|(why, command)| format!("{why}: {command}"))
}

fn headline(record: &JobRecord) -> String {
    let id = record.id;
    let condition = Condition::of(record);
    match record.runs.last() {
        Some(run) if record.is_running => {
            let (pid, host) = (run.pid, Plain(&run.host));
            let since = Moment(run.started_ms);
            let what = match condition {
                Condition::Copied(state) => format!("{} ({})", state.as_str(), run.kind.as_str()),
                other => other.to_string(),
            };
            format!("job {id}: {what} since {since}, process {pid} on {host}")
        }
        last => {
            let since = Moment(last.map_or(record.changed_ms, |run| ended(record, run)));
            format!("job {id}: {condition} since {since}")
        }
    }
}

/// When a run ended; of one that died, when it was last heard of.
fn ended(record: &JobRecord, run: &RunRecord) -> i64 {
    run.ended_ms.unwrap_or(record.changed_ms)
}

/// How far it is, in one line.
pub(super) fn figures_line(record: &JobRecord, pace: Option<Pace>) -> String {
    let figures = Figures::of(record);
    if let Some(line) = looking_again(record) {
        return with_pace(line, pace);
    }
    let is_planning = figures.is_growing || record.state == JobState::Planning;
    let mut line = if is_planning {
        let (items, bytes) = (Count(figures.items_total, "item"), Bytes(figures.bytes_total));
        format!("{items}, {bytes} so far: still looking for what there is to copy")
    } else {
        format!(
            "{} of {}, {} of {}",
            figures.items_done,
            Count(figures.items_total, "item"),
            Bytes(figures.bytes_done),
            Bytes(figures.bytes_total)
        )
    };
    if figures.items_failed > 0 {
        line.push_str(&format!(", {} failed", figures.items_failed));
    }
    with_pace(line, pace)
}

/// The same of a run that copies nothing.
fn looking_again(record: &JobRecord) -> Option<String> {
    let run = record.runs.last().filter(|run| record.is_running && !run.kind.copies())?;
    let progress = run.progress.as_ref()?;
    let (done, total) = (progress.items_done, Count(progress.items_total, "item"));
    Some(format!("{}: {done} of {total}", run.kind.as_str()))
}

fn with_pace(mut line: String, pace: Option<Pace>) -> String {
    if let Some(pace) = pace {
        line.push_str(&format!(", {}", Speed(pace.bytes_per_second)));
        if let Some(left) = pace.left {
            line.push_str(&format!(", {} left", Span(left)));
        }
    }
    line
}
