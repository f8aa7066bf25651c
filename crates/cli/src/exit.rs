//! The only table of exit codes. Nothing else in the program ends with a number.

use std::fmt::Write as _;
use std::process::ExitCode;

use surecopy::jobs::{JobRecord, JobState, RunKind};
use surecopy::{Outcome, Problem, Report};

use crate::recorded::Incomplete;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// Everything that was asked for is done.
    Done,
    /// Some items failed.
    ItemsFailed,
    /// The command line, a setting or a pattern makes no sense.
    Usage,
    /// What was read back differed, and still did after every retry, or was found to differ later.
    Mismatch,
    /// Refused before anything was written.
    Refused,
    /// What happened could not be recorded, or what is recorded cannot be trusted.
    RecordFailed,
    /// All is copied, and of some of it not everything was kept that could have been.
    MetadataIncomplete,
    /// The file system at one end went away, or takes nothing any more.
    Lost,
    /// Cancelled by the user or by a signal.
    Cancelled,
}

impl ExitStatus {
    /// Every status, in the order of the codes.
    pub(crate) const ALL: [ExitStatus; 9] = [
        ExitStatus::Done,
        ExitStatus::ItemsFailed,
        ExitStatus::Usage,
        ExitStatus::Mismatch,
        ExitStatus::Refused,
        ExitStatus::RecordFailed,
        ExitStatus::Lost,
        ExitStatus::MetadataIncomplete,
        ExitStatus::Cancelled,
    ];

    /// Those of a command that is about the index: it reads nothing back.
    pub(crate) const OF_INDEX: [ExitStatus; 6] = [
        ExitStatus::Done,
        ExitStatus::ItemsFailed,
        ExitStatus::Usage,
        ExitStatus::Refused,
        ExitStatus::RecordFailed,
        ExitStatus::Cancelled,
    ];

    /// Those of a preparation: an index that cannot be used is no failure of it either.
    pub(crate) const OF_PREPARATION: [ExitStatus; 5] = [
        ExitStatus::Done,
        ExitStatus::ItemsFailed,
        ExitStatus::Usage,
        ExitStatus::Refused,
        ExitStatus::Cancelled,
    ];

