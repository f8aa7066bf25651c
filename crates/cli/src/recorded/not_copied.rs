//! What a job was to copy and has not.

use std::collections::HashSet;
use std::path::PathBuf;

use surecopy::jobs::{ItemState, JobId, JobRecord, JobState, Ledger, LedgerError, RunKind};

use super::figures::Figures;

/// What a job was to copy and has not, as it is recorded before it is looked back at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NotCopied {
    pub(crate) job: JobId,
    pub(crate) state: JobState,
    /// How many items; `None` when the job did not come to the end of finding out what there is.
    pub(crate) items: Option<u64>,
}

/// Entries that are read at once.
const PAGE: usize = 1000;

/// States of what is planned and did not come to its end.
const LEFT: [ItemState; 4] =
    [ItemState::Planned, ItemState::Failed, ItemState::Cancelled, ItemState::Interrupted];

impl NotCopied {
    /// Of a job that nobody is at work on. What is damaged has been copied, also when it could not be
    /// copied again.
    pub(crate) fn of(ledger: &Ledger, record: &JobRecord) -> Result<Self, LedgerError> {
        let all = Self::by_figures(record);
        let Some(items) = all.items.filter(|items| *items > 0 && record.damaged > 0) else {
            return Ok(all);
        };
        let again = damaged_and_left(ledger, record.id)?;
        Ok(Self { items: Some(items.saturating_sub(again)), ..all })
    }

    fn by_figures(record: &JobRecord) -> Self {
        let looks_at_all = |kind| matches!(kind, RunKind::Copy | RunKind::Resume);
        // One that was refused, or did not get so far, takes nothing away from what was known before.
        let is_known =
            record.runs.iter().any(|run| looks_at_all(run.kind) && run.planned.is_some());
        let figures = Figures::of(record);
        // What was undone has been copied.
        let items = figures
            .items_total
            .saturating_sub(figures.items_done)
            .saturating_sub(figures.items_undone);
        Self { job: record.id, state: record.state, items: is_known.then_some(items) }
    }
}

/// How many entries are damaged, and were to be copied again and were not.
fn damaged_and_left(ledger: &Ledger, job: JobId) -> Result<u64, LedgerError> {
    let mut damaged = HashSet::new();
    each_item(ledger, job, ItemState::Damaged, |source| {
        damaged.insert(source);
    })?;
    let before = damaged.len();
    each_left(ledger, job, |source| {
        damaged.remove(&source);
    })?;
    Ok((before - damaged.len()) as u64)
}

/// Hands on the sources of the entries that were met and not copied, as far as that is so now.
pub(super) fn each_left(
    ledger: &Ledger,
    job: JobId,
    mut take: impl FnMut(PathBuf),
) -> Result<(), LedgerError> {
    for state in LEFT {
        each_item(ledger, job, state, &mut take)?;
    }
    let mut after = 0;
    loop {
        let page = ledger.refusals(job, after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.record;
        let standing = page.into_iter().filter(|refusal| !refusal.is_superseded);
        standing.for_each(|refusal| take(refusal.report.source));
    }
}

/// Hands on the sources of the items that are in this state now.
fn each_item(
    ledger: &Ledger,
    job: JobId,
    state: ItemState,
    mut take: impl FnMut(PathBuf),
) -> Result<(), LedgerError> {
    let mut after = None;
    loop {
        let page = ledger.items(job, Some(state), after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.item);
        page.into_iter().filter(|item| !item.is_superseded).for_each(|item| take(item.source));
    }
}

#[cfg(test)]
mod tests {
    use surecopy::Planned;
    use surecopy::jobs::{RunRecord, Sums};

    use super::*;
    use crate::recorded::made_up::{ended, record};

    #[test]
    fn a_run_that_was_refused_takes_nothing_away_from_what_is_known() {
        let copy = RunRecord {
            planned: Some(Planned { items: 5, ..Planned::default() }),
            sums: Sums { ok: 3, cancelled: 2, ..Sums::default() },
            ..ended(1, RunKind::Copy, "cancelled")
        };
        let refused = ended(2, RunKind::Resume, "refused");
        let job = record(JobState::Cancelled, vec![copy, refused.clone()]);
        assert_eq!(NotCopied::by_figures(&job).items, Some(2));
        assert_eq!(NotCopied::by_figures(&record(JobState::Refused, vec![refused])).items, None);
    }
}
