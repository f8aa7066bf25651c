//! What a job is shown to be in. Its state in the ledger is how far it was copied; verifying, undoing
//! and giving up what is kept are runs over that, which can be at work or cut short themselves.

use std::fmt;

use surecopy::jobs::{JobRecord, JobState, RunKind};

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
        let at_work = record.runs.last().filter(|run| run.ended_ms.is_none() && !run.kind.copies());
        match at_work {
            Some(run) if record.is_running => Condition::InHand(run.kind),
            Some(run) => Condition::CutShort(run.kind),
            None if record.state != JobState::Undone && is_undone_since(record) => {
                Condition::PartlyUndone
            }
            None => Condition::Copied(record.state),
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

    /// Whether nothing is left to do about it.
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

/// Whether items are undone that no run has planned to copy again.
pub(super) fn is_undone_since(record: &JobRecord) -> bool {
    let mut runs = record.runs.iter().rev();
    let last =
        runs.find(|run| run.kind == RunKind::Undo || (run.kind.copies() && run.planned.is_some()));
    record.undone > 0 && last.is_some_and(|run| run.kind == RunKind::Undo)
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
}