    /// The number that the caller sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            ExitStatus::Done => 0,
            ExitStatus::ItemsFailed => 1,
            ExitStatus::Usage => 2,
            ExitStatus::Mismatch => 3,
            ExitStatus::Refused => 4,
            ExitStatus::RecordFailed => 5,
            ExitStatus::Lost => 6,
            ExitStatus::MetadataIncomplete => 7,
            ExitStatus::Cancelled => 130,
        }
    }

    /// What it means, for the table in the help.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            ExitStatus::Done => "all done",
            ExitStatus::ItemsFailed => "some items failed; the others are done",
            ExitStatus::Usage => "wrong usage: options, settings, patterns",
            ExitStatus::Mismatch => "a verification mismatch remained",
            ExitStatus::Refused => "refused before anything was written",
            ExitStatus::RecordFailed => {
                "what is recorded could not be written, or cannot be trusted"
            }
            ExitStatus::Lost => {
                "stopped: the source's or the destination's file system is gone or read-only"
            }
            ExitStatus::MetadataIncomplete => {
                "all copied, but a step failed that was to keep times, owners or the like"
            }
            ExitStatus::Cancelled => "cancelled; what was not finished is as it was before",
        }
    }

    /// The status that a report calls for: the first row that applies.
    pub(crate) fn of(report: &Report) -> Self {
        match report.outcome {
            Outcome::JournalFailed(_) => ExitStatus::RecordFailed,
            Outcome::Lost(_) => ExitStatus::Lost,
            Outcome::Refused => ExitStatus::Refused,
            Outcome::Cancelled => ExitStatus::Cancelled,
            Outcome::Finished | Outcome::StoppedAtFailure | Outcome::Planned => {
                let tally = &report.tally;
                if tally.mismatched > 0 {
                    ExitStatus::Mismatch
                } else if tally.failed > 0 || !report.problems.is_empty() {
                    ExitStatus::ItemsFailed
                } else if Incomplete::of(report).is_any() {
                    ExitStatus::MetadataIncomplete
                } else {
                    ExitStatus::Done
                }
            }
        }
    }

    /// The status that looking back at a job calls for, of which so many items are not as they should
    /// be: `when_some` says what that means.
    pub(crate) fn of_look_back(
        outcome: &Outcome,
        problems: &[Problem],
        when_some: ExitStatus,
        items: u64,
    ) -> Self {
        match outcome {
            Outcome::JournalFailed(_) => ExitStatus::RecordFailed,
            Outcome::Lost(_) => ExitStatus::Lost,
            Outcome::Refused => ExitStatus::Refused,
            Outcome::Cancelled => ExitStatus::Cancelled,
            Outcome::Finished | Outcome::StoppedAtFailure | Outcome::Planned => {
                if items > 0 {
                    when_some
                } else if !problems.is_empty() {
                    ExitStatus::ItemsFailed
                } else {
                    ExitStatus::Done
                }
            }
        }
    }

    /// The status that a job calls for as it is recorded: how it ended, for whoever was waiting for
    /// that.
    pub(crate) fn of_job(record: &JobRecord) -> Self {
        let (state, last) = (record.state, record.runs.last());
        let outcome = last.and_then(|run| run.outcome.as_deref());
        let is_mismatched = last.is_some_and(|run| run.sums.mismatched > 0);
        // What is undone stays so, however it ends that something of it is tried again.
        let is_apart = |kind| kind == RunKind::Retry && state == JobState::Undone;
        if let Some(run) = last.filter(|run| !run.kind.copies() || is_apart(run.kind)) {
            let is_for_good = run.kind != RunKind::Verify && !is_mismatched;
            match outcome {
                // It has died.
                None | Some("cancelled") => return ExitStatus::Cancelled,
                Some("refused") => return ExitStatus::Refused,
                Some("journal_failed") => return ExitStatus::RecordFailed,
                Some("lost") => return ExitStatus::Lost,
                _ if is_for_good && run.sums.failed > 0 => return ExitStatus::ItemsFailed,
                _ => {}
            }
        }
        match state {
            JobState::Refused => ExitStatus::Refused,
            JobState::Cancelled => ExitStatus::Cancelled,
            // Killed is not what the user asked for, and is as far from being done.
            JobState::Interrupted | JobState::Created | JobState::Planning | JobState::Running => {
                ExitStatus::Cancelled
            }
            JobState::Stopped if outcome == Some("journal_failed") => ExitStatus::RecordFailed,
            JobState::Stopped if outcome == Some("lost") => ExitStatus::Lost,
            JobState::Finished | JobState::Incomplete | JobState::Stopped | JobState::Undone => {
                if is_mismatched || record.damaged > 0 {
                    ExitStatus::Mismatch
                } else if matches!(state, JobState::Incomplete | JobState::Stopped) {
                    ExitStatus::ItemsFailed
                } else if Incomplete::of_job(record).is_any() {
                    ExitStatus::MetadataIncomplete
                } else {
                    ExitStatus::Done
                }
            }
        }
    }

    /// The status of a job whose user did not wait for the rest of the output.
    pub(crate) fn or_cancelled(self) -> Self {
        match self {
            ExitStatus::RecordFailed
            | ExitStatus::Lost
            | ExitStatus::Refused
            | ExitStatus::Usage => self,
            _ => ExitStatus::Cancelled,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        ExitCode::from(status.code())
    }
}

