//! What runs that died have left in the middle of being done.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use surecopy_engine::{InFlight, ItemId, Mapping, Publication, RecordedEnd, Unsettled};
use surecopy_fs::RelPath;

use crate::directory_ids::path_below;
use crate::error::{Fault, Outcome};
use crate::item_text::word;
use crate::job::JobId;
use crate::path_text::{from_bytes, from_members, rel, rel_from_bytes};
use crate::plan::text;
use crate::records::{PublicationText, Publishing};
use crate::state::ItemState;

/// What is in flight of a job at which nobody is at work.
pub(crate) fn in_flight(
    connection: &Connection,
    job: JobId,
    mappings: &[Mapping],
) -> Outcome<InFlight> {
    let sql = "SELECT nonce FROM runs WHERE job = ? AND NOT is_cleared ORDER BY run";
    let mut statement = connection.prepare(sql)?;
    let nonces = statement.query_map((job.0,), |row| row.get(0).map(i64::cast_unsigned))?;
    Ok(InFlight {
        publications: publications(connection, job)?,
        nonces: nonces.collect::<Result<_, _>>()?,
        directories: directories(connection, job, mappings)?,
    })
}

/// Publications of which something may be left, in the order in which they were recorded.
fn publications(connection: &Connection, job: JobId) -> Outcome<Vec<Unsettled>> {
    let sql = "SELECT publications.record, position, audit.body, items.state
               FROM publications
                   JOIN audit USING (job, record)
                   JOIN items USING (job, item)
               WHERE publications.job = ? ORDER BY publications.record, position";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query((job.0,))?;
    let mut found = Vec::new();
    let mut group: Option<(u64, Vec<Option<Publication>>)> = None;
    while let Some(row) = rows.next()? {
        let record: u64 = row.get(0)?;
        let end = match word(ItemState::from_text, text(row, 3)?)? {
            ItemState::Planned | ItemState::Interrupted => RecordedEnd::None,
            ItemState::Ok | ItemState::Damaged => RecordedEnd::Ok,
            ItemState::Skipped | ItemState::Failed | ItemState::Cancelled | ItemState::Undone => {
                RecordedEnd::Otherwise
            }
        };
        let items = match &mut group {
            Some((known, items)) if *known == record => items,
            _ => &mut group.insert((record, read_group(text(row, 2)?)?)).1,
        };
        let position: usize = row.get(1)?;
        let lost = || Fault::content(format!("record {record}, which lacks a publication"));
        let publication = items.get_mut(position).and_then(Option::take).ok_or_else(lost)?;
        found.push(Unsettled { publication, end });
    }
    Ok(found)
}

fn read_group(body: &str) -> Outcome<Vec<Option<Publication>>> {
    let group: Publishing<'_> = serde_json::from_str(body)?;
    group.items.into_iter().map(|item| item.read().map(Some)).collect()
}

impl PublicationText<'_> {
    pub(crate) fn read(self) -> Outcome<Publication> {
        Ok(Publication {
            item: ItemId(self.item),
            mapping: self.mapping,
            target: rel(&from_members(&self.below, self.below_bytes.as_deref())?)?,
            partial: OsString::from(&*self.partial),
            backup: OsString::from(&*self.backup),
            report: Box::new(self.report.read()?),
        })
    }
}

/// The directories in which partial files may be left: those of items that dead runs had taken, and
/// that have no end.
fn directories(
    connection: &Connection,
    job: JobId,
    mappings: &[Mapping],
) -> Outcome<Vec<(usize, RelPath)>> {
    let sql = "SELECT DISTINCT mapping, path FROM items JOIN directories USING (directory)
               WHERE job = ?1 AND state = 'interrupted'
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
fn target_directory(mapping: &Mapping, directory: &Path) -> Outcome<RelPath> {
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
    which: Made,
) -> Outcome<Vec<(usize, RelPath)>> {
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
