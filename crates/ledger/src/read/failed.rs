//! What of a job has failed and is not well yet, so that it can be tried again. There is one rule for
//! that: what is tried again goes by it, and so does whether a job has come to its end.

use rusqlite::Connection;
use surecopy_engine::{DigestAlgorithm, Mapping};
use surecopy_fs::RelPath;

use crate::error::{Fault, Outcome};
use crate::job::JobId;
use crate::read::refused::{Refused, Since};
use crate::read::reports::Reports;
use crate::read::standing::{is_gone, is_well_later};
use crate::rows::plan::Rows;

/// The last run that went through the whole job and knew by its end what is to be done: of what came
/// before, it has seen all that there still is. 0 when no run did.
pub(crate) fn last_whole_run(connection: &Connection, job: JobId) -> Outcome<u64> {
    let sql = "SELECT coalesce(max(run), 0) FROM runs
               WHERE job = ? AND planned IS NOT NULL AND kind IN ('copy', 'resume')";
    Ok(connection.query_row(sql, (job.0,), |row| row.get(0))?)
}

/// What failed and was not dealt with since, for each mapping: items, and entries that were refused
/// before they could be planned, as paths beneath its source, sorted.
pub(crate) fn failed_paths(
    connection: &Connection,
    job: JobId,
    mappings: &[Mapping],
) -> Outcome<Vec<Vec<RelPath>>> {
    let whole = last_whole_run(connection, job)?;
    let mut failed = vec![Vec::new(); mappings.len()];
    failed_items(connection, job, mappings, whole, &mut failed)?;
    refused(connection, job, mappings, whole, &mut failed)?;
    for paths in &mut failed {
        paths.sort();
        paths.dedup();
    }
    Ok(failed)
}

/// An item stays failed until the same entry ends well. That it was planned again changes nothing: it
/// may never have been begun. What a later run through the whole job did not meet is gone.
fn failed_items(
    connection: &Connection,
    job: JobId,
    mappings: &[Mapping],
    whole: u64,
    failed: &mut [Vec<RelPath>],
) -> Outcome<()> {
    let mut rows = Rows::new(mappings, DigestAlgorithm::default());
    let sql = format!(
        "SELECT mapping, items.directory, directories.path, name FROM item_states AS items
             CROSS JOIN directories ON directories.directory = items.directory
         WHERE job = ?1 AND state = 'failed' AND NOT {} AND NOT {}
         ORDER BY item",
        is_well_later(),
        is_gone("?2")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query((job.0, whole))?;
    while let Some(row) = found.next()? {
        let mapping: usize = row.get(0)?;
        let directory = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
        let path = rows.path(mapping, row.get(1)?, directory, row.get(3)?)?;
        let lost = || Fault::content("a lost mapping");
        failed.get_mut(mapping).ok_or_else(lost)?.push(path);
    }
    Ok(())
}

/// A run that sees everything again refuses again what it still has to, so refusals count from the last
/// of those on.
fn refused(
    connection: &Connection,
    job: JobId,
    mappings: &[Mapping],
    whole: u64,
    failed: &mut [Vec<RelPath>],
) -> Outcome<()> {
    let entries = Refused::new(connection, job, mappings)?;
    let mut reports = Reports::new(connection, job);
    let mut statement = connection.prepare_cached(
        "SELECT run, record FROM refusals WHERE job = ?1 AND run >= ?2 ORDER BY record",
    )?;
    let mut found = statement.query((job.0, whole))?;
    while let Some(row) = found.next()? {
        let report = reports.of_refusal(row.get(1)?)?;
        for (mapping, path) in entries.entries(&report)? {
            let since = entries.since((mapping, &path), report.kind, row.get(0)?)?;
            if since != Since::Well {
                failed[mapping].push(path);
            }
        }
    }
    Ok(())
}
