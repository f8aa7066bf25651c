//! What of a job has failed and is not well yet, so that it can be tried again. There is one rule for
//! that: what is tried again goes by it, and so does whether a job has come to its end.

use rusqlite::Connection;
use surecopy_engine::{DigestAlgorithm, Mapping};
use surecopy_fs::RelPath;

use crate::error::{Fault, Result};
use crate::job::JobId;
use crate::read::refused::{Refused, Since};
use crate::read::reports::Reports;
use crate::read::standing::{INCOMPLETE_ROWS, is_gone, is_incomplete, is_well_later};
use crate::rows::plan::Rows;
use crate::text::path_text::rel_from_bytes;

/// The last run that went through the whole job and knew by its end what is to be done: of what came
/// before, it has seen all that there still is. 0 when no run did.
pub(crate) fn last_whole_run(connection: &Connection, job: JobId) -> Result<u64> {
    let sql = "SELECT coalesce(max(run), 0) FROM runs
               WHERE job = ? AND planned IS NOT NULL AND kind IN ('copy', 'resume')";
    Ok(connection.query_row(sql, (job.0,), |row| row.get(0))?)
}

/// The same, and what was copied without all that could have been kept of it, with all its names: what is
/// to be tried again.
pub(crate) fn paths_to_retry(
    connection: &Connection,
    job: JobId,
    mappings: &[Mapping],
) -> Result<Vec<Vec<RelPath>>> {
    let mut paths = failed_paths(connection, job, mappings)?;
    let mut incomplete = vec![Vec::new(); mappings.len()];
    // What a later run has found as it was left has no row of that run, so none says that it is gone.
    let lacking = format!("{INCOMPLETE_ROWS} WHERE ends.job = ? AND {}", is_incomplete());
    find(connection, job, mappings, &lacking, &mut incomplete)?;
    if incomplete.iter().any(|paths| !paths.is_empty()) {
        sort(&mut incomplete);
        further_names(connection, job, mappings, &incomplete, &mut paths)?;
        for (paths, incomplete) in paths.iter_mut().zip(incomplete) {
            paths.extend(incomplete);
        }
        sort(&mut paths);
    }
    Ok(paths)
}

/// What failed and was not dealt with since, for each mapping: items, and entries that were refused
/// before they could be planned, as paths beneath its source, sorted.
pub(crate) fn failed_paths(
    connection: &Connection,
    job: JobId,
    mappings: &[Mapping],
) -> Result<Vec<Vec<RelPath>>> {
    let whole = last_whole_run(connection, job)?;
    let mut failed = vec![Vec::new(); mappings.len()];
    // An item stays failed until the same entry ends well. That it was planned again changes nothing: it may
    // never have been begun. What a later run through the whole job did not meet is gone.
    let failures = format!(
        "item_states AS items WHERE job = ? AND state = 'failed' AND NOT {} AND NOT {}",
        is_well_later(),
        is_gone(&whole.to_string())
    );
    find(connection, job, mappings, &failures, &mut failed)?;
    refused(connection, job, mappings, whole, &mut failed)?;
    sort(&mut failed);
    Ok(failed)
}

fn sort(all: &mut [Vec<RelPath>]) {
    for paths in all {
        paths.sort();
        paths.dedup();
    }
}

/// The paths of these rows of `items`, which are those of a job.
fn find(
    connection: &Connection,
    job: JobId,
    mappings: &[Mapping],
    rows_of_items: &str,
    found_paths: &mut [Vec<RelPath>],
) -> Result<()> {
    let mut rows = Rows::new(mappings, DigestAlgorithm::default());
    let sql = format!(
        "SELECT mapping, found.directory, path, name
         FROM (SELECT mapping, items.directory, name, items.item FROM {rows_of_items}) AS found
             CROSS JOIN directories ON directories.directory = found.directory
         ORDER BY item"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query((job.0,))?;
    while let Some(row) = found.next()? {
        let mapping: usize = row.get(0)?;
        let directory = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
        let path = rows.path(mapping, row.get(1)?, directory, row.get(3)?)?;
        let lost = || Fault::content("a lost mapping");
        found_paths.get_mut(mapping).ok_or_else(lost)?.push(path);
    }
    Ok(())
}

/// Further names of files of which the first is among these: when that is made anew, they are linked to it.
fn further_names(
    connection: &Connection,
    job: JobId,
    mappings: &[Mapping],
    firsts: &[Vec<RelPath>],
    paths: &mut [Vec<RelPath>],
) -> Result<()> {
    let is_first = |mapping: usize, path: &RelPath| {
        firsts.get(mapping).is_some_and(|firsts| firsts.binary_search(path).is_ok())
    };
    let mut rows = Rows::new(mappings, DigestAlgorithm::default());
    let mut statement = connection.prepare_cached(
        "SELECT mapping, items.directory, directories.path, name, first_mapping, first_path
         FROM items CROSS JOIN directories ON directories.directory = items.directory
         WHERE job = ? AND first_path IS NOT NULL",
    )?;
    let mut found = statement.query((job.0,))?;
    while let Some(row) = found.next()? {
        let first = rel_from_bytes(row.get(5)?)?;
        if is_first(row.get(4)?, &first) {
            let mapping: usize = row.get(0)?;
            let directory = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
            let path = rows.path(mapping, row.get(1)?, directory, row.get(3)?)?;
            let lost = || Fault::content("a lost mapping");
            paths.get_mut(mapping).ok_or_else(lost)?.push(path);
        }
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
) -> Result<()> {
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
