//! Jobs, as rows.

use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::value::RawValue;
use surecopy_engine::CopySpec;

use crate::audit::chain::{BEGINNING, Chain};
use crate::error::{Fault, LedgerError, Result};
use crate::job::{JobId, JobRecord, RunKind, RunRecord};
use crate::read::standing;
use crate::rows::plan::{optional_text, text};
use crate::state::JobState;
use crate::store::place::now_ms;
use crate::text::records::{JobCreated, PlanSums};
use crate::text::request;
use crate::text::words::word;

/// Writes a new job down.
pub(crate) fn create(connection: &Connection, spec: &CopySpec) -> Result<JobId> {
    let at = now_ms();
    let request = request::to_text(spec)?;
    connection.execute(
        "INSERT INTO jobs (created_at, changed_at, request, state, keep_replaced, audit_head)
         VALUES (?1, ?1, ?2, ?3, ?4, ?5)",
        (at, &request, JobState::Created.as_str(), spec.keep_replaced, BEGINNING),
    )?;
    let job = JobId(connection.last_insert_rowid());
    let mut chain = Chain::new(job, 0, BEGINNING);
    let request = RawValue::from_string(request)?;
    let body = JobCreated { job: job.0, request: &request };
    chain.append(connection, at, "job_created", &body)?;
    chain.save(connection, at)?;
    Ok(job)
}

/// Every job, oldest first.
pub(crate) fn all(connection: &Connection) -> Result<Vec<JobId>> {
    let mut statement = connection.prepare("SELECT job FROM jobs ORDER BY job")?;
    let jobs = statement.query_map((), |row| Ok(JobId(row.get(0)?)))?;
    Ok(jobs.collect::<Result<_, _>>()?)
}

/// What was asked for.
pub(crate) fn request(connection: &Connection, job: JobId) -> Result<CopySpec> {
    let sql = "SELECT request FROM jobs WHERE job = ?";
    let text: Option<String> = connection.query_row(sql, (job.0,), |row| row.get(0)).optional()?;
    request::from_text(&text.ok_or(LedgerError::NoSuchJob { job })?)
}

/// A job; whether somebody is at work on it is known by its lock.
pub(crate) fn read(
    connection: &Connection,
    job: JobId,
    path: &std::path::Path,
    is_running: bool,
) -> Result<JobRecord> {
    let sql = "SELECT state, created_at, changed_at, request, audit_records,
                   CASE WHEN keep_replaced THEN
                       (SELECT count(*) FROM ends INDEXED BY ends_kept
                        WHERE ends.job = jobs.job AND kept IS NOT NULL
                          AND ends.state <> 'undone')
                   ELSE 0 END
               FROM jobs WHERE job = ?";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query((job.0,))?;
    let row = rows.next()?.ok_or(LedgerError::NoSuchJob { job })?;
    let state = word(JobState::from_text, text(row, 0)?)?;
    let runs = runs(connection, job)?;
    let undone = standing::undone(connection, job, &runs, is_running)?;
    Ok(JobRecord {
        id: job,
        state: if state.is_open() && !is_running { JobState::Interrupted } else { state },
        is_running,
        created_ms: row.get(1)?,
        changed_ms: row.get(2)?,
        request: request::from_text(text(row, 3)?).map_err(|fault| fault.in_ledger(path)),
        damaged: standing::damaged(connection, job, &runs)?,
        incomplete: standing::incomplete(connection, job)?,
        runs,
        undone: undone.items,
        undone_bytes: undone.bytes,
        unreadable_record: undone.unreadable_record,
        kept_backups: row.get(5)?,
        audit_records: row.get(4)?,
    })
}

fn runs(connection: &Connection, job: JobId) -> Result<Vec<RunRecord>> {
    let sql = "SELECT run, kind, nonce, host, pid, started_at, ended_at, outcome, planned, sums,
                   progress, (SELECT count(*) FROM refusals
                              WHERE refusals.job = runs.job AND refusals.run = runs.run)
               FROM runs WHERE job = ? ORDER BY run";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query((job.0,))?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        runs.push(run(row)?);
    }
    Ok(runs)
}

fn run(row: &Row<'_>) -> Result<RunRecord> {
    let planned: Option<PlanSums> = json(row, 8)?;
    Ok(RunRecord {
        run: row.get(0)?,
        kind: word(RunKind::from_text, text(row, 1)?)?,
        nonce: row.get::<_, i64>(2)?.cast_unsigned(),
        host: row.get(3)?,
        pid: row.get(4)?,
        started_ms: row.get(5)?,
        ended_ms: row.get(6)?,
        outcome: row.get(7)?,
        planned: planned.map(PlanSums::read),
        refused: row.get(11)?,
        sums: json(row, 9)?.unwrap_or_default(),
        progress: json(row, 10)?,
    })
}

fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, at: usize) -> Result<Option<T>> {
    optional_text(row, at)?.map(serde_json::from_str).transpose().map_err(Fault::from)
}
