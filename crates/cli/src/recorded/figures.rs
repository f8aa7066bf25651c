//! How far a job has got, over all its runs.

use surecopy::jobs::{JobRecord, RunKind, RunRecord};

use super::condition::Condition;

/// Items and bytes of a job. Directories are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Figures {
    pub(crate) items_total: u64,
    /// In place, or left alone on purpose.
    pub(crate) items_done: u64,
    pub(crate) items_failed: u64,
    pub(crate) bytes_total: u64,
    pub(crate) bytes_done: u64,
    /// Found not to be any more what was copied, and not copied again since.
    pub(crate) items_damaged: u64,
    /// Undone, and not copied again since.
    pub(crate) items_undone: u64,
    /// Somebody is still counting.
    pub(crate) is_growing: bool,
}

impl Figures {
    /// Of a job as it is recorded.
    pub(crate) fn of(record: &JobRecord) -> Self {
        let mut figures = Self { items_damaged: record.damaged, ..Self::of_copying(record) };
        figures.undo(record);
        figures
    }

    /// What was undone is not done any more.
    fn undo(&mut self, record: &JobRecord) {
        let (items, bytes) = match record.runs.last().and_then(|run| run.progress.as_ref()) {
            Some(seen) if Condition::of(record) == Condition::InHand(RunKind::Undo) => {
                (seen.items_done.saturating_sub(seen.items_failed), 0)
            }
            _ if record.undoing().is_some() => (record.undone, record.undone_bytes),
            _ => return,
        };
        self.items_undone = items;
        self.items_done = self.items_done.saturating_sub(items);
        self.bytes_done = self.bytes_done.saturating_sub(bytes);
    }

    fn of_copying(record: &JobRecord) -> Self {
        let last = record.runs.last().filter(|run| record.is_running && run.ended_ms.is_none());
        let is_at_work = |run: &RunRecord| last.is_some_and(|last| last.run == run.run);
        let copying = record.runs.iter().filter(|run| run.kind.copies());
        let mut figures = None;
        for run in copying.clone().filter(|run| is_at_work(run) || has_done_something(run)) {
            let these = Self::of_run(run, is_at_work(run));
            match (&mut figures, run.kind) {
                // A retry plans what had failed and nothing else: the whole is what came before.
                (Some(whole), RunKind::Retry) => Self::retried(whole, &these),
                _ => figures = Some(these),
            }
        }
        let found = || copying.clone().next_back().map(|run| Self::of_run(run, is_at_work(run)));
        figures.or_else(found).unwrap_or_default()
    }

    fn of_run(run: &RunRecord, is_running: bool) -> Self {
        let sums = &run.sums;
        let progress = run.progress.as_ref();
        let Some(planned) = &run.planned else {
            // It is still finding out, or never came to the end of that.
            let seen =
                |figure: fn(&surecopy::jobs::ProgressRecord) -> u64| progress.map_or(0, figure);
            return Self {
                items_total: seen(|it| it.items_total),
                items_done: seen(|it| it.items_done),
                items_failed: seen(|it| it.items_failed),
                bytes_total: seen(|it| it.bytes_total),
                bytes_done: seen(|it| it.bytes_copied),
                items_damaged: 0,
                items_undone: 0,
                is_growing: is_running,
            };
        };
        // They were read from a file, and may be anything.
        let sum = |numbers: [u64; 3]| numbers.into_iter().fold(0, u64::saturating_add);
        let mut figures = Self {
            // What was refused before it could be planned is in no plan.
            items_total: sum([planned.items, planned.kept, run.refused]),
            items_done: sum([planned.kept, sums.ok, sums.skipped]),
            items_failed: sums.failed,
            bytes_total: sum([planned.bytes_to_copy, planned.bytes_to_compare, planned.bytes_kept]),
            bytes_done: planned.bytes_kept.saturating_add(sums.bytes_ok),
            items_damaged: 0,
            items_undone: 0,
            is_growing: false,
        };
        if let (true, Some(progress)) = (is_running, progress) {
            // The counters of a run that is at work are ahead of what is recorded of its items.
            let done = progress.items_done.saturating_sub(progress.items_failed);
            figures.items_done = figures.items_done.max(planned.kept.saturating_add(done));
            figures.items_failed = figures.items_failed.max(progress.items_failed);
            let bytes = planned.bytes_kept.saturating_add(progress.bytes_copied);
            figures.bytes_done = figures.bytes_done.max(bytes);
        }
        let ended = sum([figures.items_done, figures.items_failed, sums.cancelled]);
        figures.items_total = figures.items_total.max(ended);
        figures.bytes_done = figures.bytes_done.min(figures.bytes_total);
        figures
    }

