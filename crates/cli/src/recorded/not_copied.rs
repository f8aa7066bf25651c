//! What a job was to copy and has not.

use surecopy::jobs::{JobId, JobRecord, JobState, RunKind};

use super::figures::Figures;

/// What a job was to copy and has not, as it is recorded before it is looked back at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NotCopied {
    pub(crate) job: JobId,
    pub(crate) state: JobState,
    /// How many items; `None` when the job did not come to the end of finding out what there is.
    pub(crate) items: Option<u64>,
}

impl NotCopied {
    /// Of a job that nobody is at work on.
    pub(crate) fn of(record: &JobRecord) -> Self {
        let looks_at_all = |kind| matches!(kind, RunKind::Copy | RunKind::Resume);
        // One that was refused, or did not get so far, takes nothing away from what was known before.
        let is_known =
            record.runs.iter().any(|run| looks_at_all(run.kind) && run.planned.is_some());
        let figures = Figures::of(record);
        // What was undone has been copied.
        let items = figures.items_total.saturating_sub(figures.items_done + figures.items_undone);
        Self { job: record.id, state: record.state, items: is_known.then_some(items) }
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
        assert_eq!(NotCopied::of(&job).items, Some(2));
        assert_eq!(NotCopied::of(&record(JobState::Refused, vec![refused])).items, None);
    }
}
