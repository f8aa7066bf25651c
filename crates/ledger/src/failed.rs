//! What of a job has failed and is not well yet, so that it can be tried again. There is one rule for
//! that: what is tried again goes by it, and so does whether a job has come to its end.

use std::path::Path;

use rusqlite::Connection;
use surecopy_engine::{DigestAlgorithm, ItemKind, ItemReport, Mapping};
use surecopy_fs::RelPath;

use crate::directory_ids::{directory, find, name};
use crate::error::{Fault, Outcome};
use crate::job::JobId;
use crate::path_text::rel;
use crate::plan::Rows;
use crate::reports::Reports;
use crate::standing::ENDED_WELL_LATER;

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
         WHERE job = ?1 AND state = 'failed' AND NOT EXISTS ({ENDED_WELL_LATER})
             AND (run >= ?2 OR EXISTS (
                 SELECT 1 FROM items AS later
                 WHERE later.directory = items.directory AND later.name = items.name
                     AND later.job = ?1 AND later.mapping = items.mapping AND later.run >= ?2))
         ORDER BY item",
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
    let sql = "SELECT coalesce(max(run), 0) FROM runs WHERE job = ? AND planned IS NOT NULL";
    let last_planned = connection.query_row(sql, (job.0,), |row| row.get(0))?;
    let entries = Entries { connection, job, mappings, last_planned };
    let mut reports = Reports::new(connection, job);
    let mut statement = connection.prepare_cached(
        "SELECT run, record FROM refusals WHERE job = ?1 AND run >= ?2 ORDER BY record",
    )?;
    let mut found = statement.query((job.0, whole))?;
    while let Some(row) = found.next()? {
        let report = reports.of(row.get(1)?, 0)?;
        for (mapping, path) in entries.of(&report)? {
            if !entries.is_dealt_with((mapping, &path), report.kind, row.get(0)?)? {
                failed[mapping].push(path);
            }
        }
    }
    Ok(())
}

/// Entries that were refused, and what became of them.
struct Entries<'a> {
    connection: &'a Connection,
    job: JobId,
    mappings: &'a [Mapping],
    /// The last run that looked at all that had failed, if at nothing else.
    last_planned: u64,
}

impl Entries<'_> {
    /// Which entry a report tells of: there is one, unless nobody can tell.
    fn of(&self, report: &ItemReport) -> Outcome<Vec<(usize, RelPath)>> {
        let mut entries = Vec::new();
        for (index, mapping) in self.mappings.iter().enumerate() {
            if let Ok(below) = report.source.strip_prefix(mapping.source_path()) {
                entries.push((index, rel(below)?));
            }
        }
        // One source may stand in another: where it was to go tells them apart.
        let is_it = |(index, path): &(usize, RelPath)| {
            let below = report.target.strip_prefix(self.mappings[*index].target_path());
            below.is_ok_and(|below| below == path.as_path())
        };
        if entries.iter().any(is_it) {
            entries.retain(is_it);
        }
        Ok(entries)
    }

    /// Whether a later run has dealt with an entry that one had refused.
    fn is_dealt_with(
        &self,
        (mapping, path): (usize, &RelPath),
        kind: ItemKind,
        run: u64,
    ) -> Outcome<bool> {
        if run >= self.last_planned {
            return Ok(false);
        }
        // Directories are not among the items. The last run would have refused this one again.
        if kind == ItemKind::Directory {
            return Ok(true);
        }
        let source = self.mappings[mapping].source_path();
        let itself = directory(&source, path);
        if self.has_planned_beneath(&itself)? {
            return Ok(true);
        }
        let above = itself.parent().unwrap_or(&itself).as_os_str().as_encoded_bytes();
        let Some(id) = find(self.connection, above)? else { return Ok(false) };
        let sql = "SELECT run, state IN ('ok', 'skipped', 'damaged', 'undone') FROM item_states
                   WHERE directory = ? AND name = ? AND job = ? AND mapping = ? ORDER BY item DESC";
        let mut statement = self.connection.prepare_cached(sql)?;
        let key = (id, name(self.mappings, mapping, path), self.job.0, mapping);
        let rows = statement.query_map(key, |row| Ok((row.get(0)?, row.get(1)?)))?;
        let rows = rows.collect::<Result<Vec<(u64, bool)>, _>>()?;
        let ended_well = rows.iter().any(|(planned_by, is_well)| *planned_by > run && *is_well);
        // What was copied before it was refused, and still is as it was left, is not planned anew.
        let is_kept = rows.first().is_some_and(|(by, is_well)| *by <= run && *is_well);
        Ok(ended_well || is_kept)
    }

    /// What could not be looked at may have been a directory.
    fn has_planned_beneath(&self, path: &Path) -> Outcome<bool> {
        let Some(id) = find(self.connection, path.as_os_str().as_encoded_bytes())? else {
            return Ok(false);
        };
        let sql = "SELECT EXISTS (SELECT 1 FROM items WHERE directory = ? AND job = ? AND run = ?)";
        let key = (id, self.job.0, self.last_planned);
        Ok(self.connection.prepare_cached(sql)?.query_row(key, |row| row.get(0))?)
    }
}
