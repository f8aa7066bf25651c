//! What the thread that writes does for those who take items: it writes down how far they may go, lets
//! them have what it has written, and reads again what was not kept at hand.

use std::sync::Arc;

use rusqlite::Connection;
use surecopy_engine::{PlannedItem, Queue};

use crate::error::{Fault, Result};
use crate::job::JobId;
use crate::lines::Lines;
use crate::rows::plan::{COLUMNS, Rows, queue_text};

/// Items are read again in steps of this many.
const STEP: usize = 1_000;

/// When fewer than this are at hand, more are read.
pub(crate) const FEW: usize = STEP / 2;

/// So many items of a line are at hand at most: about ten megabytes. The others are read again.
const AT_HAND: usize = 40_000;

/// Items may be handed out up to a number so far ahead. What a run that died may have begun is looked for
/// among them, so it is not far.
const LEASE: u64 = 4_000;

/// Both lines of a run, to the thread that writes.
#[derive(Debug)]
pub(crate) struct HandingOut {
    lines: Arc<Lines>,
    queues: [Written; 2],
}

/// What becomes of a line with the transaction that is being written.
#[derive(Debug)]
struct Written {
    queue: Queue,
    /// Comes to the end of what is at hand.
    items: Vec<PlannedItem>,
    batches: usize,
    /// More stand in the database.
    has_more: bool,
    /// Somebody wants more.
    is_asked: bool,
    /// Items of it are being handed out, or soon will be.
    is_begun: bool,
    /// The number after the last item that was ever at hand.
    at_hand_to: u64,
    leased: Option<u64>,
}

impl Written {
    /// So many more can be at hand, beside those that wait in the line.
    fn has_room(&self, waiting: usize, more: usize) -> bool {
        waiting + self.items.len() + more <= AT_HAND
    }

    /// More can be read, and few are at hand, with those that wait in the line.
    fn is_low(&self, waiting: usize) -> bool {
        self.has_more && waiting + self.items.len() < FEW
    }

    /// Nothing was written down, and nobody wants anything.
    fn is_untouched(batches: usize, is_asked: bool) -> bool {
        batches == 0 && !is_asked
    }
}

impl HandingOut {
    pub(crate) fn new(lines: Arc<Lines>) -> Self {
        let queues = [Queue::Items, Queue::FurtherNames].map(|queue| Written {
            queue,
            items: Vec::new(),
            batches: 0,
            has_more: false,
            is_asked: false,
            is_begun: false,
            at_hand_to: lines.of(queue).lock().leased,
            leased: None,
        });
        Self { lines, queues }
    }

    fn of(&mut self, queue: Queue) -> &mut Written {
        match queue {
            Queue::Items => &mut self.queues[0],
            Queue::FurtherNames => &mut self.queues[1],
        }
    }

    /// It is known where things go, so items may be handed out: first of this line, and of the other one
    /// when it is empty.
    pub(crate) fn begin(&mut self) {
        self.of(Queue::Items).is_begun = true;
    }

    /// Items have been written down, at the end of a line.
    pub(crate) fn append(&mut self, queue: Queue, batch: Vec<PlannedItem>) {
        let waiting = self.lines.of(queue).lock().ready.len();
        let line = self.of(queue);
        line.batches += 1;
        if line.has_more || !line.has_room(waiting, batch.len()) {
            line.has_more = true;
        } else if let Some(last) = batch.last() {
            line.at_hand_to = last.id.0 + 1;
            line.items.extend(batch);
        }
    }

    /// Somebody wants more of a line than is at hand.
    pub(crate) fn more(
        &mut self,
        connection: &Connection,
        job: JobId,
        queue: Queue,
        rows: &mut Rows,
    ) -> Result<()> {
        let waiting = self.lines.of(queue).lock().ready.len();
        let line = self.of(queue);
        line.is_asked = true;
        line.is_begun = true;
        if line.is_low(waiting) {
            let read = read(connection, (job, line.at_hand_to), queue, rows)?;
            line.has_more = read.len() == STEP;
            if let Some(last) = read.last() {
                line.at_hand_to = last.id.0 + 1;
            }
            line.items.extend(read);
        }
        Ok(())
    }

    /// Writes down how far items may be handed out, where that is not far any more.
    pub(crate) fn save(&mut self, connection: &Connection, job: JobId, run: u64) -> Result<()> {
        for line in self.queues.iter_mut().filter(|line| line.is_begun) {
            let state = self.lines.of(line.queue).lock();
            // The numbers of a line have gaps: others are in the other one.
            let Some(first) = state.ready.front().or(line.items.first()) else { continue };
            let (is_near, to) = (state.leased < first.id.0 + LEASE / 2, first.id.0 + LEASE);
            drop(state);
            if !is_near {
                continue;
            }
            let column = match line.queue {
                Queue::Items => "claimed_items",
                Queue::FurtherNames => "claimed_further",
            };
            let sql = format!("UPDATE runs SET {column} = ? WHERE job = ? AND run = ?");
            let changed = connection.prepare_cached(&sql)?.execute((to, job.0, run))?;
            if changed != 1 {
                return Err(Fault::Contradiction(format!("run {run} of job {job} is gone")));
            }
            line.leased = Some(to);
        }
        Ok(())
    }

    /// The transaction is durable: what it wrote may be handed out.
    pub(crate) fn release(&mut self) {
        for line in &mut self.queues {
            let (asked, batches) = (std::mem::take(&mut line.is_asked), line.batches);
            let is_untouched = Written::is_untouched(batches, asked);
            if is_untouched && line.items.is_empty() && line.leased.is_none() {
                continue;
            }
            line.batches = 0;
            self.lines.of(line.queue).change(|state| {
                state.ready.extend(line.items.drain(..));
                state.has_more = line.has_more;
                state.unwritten -= batches;
                state.leased = line.leased.take().unwrap_or(state.leased);
                state.is_asked &= !asked;
            });
        }
    }

    /// Nothing will be written any more.
    pub(crate) fn close(&self) {
        self.lines.close();
    }
}

impl Drop for HandingOut {
    fn drop(&mut self) {
        // Nobody is left waiting, whatever became of the thread.
        self.close();
    }
}

fn read(
    connection: &Connection,
    (job, from): (JobId, u64),
    queue: Queue,
    rows: &mut Rows,
) -> Result<Vec<PlannedItem>> {
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
