//! Items that were copied, handed on in batches.

use std::path::Path;

use rusqlite::{Connection, Row};
use surecopy_engine::{
    BATCH, Digest, DigestAlgorithm, DoneItem, DoneItems, ItemId, ItemKind, JournalError, Landed,
    Mapping,
};

use crate::error::{Fault, LedgerError, Outcome};
use crate::job::JobId;
use crate::rows::plan::{Rows, optional_text, os_name, text};
use crate::text::seen;
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
        Self { connection, path: path.into(), job, order, rows, last: None }
    }

    fn batch(&mut self) -> Outcome<Vec<DoneItem>> {
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
                 landed_source, landed_target, landed_replaced, kept, digest_algorithm, digest
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
                batch.extend(read(row, &mut self.rows)?);
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

fn read(row: &Row<'_>, rows: &mut Rows) -> Outcome<Option<DoneItem>> {
    let seen_at = |at: usize| {
        let bytes = row.get_ref(at)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
        bytes.map(seen::from_bytes).transpose()
    };
    let (Some(source), Some(target)) = (seen_at(7)?, seen_at(8)?) else { return Ok(None) };
    let mapping = row.get(1)?;
    let path = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
    let digest = match (optional_text(row, 11)?, row.get(12)?) {
        (Some(algorithm), Some(bytes)) => {
            Some(Digest { algorithm: word(DigestAlgorithm::from_text, algorithm)?, bytes })
        }
        (None, None) => None,
        _ => return Err(Fault::content("a digest without its algorithm")),
    };
    Ok(Some(DoneItem {
        item: ItemId(row.get(0)?),
        mapping,
        path: rows.path(mapping, row.get(2)?, path, row.get(4)?)?,
        target_name: os_name(row.get(5)?)?,
        kind: word(ItemKind::from_text, text(row, 6)?)?,
        landed: Landed { source, target, replaced: seen_at(9)? },
        kept: os_name(row.get(10)?)?,
        digest,
    }))
}