    /// Takes in what a run has done that tried failed items again.
    fn retried(&mut self, run: &Self) {
        if self.items_failed == 0 && self.items_done >= self.items_total {
            // All was done, and some of it is done again for the sake of what could not be kept of it.
            self.items_failed = run.items_failed;
            self.items_done = self.items_done.saturating_sub(run.items_failed);
            return;
        }
        self.items_failed = self.items_failed.saturating_sub(run.items_done);
        self.items_done = self.items_done.saturating_add(run.items_done);
        self.bytes_done = self.bytes_done.saturating_add(run.bytes_done);
        // What had failed before it could be planned was in no plan until now.
        self.items_total = self.items_total.max(self.items_done.saturating_add(self.items_failed));
        self.bytes_total = self.bytes_total.max(self.bytes_done);
    }
}

/// A run that was refused, or ended before it knew what there is to do, changes nothing of what was done
/// before.
fn has_done_something(run: &RunRecord) -> bool {
    run.planned.is_some() && run.outcome.as_deref() != Some("refused")
}

#[cfg(test)]
mod tests {
    use surecopy::Planned;
    use surecopy::jobs::{JobState, ProgressRecord, Sums};

    use super::*;
    use crate::recorded::made_up::{ended, record};

    fn run(number: u64, kind: RunKind, planned: Option<Planned>, sums: Sums) -> RunRecord {
        RunRecord { planned, sums, ..ended(number, kind, "finished") }
    }

    fn job(runs: Vec<RunRecord>) -> JobRecord {
        record(JobState::Incomplete, runs)
    }

    fn planned(items: u64, kept: u64) -> Option<Planned> {
        let (bytes_to_copy, bytes_kept) = (items * 10, kept * 10);
        Some(Planned { items, kept, bytes_to_copy, bytes_kept, ..Planned::default() })
    }

    fn sums(ok: u64, failed: u64) -> Sums {
        Sums { ok, failed, bytes_ok: ok * 10, ..Sums::default() }
    }

    #[test]
    fn what_a_resumed_run_has_kept_is_done() {
        let first = run(1, RunKind::Copy, planned(10, 0), sums(4, 0));
        let second = run(2, RunKind::Resume, planned(6, 4), sums(5, 1));
        let figures = Figures::of(&job(vec![first, second]));
        assert_eq!((figures.items_done, figures.items_total, figures.items_failed), (9, 10, 1));
        assert_eq!((figures.bytes_done, figures.bytes_total), (90, 100));
    }

    #[test]
    fn a_retry_adds_to_what_was_done_before() {
        let first = run(1, RunKind::Copy, planned(10, 0), sums(7, 3));
        let second = run(2, RunKind::Retry, planned(3, 0), sums(2, 1));
        let looked = run(3, RunKind::Verify, None, Sums::default());
        let figures = Figures::of(&job(vec![first, second, looked]));
        assert_eq!((figures.items_done, figures.items_total, figures.items_failed), (9, 10, 1));
    }

    #[test]
    fn what_failed_before_it_was_planned_counts_when_it_is_tried_again() {
        let first = run(1, RunKind::Copy, planned(1, 0), sums(1, 1));
        let second = run(2, RunKind::Retry, planned(1, 0), sums(1, 0));
        let figures = Figures::of(&job(vec![first, second]));
        assert_eq!((figures.items_done, figures.items_total, figures.items_failed), (2, 2, 0));
        assert_eq!((figures.bytes_done, figures.bytes_total), (20, 20));
    }

    #[test]
    fn what_is_copied_again_for_what_it_lacks_counts_once() {
        let first = run(1, RunKind::Copy, planned(9, 0), sums(9, 0));
        let second = run(2, RunKind::Retry, planned(2, 0), sums(2, 0));
        let figures = Figures::of(&job(vec![first.clone(), second]));
        assert_eq!((figures.items_done, figures.items_total, figures.items_failed), (9, 9, 0));
        assert_eq!((figures.bytes_done, figures.bytes_total), (90, 90));
        let second = run(2, RunKind::Retry, planned(2, 0), sums(1, 1));
        let figures = Figures::of(&job(vec![first, second]));
        assert_eq!((figures.items_done, figures.items_total, figures.items_failed), (8, 9, 1));
    }

