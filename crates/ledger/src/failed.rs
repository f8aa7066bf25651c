//! What of a job has failed, so that it can be tried again.

use std::collections::BTreeSet;

use rusqlite::Connection;
use surecopy_engine::Mapping;
use surecopy_fs::RelPath;

use crate::error::Outcome;
use crate::job::JobId;
use crate::path_text::{from_bytes, rel};
use crate::plan::Rows;

/// Entries that failed the last time that anything was tried with them, and entries that the last
/// copying run refused: mappings, and paths beneath their sources.
pub(crate) fn failed_paths(
    connection: &Connection,
    job: JobId,
    mappings: &[Mapping],
    rows: &mut Rows,
) -> Outcome<BTreeSet<(usize, RelPath)>> {
    let mut failed = BTreeSet::new();
    let mut statement = connection.prepare_cached(
        "SELECT mapping, items.directory, directories.path, name FROM item_states AS items
             CROSS JOIN directories ON directories.directory = items.directory
         WHERE job = ?1 AND state = 'failed' AND NOT EXISTS (
             SELECT 1 FROM items AS later
             WHERE later.directory = items.directory AND later.name = items.name
                 AND later.job = ?1 AND later.mapping = items.mapping AND later.item > items.item)
         ORDER BY item",
    )?;
    let mut found = statement.query((job.0,))?;
    while let Some(row) = found.next()? {
        let mapping = row.get(0)?;
        let path = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
        failed.insert((mapping, rows.path(mapping, row.get(1)?, path, row.get(3)?)?));
    }
    let mut statement = connection.prepare_cached(
        "SELECT source FROM refusals WHERE job = ?1 AND run = (
             SELECT max(run) FROM runs WHERE job = ?1 AND kind IN ('copy', 'resume', 'retry'))",
    )?;
    let mut found = statement.query((job.0,))?;
    while let Some(row) = found.next()? {
        let source = from_bytes(row.get(0)?)?;
        for (index, mapping) in mappings.iter().enumerate() {
            if let Ok(below) = source.strip_prefix(mapping.source_path()) {
                failed.insert((index, rel(below)?));
            }
        }
    }
    Ok(failed)
}
