//! What happened to each file of a job, and which of them failed.

use std::path::PathBuf;

use rusqlite::{Connection, Row};
use surecopy_engine::{DigestAlgorithm, ItemId, ItemKind, ItemReport, Mapping};
use surecopy_fs::RelPath;

use crate::error::{Fault, Result};
use crate::job::JobId;
use crate::read::failed::last_whole_run;
use crate::read::reports::Reports;
use crate::read::standing::is_superseded;
use crate::rows::plan::{Rows, os_name, text};
use crate::rows::records::Place;
use crate::state::ItemState;
use crate::text::seen;
use crate::text::words::word;

/// An item of a job, as it stands in the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemRecord {
    /// Its number.
    pub item: ItemId,
    /// The run that planned it.
    pub run: u64,
    /// How far it has got. What is planned of a run that has ended was not begun.
    pub state: ItemState,
    /// It is not so any more: a later run has got further with the same entry, or has not met it.
    pub is_superseded: bool,
    /// What it is.
    pub kind: ItemKind,
    /// Where it comes from.
    pub source: PathBuf,
    /// Where it goes.
    pub target: PathBuf,
    /// Its size when it was planned.
    pub size_bytes: u64,
    /// What it replaced is kept beside it.
    pub is_kept: bool,
    /// Everything that was said of it when it ended.
    pub report: Option<ItemReport>,
}

/// Items of a job after the one with this number, those in one state if one is given.
pub(crate) fn items(
    connection: &Connection,
    job: JobId,
    mappings: &[Mapping],
    state: Option<ItemState>,
    after: Option<ItemId>,
    limit: usize,
) -> Result<Vec<ItemRecord>> {
    let after = after.map_or(Ok(-1), |item| i64::try_from(item.0));
    let after = after.map_err(|_| Fault::Contradiction("an item of that number".to_owned()))?;
    let whole = last_whole_run(connection, job)?;
    let sql = format!(
        "SELECT items.item, mapping, items.directory, directories.path, name, target_name,
                   kind, run, state, source, kept IS NOT NULL AND state <> 'undone', record,
                   position, {}
               FROM item_states AS items
               CROSS JOIN directories ON directories.directory = items.directory
               WHERE items.job = ?1 AND items.item > ?2 AND (?3 IS NULL OR state = ?3)
               ORDER BY items.item LIMIT ?4",
        is_superseded("?5")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query((job.0, after, state.map(ItemState::as_str), limit, whole))?;
    let mut rows = Rows::new(mappings, DigestAlgorithm::default());
    let mut reports = Reports::new(connection, job);
    let mut items = Vec::new();
    while let Some(row) = found.next()? {
        let place = Place::from_columns(row.get(11)?, row.get(12)?);
        let report = place.map(|place| reports.of(place)).transpose()?;
        items.push(read(row, &mut rows, mappings, report)?);
    }
    Ok(items)
}

fn read(
    row: &Row<'_>,
    rows: &mut Rows,
    mappings: &[Mapping],
    report: Option<ItemReport>,
) -> Result<ItemRecord> {
    let number: usize = row.get(1)?;
    let mapping = mappings.get(number).ok_or_else(|| Fault::content("a lost mapping"))?;
    let directory = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
    let path = rows.path(number, row.get(2)?, directory, row.get(4)?)?;
    let mut target = below(mapping.target_path(), &path);
    if let Some(name) = os_name(row.get(5)?)? {
        target.set_file_name(name);
    }
    let source = row.get_ref(9)?.as_blob().map_err(rusqlite::Error::from)?;
    Ok(ItemRecord {
        item: ItemId(row.get(0)?),
        run: row.get(7)?,
        state: word(ItemState::from_text, text(row, 8)?)?,
        is_superseded: row.get(13)?,
        kind: word(ItemKind::from_text, text(row, 6)?)?,
        source: below(mapping.source_path(), &path),
        target,
        size_bytes: seen::from_bytes(source)?.size_bytes,
        is_kept: row.get(10)?,
        report,
    })
}

fn below(root: PathBuf, path: &RelPath) -> PathBuf {
    if path.is_root() { root } else { root.join(path.as_path()) }
}
