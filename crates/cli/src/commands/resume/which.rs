//! Which job is gone on with when nobody says which.

use surecopy::jobs::{JobRecord, JobState, Ledger, LedgerError};

/// The latest job that did not come to an end of its own, or else the latest one that was ended before
/// it was done.
pub(super) fn latest_to_resume(ledger: &Ledger) -> Result<Option<JobRecord>, LedgerError> {
    let mut jobs = ledger.jobs()?;
    let latest = |is_it: fn(JobState) -> bool| jobs.iter().rposition(|job| is_it(job.state));
    let index = latest(|state| state == JobState::Interrupted)
        .or_else(|| latest(|state| matches!(state, JobState::Cancelled | JobState::Stopped)));
    Ok(index.map(|index| jobs.swap_remove(index)))
}
