//! The ends of items.
//!
//! Whatever ended well and just as it was announced is a number in a record that all such items of one
//! group share. Skipped items share records as well: there may be millions.

use std::ffi::{OsStr, OsString};

use rusqlite::Connection;
use surecopy_engine::{DigestAlgorithm, ItemId, ItemReport, ItemStatus};

use crate::error::{Fault, Result};
use crate::job::RunKind;
use crate::rows::records::Place;
use crate::state::ItemState;
use crate::text::group_text::{self, Told};
use crate::text::records::EndedAsAnnounced;
use crate::write::book::{Book, one};

/// So many skipped items share a record at most.
const MANY_SKIPPED: usize = 1_000;

/// Ends for which no record was made yet.
#[derive(Debug, Default)]
pub(crate) enum Waiting {
    #[default]
    Nothing,
    /// Ended as a record has announced: which it is, and the ends.
    AsAnnounced(u64, Vec<End>),
    Skipped(Vec<(ItemId, Box<ItemReport>)>),
}

/// What a row says of the end of an item beyond its state and record.
#[derive(Debug)]
pub(crate) struct End {
    item: ItemId,
    position: usize,
    /// The name under which what was replaced is kept.
    kept: Option<OsString>,
    /// That of the digest, if the record tells one.
    algorithm: Option<DigestAlgorithm>,
    /// Something was not kept of it that could have been.
    is_incomplete: bool,
}

/// How an item may have ended before.
#[derive(Debug, Clone, Copy)]
enum EndedBefore {
    Never,
    /// It failed or was cancelled after it was announced.
    Otherwise,
}

impl Book {
    /// Items have ended just as they were announced.
    pub(crate) fn ended_as_announced(
        &mut self,
        connection: &Connection,
        items: &[ItemId],
    ) -> Result<()> {
        for item in items {
            let Some((place, report)) = self.announced.take(*item) else {
                let message = format!("item {} has ended already, or was not announced", item.0);
                return Err(Fault::Contradiction(message));
            };
            self.tally.add(&report, None);
            self.ended_at(connection, place, *item, &report)?;
        }
        Ok(())
    }

    /// An item has ended as it was announced. Its record is made with those of the next that do.
    fn ended_at(
        &mut self,
        connection: &Connection,
        place: Place,
        item: ItemId,
        report: &ItemReport,
    ) -> Result<()> {
        let end = self.end_of(item, place.position, report);
        if let Waiting::AsAnnounced(record, ends) = &mut self.ends
            && *record == place.record
        {
            ends.push(end);
            return Ok(());
        }
        self.write_ends(connection)?;
        self.ends = Waiting::AsAnnounced(place.record, vec![end]);
        Ok(())
    }

    /// An item has ended. Its record is made with those of the next that end likewise.
    pub(crate) fn ended(
        &mut self,
        connection: &Connection,
        item: ItemId,
        report: Box<ItemReport>,
    ) -> Result<()> {
        self.tally.add(&report, None);
        if let Some(place) = self.announced.as_announced(item, &report) {
            return self.ended_at(connection, place, item, &report);
        }
        let is_skipped = matches!(report.status, ItemStatus::Skipped(_));
        match &mut self.ends {
            Waiting::Skipped(waiting) if is_skipped && waiting.len() < MANY_SKIPPED => {
                waiting.push((item, report));
                Ok(())
            }
            _ => {
                self.write_ends(connection)?;
                let one = vec![(item, report)];
                if is_skipped {
                    self.ends = Waiting::Skipped(one);
                    return Ok(());
                }
                self.end_otherwise(connection, &one)
            }
        }
    }

    /// Makes the record that is due. Nothing else may be recorded before.
    pub(crate) fn write_ends(&mut self, connection: &Connection) -> Result<()> {
        match std::mem::take(&mut self.ends) {
            Waiting::Nothing => Ok(()),
            Waiting::AsAnnounced(record, ends) => {
                let numbers: Vec<u64> = ends.iter().map(|end| end.item.0).collect();
                let body = EndedAsAnnounced { record, items: &numbers };
                self.chain.append(connection, self.at, "ended", &body)?;
                self.insert(connection, ItemState::Ok, record, &ends, EndedBefore::Otherwise)
            }
            Waiting::Skipped(items) => self.end_otherwise(connection, &items),
        }
    }

