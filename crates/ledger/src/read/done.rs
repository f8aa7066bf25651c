//! Items that were copied, handed on in batches.

use std::path::Path;

use rusqlite::{Connection, Row};
use surecopy_engine::{
    BATCH, DigestAlgorithm, DoneItem, DoneItems, ItemId, ItemKind, JournalError, Mapping,
};

use crate::error::{Fault, LedgerError, Result};
use crate::job::JobId;
use crate::rows::plan::{Rows, os_name, text};
use crate::rows::records::{Place, Records};
use crate::text::gist::Gist;
use crate::text::words::word;

/// Which copied items are wanted, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoneOrder {
    /// The last copy of each entry, in the order of planning: what should be there now.
    Standing,
    /// Every copy, the last one first: the order in which they are undone. Those that are undone come
    /// again as long as something of theirs may be left under the name of what they had replaced.
    Backward,
    /// Those whose replaced file is kept, in the order of planning.
    Kept,
}

/// Reads the copied items of a job.
#[derive(Debug)]
pub(crate) struct DoneRows {
    connection: Connection,
    path: Box<Path>,
    job: JobId,
    order: DoneOrder,
    rows: Rows,
    records: Records<Gist>,
    /// The last one that was handed out.
    last: Option<i64>,
}

impl DoneRows {
    pub(crate) fn new(
        connection: Connection,
        path: &Path,
        job: JobId,
        mappings: &[Mapping],
        order: DoneOrder,
    ) -> Self {
        let rows = Rows::new(mappings, DigestAlgorithm::default());
        let path = path.into();
        Self { connection, path, job, order, rows, records: Records::default(), last: None }
    }

    fn batch(&mut self) -> Result<Vec<DoneItem>> {
        let (condition, order) = match self.order {
            DoneOrder::Standing => (
                "state IN ('ok', 'damaged') AND item > ?2 AND NOT EXISTS (
                     SELECT 1 FROM item_states AS later
                     WHERE later.directory = items.directory AND later.name = items.name
                       AND later.job = items.job AND later.mapping = items.mapping
                       AND later.item > items.item
                       AND later.state IN ('ok', 'damaged'))",
                "ASC",
            ),
            DoneOrder::Backward => (
                "(state IN ('ok', 'damaged') OR state = 'undone' AND kept IS NOT NULL)
                 AND item < ?2",
                "DESC",
            ),
            DoneOrder::Kept => {
                ("state IN ('ok', 'damaged') AND item > ?2 AND kept IS NOT NULL", "ASC")
            }
        };
        let beyond = if order == "ASC" { -1 } else { i64::MAX };
        let sql = format!(
            "SELECT item, mapping, items.directory, directories.path, name, target_name, kind,
                 kept, record, position
             FROM item_states AS items
             CROSS JOIN directories ON directories.directory = items.directory
             WHERE job = ?1 AND {condition}
             ORDER BY item {order} LIMIT ?3"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut batch = Vec::new();
        // An empty batch would be taken for the end.
        while batch.is_empty() {
            let before = self.last;
            let mut found = statement.query((self.job.0, before.unwrap_or(beyond), BATCH))?;
            while let Some(row) = found.next()? {
                self.last = Some(row.get(0)?);
                // What was published without anything to know it by is not known again.
                let place = Place::from_columns(row.get(8)?, row.get(9)?);
                let place = place.ok_or_else(|| Fault::content("an end that nothing tells of"))?;
                let told = self.records.at(&self.connection, self.job, place)?;
                batch.extend(read(row, &mut self.rows, told)?);
            }
            if self.last == before {
                break;
            }
        }
        Ok(batch)
    }
}

impl DoneItems for DoneRows {
    fn next_batch(&mut self) -> Result<Vec<DoneItem>, JournalError> {
        self.batch().map_err(|fault| LedgerError::into(fault.in_ledger(&self.path)))
    }
}

fn read(row: &Row<'_>, rows: &mut Rows, told: &Gist) -> Result<Option<DoneItem>> {
    let Some(landed) = told.landed else { return Ok(None) };
    let mapping = row.get(1)?;
    let path = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
    Ok(Some(DoneItem {
        item: ItemId(row.get(0)?),
        mapping,
        path: rows.path(mapping, row.get(2)?, path, row.get(4)?)?,
        target_name: os_name(row.get(5)?)?,
        kind: word(ItemKind::from_text, text(row, 6)?)?,
        landed,
        kept: os_name(row.get(7)?)?,
        digest: told.digest.clone(),
    }))
}
