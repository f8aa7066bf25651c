//! The end of a run that came to one.

use rusqlite::Connection;
use surecopy_engine::Outcome as RunOutcome;

use crate::error::Result;
use crate::job::{RunKind, Sums};
use crate::read::failed::failed_paths;
use crate::state::JobState;
use crate::text::records::RunEnded;
use crate::write::book::{Book, set_state};

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ending {
    kind: RunKind,
    before: JobState,
    outcome: RunOutcome,
    sums: Sums,
}

impl Ending {
    pub(crate) fn new(kind: RunKind, before: JobState, outcome: RunOutcome, sums: Sums) -> Self {
        Self { kind, before, outcome, sums }
    }

    /// What becomes of the job; `None` when it stays what it is. Whether anything of it has failed and
    /// is not well yet is only asked where that decides.
    fn state(&self, is_any_left: impl FnOnce() -> Result<bool>) -> Result<Option<JobState>> {
        let all_done = self.outcome == RunOutcome::Finished && self.sums.failed == 0;
        Ok(match self.kind {
            RunKind::Verify | RunKind::Discard => None,
            // It may be undone already, or there was nothing to undo.
            RunKind::Undo => {
                (all_done && self.before.may_become(JobState::Undone)).then_some(JobState::Undone)
            }
            // However it ended, what is undone is so still: it has tried again what had failed.
            RunKind::Retry if self.before == JobState::Undone => Some(JobState::Undone),
            // It did a part of the job: what else was left is left.
            RunKind::Retry if self.is_part_of_more() => Some(match self.before {
                JobState::Refused => JobState::Cancelled,
                before => before.as_left(),
            }),
            // Nothing was done this time: what was left before is left.
            RunKind::Resume | RunKind::Retry if self.outcome == RunOutcome::Refused => {
                Some(self.before.as_left())
            }
            RunKind::Retry if all_done && is_any_left()? => Some(JobState::Incomplete),
            RunKind::Copy | RunKind::Resume | RunKind::Retry => Some(match &self.outcome {
                RunOutcome::Finished if all_done => JobState::Finished,
                RunOutcome::Finished => JobState::Incomplete,
                RunOutcome::Cancelled | RunOutcome::Planned => JobState::Cancelled,
                RunOutcome::StoppedAtFailure
                | RunOutcome::JournalFailed(_)
                | RunOutcome::Lost(_) => JobState::Stopped,
                RunOutcome::Refused => JobState::Refused,
            }),
        })
    }

    /// Nothing that is not to stay can be left anywhere, as far as runs of this kind leave such things.
    fn has_cleared(&self) -> bool {
        !self.kind.copies() || self.outcome.has_cleared(&self.sums.to_tally())
    }

    /// It came to its end, and the job before it had not.
    fn is_part_of_more(&self) -> bool {
        let had_ended = matches!(self.before, JobState::Finished | JobState::Incomplete);
        self.outcome == RunOutcome::Finished && !had_ended
    }
}

/// The stable text of how a run ended.
fn outcome_text(outcome: &RunOutcome) -> &'static str {
    match outcome {
        RunOutcome::Finished => "finished",
        RunOutcome::Cancelled => "cancelled",
        RunOutcome::StoppedAtFailure => "stopped_at_failure",
        RunOutcome::Refused => "refused",
        RunOutcome::Planned => "planned",
        RunOutcome::JournalFailed(_) => "journal_failed",
        RunOutcome::Lost(_) => "lost",
    }
}

/// Writes down that a run is over.
pub(crate) fn finish(connection: &Connection, book: &mut Book, ending: &Ending) -> Result<()> {
    book.write_ends(connection)?;
    let is_any_left = || {
        let failed = failed_paths(connection, book.job, &book.mappings)?;
        Ok(failed.iter().any(|paths| !paths.is_empty()))
    };
    if let Some(state) = ending.state(is_any_left)? {
        set_state(connection, book.job, state)?;
    }
    let outcome = outcome_text(&ending.outcome);
    let message = match &ending.outcome {
        RunOutcome::JournalFailed(message) => Some(message.as_str()),
        RunOutcome::Lost(lost) => Some(lost.message.as_str()),
        _ => None,
    };
    book.tally = ending.sums.to_tally();
    let body = RunEnded { run: book.run, outcome, message, sums: &ending.sums };
    book.chain.append(connection, book.at, "run_ended", &body)?;
    connection.execute(
        "UPDATE runs SET ended_at = ?, outcome = ?, is_cleared = ? WHERE job = ? AND run = ?",
        (book.at, outcome, ending.has_cleared(), book.job.0, book.run),
    )?;
    // To try again what failed is not to go on with the rest.
    let goes_through_all = matches!(ending.kind, RunKind::Copy | RunKind::Resume);
    if goes_through_all && ending.outcome.has_finished_directories(&book.tally) {
        connection.execute(
            "UPDATE made_directories SET is_finished = 1 WHERE job = ? AND NOT is_finished",
            (book.job.0,),
        )?;
    }
    if book.is_planned && ending.has_cleared() {
        // Before it planned, it put in order what dead runs had left; and nothing has failed, so that this is
        // durable.
        connection.execute(
            "UPDATE runs SET is_cleared = 1 WHERE job = ? AND run < ?",
            (book.job.0, book.run),
        )?;
    }
    Ok(())
}