    #[test]
    fn a_run_that_is_at_work_tells_by_its_counters() {
        let mut at_work = run(1, RunKind::Copy, None, Sums::default());
        at_work.ended_ms = None;
        at_work.progress =
            Some(ProgressRecord { items_total: 9, bytes_total: 90, ..ProgressRecord::default() });
        let mut at_work = job(vec![at_work]);
        at_work.is_running = true;
        let figures = Figures::of(&at_work);
        assert!(figures.is_growing);
        assert_eq!((figures.items_done, figures.items_total), (0, 9));
        at_work.runs[0].planned = planned(10, 2);
        at_work.runs[0].progress = Some(ProgressRecord {
            items_done: 5,
            items_failed: 1,
            bytes_copied: 44,
            ..ProgressRecord::default()
        });
        let figures = Figures::of(&at_work);
        assert!(!figures.is_growing);
        assert_eq!((figures.items_done, figures.items_total, figures.items_failed), (6, 12, 1));
        assert_eq!((figures.bytes_done, figures.bytes_total), (64, 120));
    }

    #[test]
    fn a_run_that_did_nothing_changes_no_figure() {
        let copied = || run(1, RunKind::Copy, planned(10, 0), sums(7, 3));
        let expected = Figures::of(&job(vec![copied()]));
        assert_eq!((expected.items_done, expected.items_total), (7, 10));
        for kind in [RunKind::Resume, RunKind::Retry] {
            // Before it had a plan, whatever it had seen by then.
            for outcome in ["refused", "cancelled", "journal_failed", "interrupted"] {
                let mut cut = ended(2, kind, outcome);
                cut.progress = Some(ProgressRecord { items_total: 4, ..ProgressRecord::default() });
                let mut job = job(vec![copied(), cut]);
                assert_eq!(Figures::of(&job), expected, "{kind:?} {outcome}");
                // One that has died and is not buried yet.
                job.runs[1].ended_ms = None;
                job.runs[1].outcome = None;
                assert_eq!(Figures::of(&job), expected, "{kind:?} {outcome}");
            }
            let refused = RunRecord { planned: planned(3, 0), ..ended(2, kind, "refused") };
            assert_eq!(Figures::of(&job(vec![copied(), refused])), expected, "{kind:?}");
        }
        // One that was cancelled later has done something.
        let cancelled = RunRecord {
            planned: planned(3, 7),
            sums: Sums { cancelled: 2, ..sums(1, 0) },
            ..ended(2, RunKind::Resume, "cancelled")
        };
        let figures = Figures::of(&job(vec![copied(), cancelled]));
        assert_eq!((figures.items_done, figures.items_total), (8, 10));
        // Of the only one, what it had seen is all that there is.
        let mut only = ended(1, RunKind::Copy, "cancelled");
        only.progress = Some(ProgressRecord { items_total: 4, ..ProgressRecord::default() });
        assert_eq!(Figures::of(&job(vec![only])).items_total, 4);
    }

    #[test]
    fn what_was_done_stays_while_it_is_looked_at_and_after() {
        let copied = || run(1, RunKind::Copy, planned(10, 0), sums(10, 0));
        let verified = run(2, RunKind::Verify, None, sums(9, 1));
        let refused = ended(3, RunKind::Resume, "refused");
        let mut job = job(vec![copied(), verified, refused]);
        job.damaged = 1;
        let figures = Figures::of(&job);
        assert_eq!((figures.items_done, figures.items_total), (10, 10));
        assert_eq!((figures.items_failed, figures.items_damaged), (0, 1));
        job.runs.push(run(4, RunKind::Undo, None, sums(4, 0)));
        (job.undone, job.undone_bytes) = (4, 40);
        let figures = Figures::of(&job);
        assert_eq!((figures.items_done, figures.items_undone), (6, 4));
        assert_eq!((figures.bytes_done, figures.bytes_total), (60, 100));
    }

    #[test]
    fn what_was_refused_before_it_was_planned_is_part_of_the_whole() {
        let mut cut = run(1, RunKind::Copy, planned(10, 0), sums(2, 3));
        cut.refused = 3;
        let mut cut = job(vec![cut]);
        for (is_running, ended_ms) in [(true, None), (false, None), (false, Some(1))] {
            cut.is_running = is_running;
            cut.runs[0].ended_ms = ended_ms;
            let figures = Figures::of(&cut);
            assert_eq!((figures.items_done, figures.items_failed), (2, 3));
            assert_eq!(figures.items_total, 13);
        }
    }

    #[test]
    fn a_job_without_a_run_has_done_nothing() {
        assert_eq!(Figures::of(&job(Vec::new())), Figures::default());
    }
}
