//! What is known of an entry from earlier runs of its job. Asked for every entry of a scan, so it is
//! fast: one connection of its own, and the directory is looked up once for all that is in it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Row};
use surecopy_engine::{Done, ItemId, Known, Landed, Mapping};
use surecopy_fs::RelPath;

use crate::error::{Fault, Result};
use crate::job::{JobId, RunKind};
use crate::rows::directory_ids::{directory, find, name, parts};
use crate::rows::plan::{os_name, text};
use crate::rows::records::{Place, Records};
use crate::state::ItemState;
use crate::text::gist::Gist;
use crate::text::words::word;

/// What is asked within one transaction: a transaction for each question would cost more than the
/// question, and one for all would keep the log from being put into the database.
const QUESTIONS: u32 = 4_096;

/// A transaction ends after this, however little was asked: whoever asks may have to wait, for the
/// user even, and would keep the log from being put into the database for as long.
const PATIENCE: Duration = Duration::from_millis(500);

/// Answers what is known.
#[derive(Debug)]
pub(crate) struct Reader {
    connection: Connection,
    job: JobId,
    kind: RunKind,
    /// What this run planned itself is not known from earlier.
    first_item: ItemId,
    mappings: Vec<Mapping>,
    sources: Vec<PathBuf>,
    last: Option<(usize, Vec<u8>, Option<i64>)>,
    records: Records<Gist>,
    asked: u32,
    /// When the first of these was asked.
    since: Instant,
}

impl Reader {
    pub(crate) fn new(
        connection: Connection,
        (job, kind): (JobId, RunKind),
        first_item: ItemId,
        mappings: Vec<Mapping>,
    ) -> Self {
        let sources = mappings.iter().map(Mapping::source_path).collect();
        let since = Instant::now();
        let records = Records::default();
        Self {
            connection,
            job,
            kind,
            first_item,
            mappings,
            sources,
            last: None,
            records,
            asked: 0,
            since,
        }
    }

    /// One transaction is not to have more questions.
    fn has_asked_enough(&self) -> bool {
        self.asked == QUESTIONS
    }

    pub(crate) fn known(&mut self, mapping: usize, path: &RelPath) -> Result<Known> {
        self.rest_if_old()?;
        if self.has_asked_enough() {
            self.rest()?;
        }
        if self.asked == 0 {
            self.since = Instant::now();
            self.connection.prepare_cached("BEGIN")?.execute(())?;
        }
        self.asked += 1;
        let Some(directory) = self.directory(mapping, path)? else { return Ok(Known::Nothing) };
        let name = name(&self.mappings, mapping, path);
        let mut statement = self.connection.prepare_cached(
            "SELECT state, record, position, action, target_name, is_incomplete FROM item_states
             WHERE directory = ? AND name = ? AND job = ? AND item < ? AND mapping = ?
             ORDER BY item DESC",
        )?;
        let key = (directory, name, self.job.0, self.first_item.0, mapping);
        let mut rows = statement.query(key)?;
        while let Some(row) = rows.next()? {
            let asked = (self.job, self.kind);
            if let Some(known) = read(&self.connection, asked, row, &mut self.records)? {
                return Ok(known);
            }
        }
        Ok(Known::Nothing)
    }

    /// Ends the transaction when it has lasted for long.
    pub(crate) fn rest_if_old(&mut self) -> Result<()> {
        if self.since.elapsed() >= PATIENCE { self.rest() } else { Ok(()) }
    }

    /// Ends the transaction, if there is one.
    pub(crate) fn rest(&mut self) -> Result<()> {
        if self.asked > 0 {
            self.connection.prepare_cached("COMMIT")?.execute(())?;
            self.asked = 0;
        }
        Ok(())
    }

    fn directory(&mut self, mapping: usize, path: &RelPath) -> Result<Option<i64>> {
        let source = self.sources.get(mapping).ok_or_else(|| Fault::content("a lost mapping"))?;
        let (above, _) = parts(path);
        if let Some((known, last, id)) = &self.last
            && *known == mapping
            && last == above
            && !path.is_root()
        {
            return Ok(*id);
        }
        let Some(parent) = path.parent() else {
            let above = source.parent().unwrap_or(source);
            return find(&self.connection, above.as_os_str().as_encoded_bytes());
        };
        let path = directory(source, &parent);
        let found = find(&self.connection, path.as_os_str().as_encoded_bytes())?;
        self.last = Some((mapping, above.to_owned(), found));
        Ok(found)
    }
}

/// What a row says; `None` when it was to leave alone what an earlier one tells of, and never came to it.
fn read(
    connection: &Connection,
    (job, kind): (JobId, RunKind),
    row: &Row<'_>,
    records: &mut Records<Gist>,
) -> Result<Option<Known>> {
    let target_name = || os_name(row.get(4)?);
    let state = word(ItemState::from_text, text(row, 0)?)?;
    Ok(Some(match state {
        ItemState::Ok | ItemState::Skipped | ItemState::Damaged => {
            let place = Place::from_columns(row.get(1)?, row.get(2)?);
            let place = place.ok_or_else(|| Fault::content("an end that nothing tells of"))?;
            let told = records.at(connection, job, place)?;
            match (told.landed, told.skip_reason) {
                (Some(Landed { source, target, .. }), _) => {
                    let done = Done {
                        source,
                        target,
                        target_name: target_name()?,
                        is_incomplete: row.get(5)?,
                        has_lost_link: told.has_lost_link,
                        evidence: told.evidence,
                        digest: told.digest.clone(),
                    };
                    let is_tried_again = kind == RunKind::Retry && done.is_incomplete;
                    if state == ItemState::Damaged || is_tried_again {
                        Known::DoneBadly(done)
                    } else {
                        Known::Done(done)
                    }
                }
                (None, Some(reason)) if state == ItemState::Skipped => {
                    Known::Skipped { reason, target_name: target_name()? }
                }
                // Nothing is there to know it again by.
                (None, _) => Known::Nothing,
            }
        }
        ItemState::Planned | ItemState::Cancelled | ItemState::Interrupted => {
            // What was to be left alone was not begun.
            if text(row, 3)? == "skip" {
                return Ok(None);
            }
            Known::Unfinished { target_name: target_name()? }
        }
        ItemState::Failed | ItemState::Undone => Known::Nothing,
    }))
}
