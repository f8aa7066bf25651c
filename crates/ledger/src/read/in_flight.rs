//! What runs that died, or lost the file system, have left in the middle of being done.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use surecopy_engine::{InFlight, Mapping, RecordedEnd, Unsettled};
use surecopy_fs::RelPath;

use crate::error::{Fault, Result};
use crate::job::JobId;
use crate::read::standing::is_copied_later;
use crate::rows::directory_ids::path_below;
use crate::rows::plan::{optional_text, text};
use crate::state::ItemState;
use crate::text::group_text::{Read, from_text};
use crate::text::path_text::{from_bytes, rel_from_bytes};
use crate::text::publication_text::publication;
use crate::text::words::word;

/// What is in flight of a job at which nobody is at work.
pub(crate) fn in_flight(
    connection: &Connection,
    job: JobId,
    mappings: &[Mapping],
) -> Result<InFlight> {
    let sql = "SELECT nonce FROM runs WHERE job = ? AND NOT is_cleared ORDER BY run";
    let mut statement = connection.prepare(sql)?;
    let nonces = statement.query_map((job.0,), |row| row.get(0).map(i64::cast_unsigned))?;
    Ok(InFlight {
        publications: publications(connection, job, mappings)?,
        nonces: nonces.collect::<Result<_, _>>()?,
        directories: directories(connection, job, mappings)?,
    })
}

/// Publications of which something may be left, in the order in which they were recorded.
fn publications(
    connection: &Connection,
    job: JobId,
    mappings: &[Mapping],
) -> Result<Vec<Unsettled>> {
    let mut end = connection.prepare(&format!(
        "SELECT state, {} FROM item_states AS items WHERE job = ? AND item = ?",
        is_copied_later()
    ))?;
    let mut found = Vec::new();
    for Announcement { items, positions, .. } in announced(connection, job)? {
        for (position, read) in items.into_iter().enumerate() {
            if !positions.contains(&position) {
                continue;
            }
            let publication = publication(read, mappings)?;
            let key = (job.0, publication.item.0);
            let (text, is_copied_later): (String, bool) =
                end.query_row(key, |row| Ok((row.get(0)?, row.get(1)?)))?;
            let end = match word(ItemState::from_text, &text)? {
                ItemState::Planned | ItemState::Interrupted => RecordedEnd::None,
                ItemState::Ok | ItemState::Damaged => RecordedEnd::Ok,
                ItemState::Failed | ItemState::Cancelled if is_copied_later => RecordedEnd::Ok,
                ItemState::Failed | ItemState::Cancelled => RecordedEnd::InDoubt,
                ItemState::Skipped | ItemState::Undone => RecordedEnd::Undone,
            };
            found.push(Unsettled { publication, end });
        }
    }
    Ok(found)
}

/// A record that announces publications, of which not all are settled.
pub(crate) struct Announcement {
    pub(crate) record: u64,
    pub(crate) items: Vec<Read>,
    /// Those that are not settled.
    pub(crate) positions: Vec<usize>,
}

/// What was announced and is not settled, oldest first.
pub(crate) fn announced(connection: &Connection, job: JobId) -> Result<Vec<Announcement>> {
    let sql = "SELECT record, positions, body FROM publications JOIN audit USING (job, record)
               WHERE publications.job = ? ORDER BY record";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query((job.0,))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let record: u64 = row.get(0)?;
        let items = from_text(text(row, 2)?).map_err(|fault| fault.in_record(job, record))?;
        let positions: Vec<usize> = match optional_text(row, 1)? {
            Some(positions) => serde_json::from_str(positions)?,
            None => (0..items.len()).collect(),
        };
        if positions.iter().any(|position| *position >= items.len()) {
            return Err(Fault::content("it lacks a publication").in_record(job, record));
        }
        found.push(Announcement { record, items, positions });
    }
    Ok(found)
}

/// The directories in which partial files may be left: those of items that a run had taken which died, or in
/// which not all ended well, and that have no end, or not a good one.
fn directories(
    connection: &Connection,
    job: JobId,
    mappings: &[Mapping],
) -> Result<Vec<(usize, RelPath)>> {
    let sql = "SELECT DISTINCT mapping, path FROM item_states JOIN directories USING (directory)
               WHERE job = ?1 AND state IN ('interrupted', 'failed', 'cancelled')
                 AND run IN (SELECT run FROM runs WHERE job = ?1 AND NOT is_cleared)
               ORDER BY mapping, path";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map((job.0,), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut found = Vec::new();
    for row in rows {
        let (mapping, path): (usize, Vec<u8>) = row?;
        let at = mappings.get(mapping).ok_or_else(|| Fault::content("a lost mapping"))?;
        found.push((mapping, target_directory(at, &from_bytes(path)?)?));
    }
    Ok(found)
}

/// The directory beneath the destination root into which the entries of a source directory go.
fn target_directory(mapping: &Mapping, directory: &Path) -> Result<RelPath> {
    let source: PathBuf = mapping.source_path();
    if !directory.starts_with(&source) {
        // The mapping's own source: its target stands in the directory above.
        return Ok(mapping.target.parent().unwrap_or_default());
    }
    let below = path_below(&source, directory, RelPath::root())?;
    Ok(mapping.target.join_path(&below))
}

/// Directories that the runs of a job have made, those first that others are in. Only those that are
/// not finished, if that is asked for.
pub(crate) fn made_directories(
    connection: &Connection,
    job: JobId,
    mappings: &[Mapping],
    which: Made,
) -> Result<Vec<(usize, RelPath)>> {
    let sql = match which {
        Made::All => "SELECT mapping, path FROM made_directories WHERE job = ?",
        Made::Unfinished => {
            "SELECT mapping, path FROM made_directories WHERE job = ? AND NOT is_finished"
        }
    };
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map((job.0,), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut made = Vec::new();
    for row in rows {
        let (mapping, path): (usize, Vec<u8>) = row?;
        if mapping >= mappings.len() {
            return Err(Fault::content("a lost mapping"));
        }
        made.push((mapping, rel_from_bytes(path)?));
    }
    // The deepest first.
    made.sort_by_cached_key(|(_, path)| std::cmp::Reverse(path.depth()));
    Ok(made)
}

/// Which of the directories that a job has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    /// Every one.
    All,
    /// Those that do not have their own metadata yet.
    Unfinished,
}
