//! Entries that were refused before they could be planned, and what became of them.

use std::path::Path;

use rusqlite::Connection;
use surecopy_engine::{ItemKind, ItemReport, Mapping};
use surecopy_fs::RelPath;

use crate::error::Result;
use crate::job::JobId;
use crate::read::failed::last_whole_run;
use crate::read::reports::Reports;
use crate::read::standing::WELL;
use crate::rows::directory_ids::{directory, find, name};
use crate::text::path_text::rel;

/// An entry that was refused before it could be planned.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The record of the audit log that tells of it.
    pub record: u64,
    /// The run that refused it.
    pub run: u64,
    /// It is not so any more: a later run has refused it again, or got further with it, or has not met
    /// it any more.
    pub is_superseded: bool,
    /// Everything that was said of it.
    pub report: ItemReport,
}

/// Refusals of a job, those after the one with this record, at most `limit`.
pub(crate) fn refusals(
    connection: &Connection,
    job: JobId,
    mappings: &[Mapping],
    after: u64,
    limit: usize,
) -> Result<Vec<Refusal>> {
    let whole = last_whole_run(connection, job)?;
    let refused = Refused::new(connection, job, mappings)?;
    let mut reports = Reports::new(connection, job);
    let mut statement = connection.prepare_cached(
        "SELECT run, record, record NOT IN (
             SELECT max(record) FROM refusals WHERE job = ?1 GROUP BY source)
         FROM refusals WHERE job = ?1 AND record > ?2 ORDER BY record LIMIT ?3",
    )?;
    let mut found = statement.query((job.0, after, limit))?;
    let mut refusals = Vec::new();
    while let Some(row) = found.next()? {
        let (run, record) = (row.get(0)?, row.get(1)?);
        let report = reports.of_refusal(record)?;
        let mut is_superseded = run < whole || row.get(2)?;
        for (mapping, path) in refused.entries(&report)? {
            let since = refused.since((mapping, &path), report.kind, run)?;
            is_superseded |= since != Since::Nothing;
        }
        refusals.push(Refusal { record, run, is_superseded, report });
    }
    Ok(refusals)
}

/// What became of an entry after it was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// Nothing, as far as is known.
    Nothing,
    /// It was planned, and failed.
    Failed,
    /// It was dealt with.
    Well,
}

/// Finds out what became of entries that were refused.
pub(crate) struct Refused<'a> {
    connection: &'a Connection,
    job: JobId,
    mappings: &'a [Mapping],
    /// The last run that looked at all that had failed, if at nothing else.
    last_planned: u64,
}

impl<'a> Refused<'a> {
    pub(crate) fn new(
        connection: &'a Connection,
        job: JobId,
        mappings: &'a [Mapping],
    ) -> Result<Self> {
        let sql = "SELECT coalesce(max(run), 0) FROM runs WHERE job = ? AND planned IS NOT NULL";
        let last_planned = connection.query_row(sql, (job.0,), |row| row.get(0))?;
        Ok(Self { connection, job, mappings, last_planned })
    }

    /// Which entry a report tells of: there is one, unless nobody can tell.
    pub(crate) fn entries(&self, report: &ItemReport) -> Result<Vec<(usize, RelPath)>> {
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

    /// What became of an entry that a run has refused.
    pub(crate) fn since(
        &self,
        (mapping, path): (usize, &RelPath),
        kind: ItemKind,
        run: u64,
    ) -> Result<Since> {
        if run >= self.last_planned {
            return Ok(Since::Nothing);
        }
        // Directories are not among the items. The last run would have refused this one again.
        if kind == ItemKind::Directory {
            return Ok(Since::Well);
        }
        let source = self.mappings[mapping].source_path();
        if self.has_planned_beneath(&directory(&source, path))? {
            return Ok(Since::Well);
        }
        // As it was written down: a source that was typed with a slash behind it has that here, too.
        let above = match path.parent() {
            Some(parent) => directory(&source, &parent),
            None => source.parent().unwrap_or(&source).to_owned(),
        };
        let above = above.as_os_str().as_encoded_bytes();
        let Some(id) = find(self.connection, above)? else { return Ok(Since::Nothing) };
        let sql = format!(
            "SELECT run, state IN ({WELL}), state = 'failed' FROM item_states
             WHERE directory = ? AND name = ? AND job = ? AND mapping = ? ORDER BY item DESC"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let key = (id, name(self.mappings, mapping, path), self.job.0, mapping);
        let rows = statement.query_map(key, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let rows = rows.collect::<Result<Vec<(u64, bool, bool)>, _>>()?;
        let later = || rows.iter().filter(|(planned_by, ..)| *planned_by > run);
        // What was copied before it was refused, and still is as it was left, is not planned anew.
        let is_kept = rows.first().is_some_and(|(by, is_well, _)| *by <= run && *is_well);
        Ok(if is_kept || later().any(|(_, is_well, _)| *is_well) {
            Since::Well
        } else if later().any(|(.., has_failed)| *has_failed) {
            Since::Failed
        } else {
            Since::Nothing
        })
    }

    /// What could not be looked at may have been a directory.
    fn has_planned_beneath(&self, path: &Path) -> Result<bool> {
        let Some(id) = find(self.connection, path.as_os_str().as_encoded_bytes())? else {
            return Ok(false);
        };
        let sql = "SELECT EXISTS (SELECT 1 FROM items WHERE directory = ? AND job = ? AND run = ?)";
        let key = (id, self.job.0, self.last_planned);
        Ok(self.connection.prepare_cached(sql)?.query_row(key, |row| row.get(0))?)
    }
}
