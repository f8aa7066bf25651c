//! What a job is shown to be in. Its state in the ledger is how far it was copied; verifying, undoing
//! and giving up what is kept are runs over that, which can be at work or cut short themselves.

use std::fmt;

use surecopy::jobs::{JobRecord, JobState, RunKind, Undoing};

/// What a job is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    /// As far as it was copied.
    Copied(JobState),
    /// A run of this kind, which copies nothing, is at work.
    InHand(RunKind),
    /// A run of this kind, which copies nothing, has died.
    CutShort(RunKind),
    /// Some of it is undone, and the rest is not.
    PartlyUndone,
}

impl Condition {
    pub(crate) fn of(record: &JobRecord) -> Self {
        let open = record.runs.last().filter(|run| run.ended_ms.is_none()).map(|run| run.kind);
        match (open, record.undoing()) {
            (Some(kind), _) if record.is_running && !kind.copies() => Condition::InHand(kind),
            (Some(_), _) if record.is_running => Condition::Copied(record.state),
            (Some(RunKind::Discard), _) => Condition::CutShort(RunKind::Discard),
            (_, Some(Undoing::Open)) => Condition::CutShort(RunKind::Undo),
            (_, Some(Undoing::InPart)) => Condition::PartlyUndone,
            (Some(kind), _) if !kind.copies() => Condition::CutShort(kind),
            _ => Condition::Copied(record.state),
        }
    }

    /// Stable text, for programs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Condition::Copied(state) => state.as_str(),
            Condition::InHand(RunKind::Undo) => "undoing",
            Condition::InHand(RunKind::Discard) => "discarding",
            Condition::InHand(_) => "verifying",
            Condition::CutShort(_) => JobState::Interrupted.as_str(),
            Condition::PartlyUndone => "partly_undone",
        }
    }

    /// Whether nothing is left to go on with.
    pub(crate) fn is_complete(self) -> bool {
        matches!(self, Condition::Copied(state) if state.is_complete())
    }
}

/// For people.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::CutShort(kind) => write!(f, "{} ({})", self.as_str(), kind.as_str()),
            Condition::PartlyUndone => f.write_str("partly undone"),
            Condition::Copied(_) | Condition::InHand(_) => f.write_str(self.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use surecopy::Planned;
    use surecopy::jobs::RunRecord;

    use super::*;
    use crate::recorded::made_up::{ended, record};

    fn copied_and(run: RunRecord) -> JobRecord {
        let copy =
            RunRecord { planned: Some(Planned::default()), ..ended(1, RunKind::Copy, "finished") };
        record(JobState::Finished, vec![copy, run])
    }

    fn at_work(kind: RunKind) -> RunRecord {
        RunRecord { ended_ms: None, outcome: None, ..ended(2, kind, "") }
    }

    #[test]
    fn what_is_at_work_or_has_died_is_what_a_job_is_in() {
        let rows = [
            (RunKind::Verify, "verifying", "interrupted (verify)"),
            (RunKind::Undo, "undoing", "interrupted (undo)"),
            (RunKind::Discard, "discarding", "interrupted (discard)"),
        ];
        for (kind, running, dead) in rows {
            let mut job = copied_and(at_work(kind));
            assert_eq!(Condition::of(&job).to_string(), dead);
            assert_eq!(Condition::of(&job).as_str(), "interrupted");
            job.is_running = true;
            assert_eq!(Condition::of(&job).to_string(), running);
            let job = copied_and(ended(2, kind, "finished"));
            assert_eq!(Condition::of(&job), Condition::Copied(JobState::Finished));
        }
    }

    #[test]
    fn what_is_undone_in_part_is_so_until_it_is_to_be_copied_again() {
        for outcome in ["cancelled", "finished"] {
            let mut job = copied_and(ended(2, RunKind::Undo, outcome));
            assert!(Condition::of(&job).is_complete());
            job.undone = 3;
            assert_eq!(Condition::of(&job), Condition::PartlyUndone);
            assert!(!Condition::of(&job).is_complete());
            // One that was refused has planned nothing.
            job.runs.push(ended(3, RunKind::Resume, "refused"));
            assert_eq!(Condition::of(&job), Condition::PartlyUndone);
            job.runs[2].planned = Some(Planned::default());
            assert_eq!(Condition::of(&job), Condition::Copied(JobState::Finished));
            job.state = JobState::Undone;
            assert_eq!(Condition::of(&job), Condition::Copied(JobState::Undone));
        }
    }

    #[test]
    fn what_was_to_be_undone_is_what_a_job_is_in_whatever_is_done_with_it_but_copying_all_of_it() {
        for undone in [0, 3] {
            let shown = "interrupted (undo)";
            let mut job = copied_and(ended(2, RunKind::Undo, "interrupted"));
            job.undone = undone;
            let planned = Some(Planned::default());
            job.runs.push(ended(3, RunKind::Verify, "finished"));
            job.runs.push(RunRecord { planned, ..ended(4, RunKind::Retry, "finished") });
            assert_eq!(Condition::of(&job).to_string(), shown);
            job.runs.push(RunRecord { run: 5, ..at_work(RunKind::Verify) });
            assert_eq!(Condition::of(&job).to_string(), shown);
            job.is_running = true;
            assert_eq!(Condition::of(&job).to_string(), "verifying");
            // While it is copied, that is what is told.
            job.runs[4].kind = RunKind::Retry;
            job.state = JobState::Running;
            assert_eq!(Condition::of(&job), Condition::Copied(JobState::Running));
        }
        let mut job = copied_and(ended(2, RunKind::Undo, "finished"));
        job.state = JobState::Undone;
        let mut retry = ended(3, RunKind::Retry, "finished");
        retry.sums.failed = 1;
        job.runs.push(retry);
        assert_eq!(Condition::of(&job), Condition::Copied(JobState::Undone));
        job.runs[2].sums.ok = 1;
        assert_eq!(Condition::of(&job), Condition::PartlyUndone);
    }
}