/// The table of these exit codes, as it stands under the help.
pub(crate) fn table(statuses: &[ExitStatus]) -> String {
    let mut text = String::from("Exit status:\n");
    for status in statuses {
        writeln!(text, "  {:>3}  {}", status.code(), status.meaning())
            .expect("writing to a string does not fail");
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use surecopy::jobs::{RunRecord, Sums};
    use surecopy::{Planned, Tally};

    use crate::recorded::made_up::{ended, record};

    use super::*;

    fn report(outcome: Outcome, failed: u64, mismatched: u64) -> Report {
        Report {
            outcome,
            tally: Tally { failed, mismatched, ..Tally::default() },
            problems: Vec::new(),
            planned: Planned::default(),
            corrected: surecopy::Corrected::default(),
            warnings: 0,
            duration: Duration::ZERO,
        }
    }

    fn lost() -> Outcome {
        let (side, root) = (surecopy::Side::Destination, std::path::PathBuf::from("/mnt"));
        Outcome::Lost(surecopy::Lost { side, root, message: "read-only".to_owned() })
    }

    #[test]
    fn every_outcome_has_its_status() {
        let rows = [
            (Outcome::Finished, 0, 0, 0),
            (Outcome::Finished, 1, 0, 1),
            (Outcome::Finished, 2, 1, 3),
            (Outcome::StoppedAtFailure, 1, 0, 1),
            (Outcome::StoppedAtFailure, 1, 1, 3),
            (Outcome::Planned, 0, 0, 0),
            (Outcome::Refused, 1, 0, 4),
            (Outcome::Cancelled, 1, 1, 130),
            (Outcome::JournalFailed("disk".to_owned()), 0, 0, 5),
            (lost(), 1, 1, 6),
        ];
        let mut incomplete = report(Outcome::Finished, 0, 0);
        incomplete.tally.unfinished_directories = 1;
        assert_eq!(ExitStatus::of(&incomplete).code(), 7);
        incomplete.tally = Tally::default();
        // What an earlier run could not keep is not kept yet.
        incomplete.planned.kept_incomplete = 1;
        assert_eq!(ExitStatus::of(&incomplete).code(), 7);
        incomplete.planned = Planned::default();
        incomplete.tally.metadata_incomplete = 1;
        assert_eq!(ExitStatus::of(&incomplete).code(), 7);
        // Something worse is told first.
        incomplete.tally.failed = 1;
        assert_eq!(ExitStatus::of(&incomplete).code(), 1);
        for (outcome, failed, mismatched, code) in rows {
            let got = ExitStatus::of(&report(outcome.clone(), failed, mismatched)).code();
            assert_eq!(got, code, "{outcome:?} {failed} {mismatched}");
        }
    }

    #[test]
    fn every_state_of_a_job_has_its_status() {
        use JobState as State;
        let copy = |outcome: &str, mismatched| {
            let mut copy = ended(1, RunKind::Copy, outcome);
            copy.sums = Sums { mismatched, failed: mismatched, ..Sums::default() };
            vec![copy]
        };
        let looked =
            vec![ended(1, RunKind::Copy, "finished"), ended(2, RunKind::Verify, "finished")];
        let refused =
            vec![ended(1, RunKind::Copy, "finished"), ended(2, RunKind::Resume, "refused")];
        let rows = [
            (State::Finished, copy("finished", 0), 0),
            (State::Incomplete, copy("finished", 0), 1),
            (State::Incomplete, copy("finished", 2), 3),
            (State::Stopped, copy("stopped_at_failure", 0), 1),
            (State::Stopped, copy("journal_failed", 0), 5),
            (State::Stopped, copy("lost", 0), 6),
            (State::Refused, copy("refused", 0), 4),
            (State::Cancelled, copy("cancelled", 0), 130),
            (State::Interrupted, copy("interrupted", 0), 130),
            (State::Undone, copy("finished", 0), 0),
            (State::Finished, looked.clone(), 0),
            (State::Created, Vec::new(), 130),
        ];
        for (state, runs, code) in rows {
            let job = record(state, runs);
            assert_eq!(ExitStatus::of_job(&job).code(), code, "{job:?}");
        }
        // What lacks something does so until it is tried again, whatever was done with the job since.
        let mut incomplete = record(State::Finished, looked.clone());
        incomplete.incomplete = 1;
        assert_eq!(ExitStatus::of_job(&incomplete).code(), 7);
        incomplete.incomplete = 0;
        assert_eq!(ExitStatus::of_job(&incomplete).code(), 0);
        incomplete.runs[0].sums.unfinished_directories = 1;
        incomplete.runs[0].planned = Some(Planned::default());
        assert_eq!(ExitStatus::of_job(&incomplete).code(), 7);
        // What was done with it afterwards has an end of its own.
        let undo = |outcome: &str, failed| {
            let sums = Sums { failed, ..Sums::default() };
            let undo = RunRecord { sums, ..ended(2, RunKind::Undo, outcome) };
            vec![ended(1, RunKind::Copy, "finished"), undo]
        };
        let mut dead = undo("", 0);
        dead[1].outcome = None;
        for (runs, code) in [
            (undo("finished", 0), 0),
            (undo("finished", 1), 1),
            (undo("cancelled", 0), 130),
            (undo("refused", 0), 4),
            (undo("journal_failed", 0), 5),
            (dead, 130),
        ] {
            let job = record(State::Finished, runs);
            assert_eq!(ExitStatus::of_job(&job).code(), code, "{job:?}");
        }
        // So has what was tried again of what is undone.
        for (outcome, failed, mismatched, code) in [
            ("finished", 0, 0, 0),
            ("finished", 1, 0, 1),
            ("finished", 1, 1, 3),
            ("cancelled", 0, 0, 130),
            ("journal_failed", 0, 0, 5),
            ("lost", 1, 0, 6),
        ] {
            let mut retry = ended(2, RunKind::Retry, outcome);
            retry.sums = Sums { failed, mismatched, ..Sums::default() };
            let job = record(State::Undone, vec![ended(1, RunKind::Undo, "finished"), retry]);
            assert_eq!(ExitStatus::of_job(&job).code(), code, "{job:?}");
        }
        // Damage stays damage, whatever was tried since.
        for (runs, state, code) in [
            (looked, State::Finished, 3),
            (refused.clone(), State::Finished, 3),
            (refused, State::Incomplete, 3),
        ] {
            let job = JobRecord { damaged: 1, ..record(state, runs) };
            assert_eq!(ExitStatus::of_job(&job).code(), code, "{job:?}");
        }
    }

    #[test]
    fn looking_back_has_its_own_meaning_of_some() {
        let rows = [
            (Outcome::Finished, 0, 0),
            (Outcome::Finished, 1, 3),
            (Outcome::Cancelled, 1, 130),
            (Outcome::Refused, 0, 4),
            (Outcome::JournalFailed("disk".to_owned()), 1, 5),
        ];
        for (outcome, items, code) in rows {
            let got = ExitStatus::of_look_back(&outcome, &[], ExitStatus::Mismatch, items).code();
            assert_eq!(got, code, "{outcome:?} {items}");
        }
    }

    #[test]
    fn who_does_not_wait_for_the_output_has_cancelled() {
        use ExitStatus::{Cancelled, Done, Lost, Mismatch, RecordFailed, Refused};
        let rows = [
            (Done, 130),
            (Mismatch, 130),
            (Cancelled, 130),
            (Refused, 4),
            (RecordFailed, 5),
            (Lost, 6),
        ];
        for (status, code) in rows {
            assert_eq!(status.or_cancelled().code(), code, "{status:?}");
        }
    }

    #[test]
    fn every_code_stands_in_the_table_once() {
        let table = table(&ExitStatus::ALL);
        for status in ExitStatus::ALL {
            let line = format!("  {:>3}  {}", status.code(), status.meaning());
            assert_eq!(table.lines().filter(|found| *found == line).count(), 1, "{line}");
        }
    }
}
