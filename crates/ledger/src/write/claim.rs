//! Taking planned items from the front of their line. How far that has gone is written down before
//! anybody gets them: beyond it, nothing can have been begun.

use std::collections::VecDeque;
use std::mem;

use rusqlite::Connection;
use surecopy_engine::{PlannedItem, Queue};

use crate::error::{Fault, Outcome};
use crate::job::JobId;
use crate::rows::plan::{COLUMNS, Rows, queue_text};

/// Items are claimed in steps of this many.
pub(crate) const STEP: usize = 1_000;

/// So many items of a line are at hand at most: about ten megabytes. The others are read again.
const AT_HAND: usize = 40_000;

/// The next items of a line.
#[derive(Debug, Default)]
pub(crate) struct Claimed {
    pub(crate) items: Vec<PlannedItem>,
    /// There were no more in the line. It does not follow from how many they are.
    pub(crate) is_last: bool,
}

/// The lines of a run.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    items: Line,
    further_names: Line,
}

impl Lines {
    pub(crate) fn of(&mut self, queue: Queue) -> &mut Line {
        match queue {
            Queue::Items => &mut self.items,
            Queue::FurtherNames => &mut self.further_names,
        }
    }
}

/// What is known of a line without reading it.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// The next items.
    at_hand: VecDeque<PlannedItem>,
    /// More of them stand in the database.
    has_more: bool,
}

impl Line {
    /// Items have been written down, at the end of the line.
    pub(crate) fn append(&mut self, batch: Vec<PlannedItem>) {
        if self.has_more || self.at_hand.len() + batch.len() > AT_HAND {
            self.has_more = true;
        } else {
            self.at_hand.extend(batch);
        }
    }

    /// Claims the next items.
    pub(crate) fn claim(
        &mut self,
        connection: &Connection,
        (job, run): (JobId, u64),
        queue: Queue,
        rows: &mut Rows,
    ) -> Outcome<Claimed> {
        let watermark = match queue {
            Queue::Items => "claimed_items",
            Queue::FurtherNames => "claimed_further",
        };
        let items = if self.at_hand.is_empty() && self.has_more {
            let sql = format!("SELECT {watermark} FROM runs WHERE job = ? AND run = ?");
            let from: u64 =
                connection.prepare_cached(&sql)?.query_row((job.0, run), |row| row.get(0))?;
            let read = read(connection, (job, from), queue, rows)?;
            self.has_more = read.len() == STEP;
            read
        } else if self.at_hand.len() <= STEP {
            mem::take(&mut self.at_hand).into()
        } else {
            self.at_hand.drain(..STEP).collect()
        };
        if let Some(last) = items.last() {
            let sql = format!("UPDATE runs SET {watermark} = ? WHERE job = ? AND run = ?");
            let changed = connection.prepare_cached(&sql)?.execute((last.id.0 + 1, job.0, run))?;
            if changed != 1 {
                return Err(Fault::Contradiction(format!("run {run} of job {job} is gone")));
            }
        }
        let is_last = self.at_hand.is_empty() && !self.has_more;
        Ok(Claimed { items, is_last })
    }
}

fn read(
    connection: &Connection,
    (job, from): (JobId, u64),
    queue: Queue,
    rows: &mut Rows,
) -> Outcome<Vec<PlannedItem>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM items CROSS JOIN directories
             ON directories.directory = items.directory
         WHERE job = ?1 AND item >= ?2 AND queue = ?3
             AND NOT EXISTS (SELECT 1 FROM ends WHERE ends.job = ?1 AND ends.item = items.item)
         ORDER BY item LIMIT ?4"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query((job.0, from, queue_text(queue), STEP))?;
    let mut items = Vec::new();
    while let Some(row) = found.next()? {
        items.push(rows.read(row)?);
    }
    Ok(items)
}
