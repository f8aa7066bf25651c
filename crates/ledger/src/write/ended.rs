//! The ends of items.
//!
//! Whatever ended well and just as it was announced is a number in a record that all such items of one
//! group share. Skipped items share records as well: there may be millions.

use rusqlite::{Connection, params};
use surecopy_engine::{ItemId, ItemReport, ItemStatus};

use crate::error::{Fault, Outcome};
use crate::state::ItemState;
use crate::text::group_text::{self, Told};
use crate::text::records::EndedAsAnnounced;
use crate::text::seen;
use crate::write::announced::Place;
use crate::write::book::{Book, error_code, one};

/// So many skipped items share a record at most.
const MANY_SKIPPED: usize = 1_000;

/// How the end of an item is written, by its state.
#[derive(Debug)]
struct EndSql(Vec<(ItemState, String)>);

impl EndSql {
    fn new() -> Self {
        let sql = |state: ItemState| (state, sql_for_end(state));
        Self(ItemState::ALL.into_iter().map(sql).collect())
    }

    fn of(&self, state: ItemState) -> &str {
        self.0.iter().find(|(known, _)| *known == state).map_or("", |(_, sql)| sql)
    }
}

/// Ends for which no record was made yet.
#[derive(Debug)]
pub(crate) struct Ends {
    sql: EndSql,
    waiting: Waiting,
}

#[derive(Debug, Default)]
enum Waiting {
    #[default]
    Nothing,
    /// Ended as a record has announced: which it is, the items, and their places in it.
    AsAnnounced(u64, Vec<(ItemId, Box<ItemReport>)>, Vec<usize>),
    Skipped(Vec<(ItemId, Box<ItemReport>)>),
}

impl Ends {
    pub(crate) fn new() -> Self {
        Self { sql: EndSql::new(), waiting: Waiting::Nothing }
    }
}

impl Book {
    /// Items have ended just as they were announced.
    pub(crate) fn ended_as_announced(
        &mut self,
        connection: &Connection,
        items: &[ItemId],
    ) -> Outcome<()> {
        for item in items {
            let Some((place, report)) = self.announced.take(*item) else {
                let message = format!("item {} has ended already, or was not announced", item.0);
                return Err(Fault::Contradiction(message));
            };
            self.tally.add(&report, None);
            self.ended_at(connection, place, *item, report)?;
        }
        Ok(())
    }

    /// An item has ended as it was announced. Its record is made with those of the next that do.
    fn ended_at(
        &mut self,
        connection: &Connection,
        place: Place,
        item: ItemId,
        report: Box<ItemReport>,
    ) -> Outcome<()> {
        if let Waiting::AsAnnounced(record, items, positions) = &mut self.ends.waiting
            && *record == place.record
        {
            items.push((item, report));
            positions.push(place.position);
            return Ok(());
        }
        self.write_ends(connection)?;
        let (one, position) = (vec![(item, report)], vec![place.position]);
        self.ends.waiting = Waiting::AsAnnounced(place.record, one, position);
        Ok(())
    }

    /// An item has ended. Its record is made with those of the next that end likewise.
    pub(crate) fn ended(
        &mut self,
        connection: &Connection,
        item: ItemId,
        report: Box<ItemReport>,
    ) -> Outcome<()> {
        self.tally.add(&report, None);
        if let Some(place) = self.announced.as_announced(item, &report) {
            return self.ended_at(connection, place, item, report);
        }
        let is_skipped = matches!(report.status, ItemStatus::Skipped(_));
        match &mut self.ends.waiting {
            Waiting::Skipped(waiting) if is_skipped && waiting.len() < MANY_SKIPPED => {
                waiting.push((item, report));
                Ok(())
            }
            _ => {
                self.write_ends(connection)?;
                let one = vec![(item, report)];
                if is_skipped {
                    self.ends.waiting = Waiting::Skipped(one);
                    return Ok(());
                }
                self.end_otherwise(connection, &one)
            }
        }
    }

