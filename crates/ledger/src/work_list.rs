//! The work list of a run: items are put down in batches, and handed out.

use surecopy_engine::{ItemId, JournalError, PlannedItem, Queue, Rest, WorkList};

use crate::lines::locked;
use crate::run::JobRun;
use crate::write::change::planned_text;
use crate::write::writer::Message;

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
        // Until then the line is not at its end.
        self.lines.of(queue).lock().unwritten += 1;
        Ok(self.tell(Message::Append(queue, batch, text))?)
    }

    fn claim(&self, queue: Queue, limit: usize) -> Result<Vec<PlannedItem>, JournalError> {
        // What was asked while planning does not keep the log from being put into the database.
        locked(&self.reader).rest().map_err(|fault| self.fault(fault))?;
        let line = self.lines.of(queue);
        let mut state = line.lock();
        let handed = loop {
            let handed = state.hand_out(limit);
            if !handed.is_empty() || state.is_at_end() || limit == 0 {
                break handed;
            }
            if state.is_closed {
                return Err(self.gone().into());
            }
            if state.is_asked {
                state = line.wait(state);
                continue;
            }
            // Whoever writes takes the lock as well: it is not held while there is no room for a message.
            state.is_asked = true;
            drop(state);
            self.tell(Message::More(queue))?;
            state = line.lock();
        };
        let is_running_dry = state.is_running_dry();
        if is_running_dry {
            state.is_asked = true;
        }
        drop(state);
        if is_running_dry {
            self.tell(Message::More(queue))?;
        }
        let mut rest = locked(&self.rest);
        rest.items -= handed.len() as u64;
        rest.bytes -= handed.iter().map(PlannedItem::file_bytes).sum::<u64>();
        Ok(handed)
    }

    fn rest(&self) -> Rest {
        *locked(&self.rest)
    }
}
