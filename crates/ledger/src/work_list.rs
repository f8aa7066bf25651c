//! The work list of a run: items are put down in batches, claimed in steps, and handed out.

use std::collections::VecDeque;
use std::sync::MutexGuard;
use std::sync::mpsc::{Receiver, sync_channel};

use surecopy_engine::{ItemId, JournalError, PlannedItem, Queue, Rest, WorkList};

use crate::error::LedgerError;
use crate::run::{JobRun, locked};
use crate::write::change::planned_text;
use crate::write::claim::{Claimed, STEP};
use crate::write::writer::Message;

/// Items that are claimed and not handed out.
#[derive(Debug, Default)]
pub(crate) struct Line {
    ready: VecDeque<PlannedItem>,
    /// More of them are being claimed.
    asked: Option<Asked>,
    /// How many batches were put into the line.
    appended: u64,
    /// The ledger has no more.
    is_at_end: bool,
}

/// Items are being claimed while others are worked on.
#[derive(Debug)]
struct Asked {
    answer: Receiver<Result<Claimed, LedgerError>>,
    /// How many batches had been put into the line by then.
    appended: u64,
}

impl JobRun {
    /// Has the next items of a line claimed, unless that is being done or there are none.
    fn ask_for_more(&self, queue: Queue, line: &mut Line) -> Result<(), LedgerError> {
        if line.asked.is_some() || line.is_at_end {
            return Ok(());
        }
        locked(&self.reader).rest().map_err(|fault| self.fault(fault))?;
        let (reply, answer) = sync_channel(1);
        self.tell(Message::Claim(queue, reply))?;
        line.asked = Some(Asked { answer, appended: line.appended });
        Ok(())
    }

    fn line(&self, queue: Queue) -> MutexGuard<'_, Line> {
        locked(match queue {
            Queue::Items => &self.items,
            Queue::FurtherNames => &self.further_names,
        })
    }
}

impl WorkList for JobRun {
    fn first_item(&self) -> ItemId {
        self.first_item
    }

    fn append(&self, queue: Queue, batch: Vec<PlannedItem>) -> Result<(), JournalError> {
        let bytes: u64 = batch.iter().map(PlannedItem::file_bytes).sum();
        let items = batch.len() as u64;
        let mut rest = locked(&self.rest);
        rest.items += items;
        rest.bytes += bytes;
        drop(rest);
        let text = planned_text(&batch).map_err(|fault| self.fault(fault))?;
        self.tell(Message::Append(queue, batch, text))?;
        let mut line = self.line(queue);
        line.appended += 1;
        line.is_at_end = false;
        Ok(())
    }

    fn claim(&self, queue: Queue, limit: usize) -> Result<Vec<PlannedItem>, JournalError> {
        let mut line = self.line(queue);
        while line.ready.is_empty() && !line.is_at_end {
            self.ask_for_more(queue, &mut line)?;
            if let Some(asked) = line.asked.take() {
                let claimed = asked.answer.recv().map_err(|_| self.gone())??;
                line.is_at_end = claimed.is_last && asked.appended == line.appended;
                line.ready = claimed.items.into();
            }
        }
        let count = limit.min(line.ready.len());
        let handed: Vec<PlannedItem> = line.ready.drain(..count).collect();
        if line.ready.len() < STEP / 2 && !handed.is_empty() {
            self.ask_for_more(queue, &mut line)?;
        }
        drop(line);
        let mut rest = locked(&self.rest);
        rest.items -= handed.len() as u64;
        rest.bytes -= handed.iter().map(PlannedItem::file_bytes).sum::<u64>();
        Ok(handed)
    }

    fn rest(&self) -> Rest {
        *locked(&self.rest)
    }
}
