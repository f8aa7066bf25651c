//! What to do with a job now.

use surecopy::jobs::{JobId, JobRecord, JobState, Ledger, RunKind};

use super::condition::Condition;
use super::gone::damaged_and_gone;
use super::incomplete::Incomplete;

/// The command that goes on with a job, after what it is for.
pub(crate) type NextStep = (&'static str, String);

/// What to do with a job after a run of it, by what the ledger has made of that. Where it cannot be read,
/// that has been said.
pub(crate) fn next_after(ledger: &Ledger, job: JobId) -> Option<NextStep> {
    ledger.job(job).ok().and_then(|record| next_for_people(ledger, &record))
}

/// The same of a record; of damage that no command mends, where it is told.
pub(crate) fn next_for_people(ledger: &Ledger, record: &JobRecord) -> Option<NextStep> {
    let is_lost = || damaged_and_gone(ledger, record).is_ok_and(|gone| gone > 0);
    let lost = || {
        let command = format!("surecopy audit {} --state damaged", record.id);
        Some(("damaged, and no longer in the source", command))
    };
    next_step(ledger, record).or_else(|| if is_lost() { lost() } else { None })
}

/// What to do with a job; `None` when nothing is left to do, or the job is at work. One rule for the end
/// of a run, for `status` and for programs.
pub(crate) fn next_step(ledger: &Ledger, record: &JobRecord) -> Option<NextStep> {
    let job = record.id;
    // Where that cannot be read, more is advised than needs to be.
    let gone = damaged_and_gone(ledger, record).unwrap_or(0);
    let of_copying = next_of_state(job, record.state, record.damaged.saturating_sub(gone));
    let of_copying = of_copying.or_else(|| {
        let incomplete = Incomplete::of_job(record);
        // To try items again is not to come back to directories.
        let command = if incomplete.items > 0 { "retry" } else { "resume" };
        let is_over = record.state == JobState::Finished && incomplete.is_any();
        is_over.then(|| ("to try again what was not kept", format!("surecopy {command} {job}")))
    });
    let verify = || ("to read it again", format!("surecopy verify {job}"));
    match Condition::of(record) {
        Condition::InHand(_) => None,
        Condition::PartlyUndone | Condition::CutShort(RunKind::Undo) => {
            Some(("to undo the rest", format!("surecopy undo {job}")))
        }
        Condition::CutShort(RunKind::Discard) => {
            Some(("to give up the rest", format!("surecopy undo --discard {job}")))
        }
        Condition::CutShort(_) => of_copying.or_else(|| Some(verify())),
        Condition::Copied(_) if has_undone_nothing(record) => {
            Some(("to undo it all the same", format!("surecopy undo {job}")))
        }
        Condition::Copied(_) => of_copying,
    }
}

/// Somebody wanted it undone just now, and nothing of it could be.
fn has_undone_nothing(record: &JobRecord) -> bool {
    record.runs.last().is_some_and(|run| run.kind == RunKind::Undo && run.sums.failed > 0)
}

/// The same by how far it was copied.
pub(crate) fn next_of_state(job: JobId, state: JobState, damaged: u64) -> Option<NextStep> {
    match state {
        JobState::Finished | JobState::Incomplete if damaged > 0 => {
            Some(("to copy the damaged ones again", format!("surecopy resume {job}")))
        }
        JobState::Created | JobState::Planning | JobState::Running => None,
        JobState::Interrupted | JobState::Cancelled | JobState::Stopped => {
            Some(("to go on", format!("surecopy resume {job}")))
        }
        JobState::Incomplete => {
            Some(("to try the failed ones again", format!("surecopy retry {job}")))
        }
        // What stands in the way of a refused one has been said; the same command is as good.
        JobState::Refused | JobState::Finished | JobState::Undone => None,
    }
}