    /// Makes the record that is due. Nothing else may be recorded before.
    pub(crate) fn write_ends(&mut self, connection: &Connection) -> Outcome<()> {
        match std::mem::take(&mut self.ends.waiting) {
            Waiting::Nothing => Ok(()),
            Waiting::AsAnnounced(record, items, positions) => {
                let numbers: Vec<u64> = items.iter().map(|(item, _)| item.0).collect();
                let body = EndedAsAnnounced { record, items: &numbers };
                self.chain.append(connection, self.at, "ended", &body)?;
                self.end(connection, record, items.iter().zip(positions))
            }
            Waiting::Skipped(items) => self.end_otherwise(connection, &items),
        }
    }

    /// Ends of which the record says everything.
    fn end_otherwise(
        &mut self,
        connection: &Connection,
        items: &[(ItemId, Box<ItemReport>)],
    ) -> Outcome<()> {
        let told = items.iter().map(|(item, report)| Told {
            item: Some(item.0),
            report,
            mapping: 0,
            publication: None,
        });
        let text = group_text::to_text(told.collect())?;
        let record = self.chain.append_text(connection, self.at, "ended", &text)?;
        self.end(connection, record, items.iter().zip(0..))
    }

    /// Writes down how items ended that have the same state, and where that is told.
    fn end<'a>(
        &self,
        connection: &Connection,
        record: u64,
        items: impl Iterator<Item = (&'a (ItemId, Box<ItemReport>), usize)>,
    ) -> Outcome<()> {
        let mut items = items.peekable();
        let Some(((_, first), _)) = items.peek() else { return Ok(()) };
        let state = state_of(&first.status);
        let mut statement = connection.prepare_cached(self.ends.sql.of(state))?;
        for ((item, report), position) in items {
            let is_known_again = matches!(state, ItemState::Ok | ItemState::Skipped);
            let landed = report.landed.filter(|_| is_known_again);
            let replaced = landed.and_then(|landed| landed.replaced);
            let backup = report.backup.as_deref().and_then(|path| path.file_name());
            let is_kept = self.keep_replaced && state == ItemState::Ok && replaced.is_some();
            let kept = backup.filter(|_| is_kept);
            let skip_reason = match &report.status {
                ItemStatus::Skipped(reason) => Some(reason.as_str()),
                ItemStatus::Ok | ItemStatus::Cancelled | ItemStatus::Error(_) => None,
            };
            let digest = report.digest.as_ref();
            // An item ends once: after that it has a record.
            let changed = statement.execute(params![
                self.job.0,
                item.0,
                record,
                position,
                skip_reason,
                error_code(report),
                report.size_bytes.cast_signed(),
                landed.map(|landed| seen::to_bytes(landed.source)),
                landed.map(|landed| seen::to_bytes(landed.target)),
                replaced.map(seen::to_bytes),
                kept.map(|name| name.as_encoded_bytes()),
                digest.map(|digest| digest.algorithm.as_str()),
                digest.map(|digest| &digest.bytes),
                (state == ItemState::Ok).then(|| report.evidence.as_str()),
            ])?;
            one(changed, *item, "has ended already, or was never planned")?;
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

fn sql_for_end(state: ItemState) -> String {
    let (state, before) = (state.as_str(), state.may_come_after());
    format!(
        "INSERT INTO ends (job, item, state, record, position, skip_reason, error_code, size_bytes,
             landed_source, landed_target, landed_replaced, kept, digest_algorithm, digest, evidence)
         VALUES (?1, ?2, '{state}', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
         ON CONFLICT DO UPDATE SET state = excluded.state, record = excluded.record,
             position = excluded.position, skip_reason = excluded.skip_reason,
             error_code = excluded.error_code, size_bytes = excluded.size_bytes,
             landed_source = excluded.landed_source, landed_target = excluded.landed_target,
             landed_replaced = excluded.landed_replaced, kept = excluded.kept,
             digest_algorithm = excluded.digest_algorithm, digest = excluded.digest,
             evidence = excluded.evidence
         WHERE ends.record IS NULL AND ends.state IN ({before})"
    )
}