    /// Ends of one state of which the record says everything.
    fn end_otherwise(
        &mut self,
        connection: &Connection,
        items: &[(ItemId, Box<ItemReport>)],
    ) -> Result<()> {
        let Some((_, first)) = items.first() else { return Ok(()) };
        let state = state_of(&first.status);
        let told = items.iter().map(|(item, report)| Told {
            item: Some(item.0),
            report,
            mapping: 0,
            publication: None,
        });
        let text = group_text::to_text(told.collect())?;
        let record = self.chain.append_text(connection, self.at, "ended", &text)?;
        let ends = items.iter().zip(0..);
        let ends: Vec<End> =
            ends.map(|((item, report), at)| self.end_of(*item, at, report)).collect();
        let mut is_planned =
            connection.prepare_cached("SELECT 1 FROM items WHERE job = ? AND item = ?")?;
        for end in &ends {
            let is_planned = is_planned.exists((self.job.0, end.item.0))?;
            one(usize::from(is_planned), end.item, "was never planned")?;
        }
        self.insert(connection, state, record, &ends, EndedBefore::Never)
    }

    fn end_of(&self, item: ItemId, position: usize, report: &ItemReport) -> End {
        let has_replaced = || report.landed.is_some_and(|landed| landed.replaced.is_some());
        // What ends while a job is undone has been found to be published, and is undone next.
        let keeps = self.keep_replaced || self.kind == RunKind::Undo;
        let is_kept = keeps && report.status == ItemStatus::Ok && has_replaced();
        let backup = report.backup.as_deref().filter(|_| is_kept);
        let kept = backup.and_then(|path| path.file_name()).map(OsString::from);
        let algorithm = report.digest.as_ref().map(|digest| digest.algorithm);
        let is_incomplete = report.status == ItemStatus::Ok && report.is_metadata_incomplete();
        End { item, position, kept, algorithm, is_incomplete }
    }

    /// Writes down how items ended, and where that is told.
    fn insert(
        &self,
        connection: &Connection,
        state: ItemState,
        record: u64,
        ends: &[End],
        before: EndedBefore,
    ) -> Result<()> {
        let mut statement = connection.prepare_cached(
            "INSERT OR IGNORE INTO ends
                 (job, item, state, record, position, kept, digest_algorithm, is_incomplete)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )?;
        for End { item, position, kept, algorithm, is_incomplete } in ends {
            let kept = kept.as_deref().map(OsStr::as_encoded_bytes);
            let algorithm = algorithm.map(DigestAlgorithm::as_str);
            let state_text = state.as_str();
            let row =
                (self.job.0, item.0, state_text, record, position, kept, algorithm, is_incomplete);
            if statement.execute(row)? != 1 {
                // It has a row: an earlier run has left it in the middle, or it has ended. An item ends once,
                // and has a record after that, but for one that is found to be published after all.
                let may_have_ended = match before {
                    EndedBefore::Never => "FALSE",
                    EndedBefore::Otherwise => "state IN ('failed', 'cancelled')",
                };
                let sql = format!(
                    "UPDATE ends SET state = ?3, record = ?4, position = ?5, kept = ?6,
                         digest_algorithm = ?7, is_incomplete = ?8
                     WHERE job = ?1 AND item = ?2 AND (record IS NULL OR {may_have_ended})
                         AND state IN ({})",
                    state.may_come_after()
                );
                let changed = connection.prepare_cached(&sql)?.execute(row)?;
                one(changed, *item, "has ended already")?;
            }
        }
        Ok(())
    }
}

fn state_of(status: &ItemStatus) -> ItemState {
    match status {
        ItemStatus::Ok => ItemState::Ok,
        ItemStatus::Skipped(_) => ItemState::Skipped,
        ItemStatus::Cancelled => ItemState::Cancelled,
        ItemStatus::Error(_) => ItemState::Failed,
    }
}
