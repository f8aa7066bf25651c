//! Taking planned items from the front of their line. How far that has gone is written down before
//! anybody gets them: beyond it, nothing can have been begun.

use rusqlite::Connection;
use surecopy_engine::{PlannedItem, Queue};

use crate::error::{Fault, Outcome};
use crate::job::JobId;
use crate::plan::{COLUMNS, Rows, queue_text};

/// Items are claimed in steps of this many.
pub(crate) const STEP: usize = 1_000;

/// Claims the next items.
pub(crate) fn claim(
    connection: &Connection,
    (job, run): (JobId, u64),
    queue: Queue,
    rows: &mut Rows,
) -> Outcome<Vec<PlannedItem>> {
    let watermark = match queue {
        Queue::Items => "claimed_items",
        Queue::FurtherNames => "claimed_further",
    };
    let sql = format!("SELECT {watermark} FROM runs WHERE job = ? AND run = ?");
    let from: u64 = connection.prepare_cached(&sql)?.query_row((job.0, run), |row| row.get(0))?;
    let sql = format!(
        "SELECT {COLUMNS} FROM items CROSS JOIN directories
             ON directories.directory = items.directory
         WHERE job = ? AND item >= ? AND queue = ? AND state = 'planned'
         ORDER BY item LIMIT ?"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query((job.0, from, queue_text(queue), STEP))?;
    let mut claimed = Vec::new();
    while let Some(row) = found.next()? {
        claimed.push(rows.read(row)?);
    }
    if let Some(last) = claimed.last() {
        let sql = format!("UPDATE runs SET {watermark} = ? WHERE job = ? AND run = ?");
        let changed = connection.prepare_cached(&sql)?.execute((last.id.0 + 1, job.0, run))?;
        if changed != 1 {
            return Err(Fault::Contradiction(format!("run {run} of job {job} is gone")));
        }
    }
    Ok(claimed)
}
