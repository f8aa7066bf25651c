//! Forgetting jobs that came to their end long ago.

use std::path::Path;

use rusqlite::Connection;

use crate::error::{Fault, LedgerError, Result};
use crate::job::{JobId, JobRecord};
use crate::read::jobs;
use crate::state::JobState;
use crate::store::connection::in_transaction;
use crate::undoing::Undoing;

/// Jobs that may be forgotten: there is nothing left to resume, to retry or to undo, nothing is known to
/// be damaged, and nothing was heard of them since then.
pub(crate) fn candidates(
    connection: &Connection,
    path: &Path,
    before_ms: i64,
    job: Option<JobId>,
) -> Result<Vec<JobId>> {
    let mut over = Vec::new();
    for job in copied(connection, before_ms, job)? {
        // Those that somebody is at work on are the caller's to leave out.
        match jobs::read(connection, job, path, false) {
            Ok(record) if is_settled(&record) => over.push(job),
            // Somebody else has forgotten it in the meantime.
            Ok(_) | Err(Fault::Named(LedgerError::NoSuchJob { .. })) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(over)
}

/// No undo has stopped short, no damage stands, and nothing that decides about that cannot be read.
fn is_settled(job: &JobRecord) -> bool {
    matches!(job.undoing(), None | Some(Undoing::Whole))
        && job.damaged == 0
        && job.unreadable_record.is_none()
}

/// Jobs of which all was copied, or is undone, that keep nothing and have left nothing, and of which nothing
/// was heard since then.
fn copied(connection: &Connection, before_ms: i64, job: Option<JobId>) -> Result<Vec<JobId>> {
    let states = JobState::ALL.into_iter().filter(|state| is_over(*state));
    let states: Vec<_> = states.map(|state| format!("'{}'", state.as_str())).collect();
    let sql = format!(
        "SELECT job FROM jobs
         WHERE state IN ({}) AND changed_at < ?1 AND (?2 IS NULL OR job = ?2)
           AND (NOT keep_replaced OR NOT EXISTS (
               SELECT 1 FROM ends WHERE ends.job = jobs.job AND kept IS NOT NULL))
           AND NOT EXISTS (SELECT 1 FROM publications WHERE publications.job = jobs.job)
         ORDER BY job",
        states.join(", ")
    );
    let mut statement = connection.prepare(&sql)?;
    let jobs =
        statement.query_map((before_ms, job.map(|job| job.0)), |row| Ok(JobId(row.get(0)?)))?;
    Ok(jobs.collect::<Result<_, _>>()?)
}

/// What failed can be tried again, and what was refused can be gone on with: such a job is not finished.
fn is_over(state: JobState) -> bool {
    matches!(state, JobState::Finished | JobState::Undone)
}

/// How many items are forgotten in one transaction: others wait for it no longer than for a batch that
/// is written.
const BATCH: usize = 10_000;

/// Forgets a job. Nobody is at work on it. When that is cut short, it is forgotten the next time.
pub(crate) fn forget(
    connection: &Connection,
    path: &Path,
    job: JobId,
    before_ms: i64,
) -> Result<bool> {
    // It may have been begun again in the meantime.
    if candidates(connection, path, before_ms, Some(job))?.is_empty() {
        return Ok(false);
    }
    let sql = "DELETE FROM items WHERE job = ?1 AND item IN (
                   SELECT item FROM items WHERE job = ?1 ORDER BY item LIMIT ?2)";
    while in_transaction(connection, || Ok(connection.execute(sql, (job.0, BATCH))?))? > 0 {}
    in_transaction(connection, || {
        connection.execute("DELETE FROM jobs WHERE job = ?", (job.0,))?;
        Ok(true)
    })
}

/// Forgets directories in which no item is.
pub(crate) fn forget_directories(connection: &Connection) -> Result<()> {
    in_transaction(connection, || {
        let sql = "DELETE FROM directories WHERE NOT EXISTS (
                       SELECT 1 FROM items WHERE items.directory = directories.directory)";
        connection.execute(sql, ())?;
        Ok(())
    })
}
