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
        let last = record.runs.iter().rfind(|run| looks_at_all(run.kind));
        let is_known = last.is_some_and(|run| run.planned.is_some());
        let figures = Figures::of(record);
        // What was undone has been copied.
        let items = figures.items_total.saturating_sub(figures.items_done + figures.items_undone);
        Self { job: record.id, state: record.state, items: is_known.then_some(items) }
    }
}
