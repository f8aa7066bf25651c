//! Whether the ends of items are in the tables as the audit log tells of them. Only the log is chained,
//! so this is what makes a change of the tables show.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};
use serde::Deserialize;
use surecopy_engine::{ItemReport, ItemStatus};

use crate::audit::log::{AuditBreak, visit};
use crate::error::{Fault, Result};
use crate::job::JobId;
use crate::state::ItemState;
use crate::text::group_text;
use crate::text::words::word;

/// What tells a record that has reports from others.
#[derive(Deserialize)]
struct Head<'a> {
    event: &'a str,
    /// The items ended as this one has announced.
    record: Option<u64>,
}

#[derive(Deserialize)]
struct Numbers {
    items: Vec<u64>,
}

/// How an item ended, by the tables.
struct End {
    state: Option<ItemState>,
    record: Option<u64>,
    position: Option<usize>,
    /// The name under which what it replaced is kept.
    kept: Option<Vec<u8>>,
    /// That of the digest, if there is one.
    algorithm: Option<String>,
    /// Something was not kept of it that could have been.
    is_incomplete: bool,
}

impl End {
    /// Whether it is the end that a report at this place tells of.
    fn is(&self, position: usize, report: &ItemReport) -> bool {
        use ItemState::{Cancelled, Damaged, Failed, Ok, Skipped, Undone};
        let fits = match report.status {
            // The last two were found, or done, later.
            ItemStatus::Ok => matches!(self.state, Some(Ok | Damaged | Undone)),
            ItemStatus::Skipped(_) => self.state == Some(Skipped),
            ItemStatus::Cancelled => self.state == Some(Cancelled),
            ItemStatus::Error(_) => self.state == Some(Failed),
        };
        let backup = report.backup.as_deref().and_then(|path| path.file_name());
        // It may be kept no longer.
        let is_kept_so = self
            .kept
            .as_deref()
            .is_none_or(|kept| backup.is_some_and(|name| name.as_encoded_bytes() == kept));
        let algorithm = report.digest.as_ref().map(|digest| digest.algorithm.as_str());
        let has_digest_so = self.algorithm.as_deref() == algorithm;
        let is_incomplete = report.status == ItemStatus::Ok && report.is_metadata_incomplete();
        fits && self.position == Some(position)
            && is_kept_so
            && has_digest_so
            && self.is_incomplete == is_incomplete
    }

    /// Whether it may be the end of an item that failed, as this record says, after it was announced by
    /// an earlier one, and was then found to be published.
    fn may_follow(&self, record: u64, report: &ItemReport) -> bool {
        use ItemState::{Damaged, Ok, Undone};
        let has_failed = matches!(report.status, ItemStatus::Error(_) | ItemStatus::Cancelled);
        let was_announced = self.record.is_some_and(|announced| announced < record);
        has_failed && was_announced && matches!(self.state, Some(Ok | Damaged | Undone))
    }
}

/// What the log has told so far.
#[derive(Default)]
struct Told {
    /// Items that have ended.
    ended: u64,
    /// Items that have failed, by which record, and of which a later one is to say that they are published.
    published_after_all: BTreeMap<u64, u64>,
}

/// The first item of which the tables say something else than the log, which fits. Both are read as they
/// are at one moment.
pub(crate) fn check(connection: &Connection, job: JobId) -> Result<Option<AuditBreak>> {
    let (mut told, mut found) = (Told::default(), Ok(None));
    visit(connection, job, |record, _, body| {
        found = differs(connection, job, record, body, &mut told);
        matches!(found, Ok(None))
    })?;
    if let Some(item) = found? {
        return Ok(Some(item));
    }
    let Told { ended, published_after_all } = told;
    if let Some((item, record)) = published_after_all.into_iter().next() {
        return Ok(Some(AuditBreak::End { item, record }));
    }
    let sql = "SELECT count(*) FROM ends
               WHERE job = ? AND (record IS NOT NULL OR state <> 'interrupted')";
    let there: u64 = connection.query_row(sql, (job.0,), |row| row.get(0))?;
    Ok((there != ended).then_some(AuditBreak::Ends { told: ended, there }))
}

/// The first item of one record; counts those of which it says that they ended.
fn differs(
    connection: &Connection,
    job: JobId,
    record: u64,
    body: &str,
    told: &mut Told,
) -> Result<Option<AuditBreak>> {
    let head: Head<'_> = serde_json::from_str(body)?;
    let is_end = head.event == "ended";
    if let (true, Some(announced)) = (is_end, head.record) {
        for item in serde_json::from_str::<Numbers>(body)?.items {
            let Some(end) = end(connection, job, item)? else { continue };
            if end.record != Some(announced) {
                return Ok(Some(AuditBreak::End { item, record }));
            }
            told.published_after_all.remove(&item);
            told.ended += 1;
        }
    } else if is_end || head.event == "publishing" {
        for (position, read) in group_text::from_text(body)?.into_iter().enumerate() {
            let item = read.item.ok_or_else(|| Fault::content("an end of no item"))?;
            let Some(end) = end(connection, job, item)? else { continue };
            // What was announced may have ended in another way, and be found to be published after that.
            let is_here = end.record == Some(record);
            if is_end && !is_here && end.may_follow(record, &read.report) {
                told.published_after_all.insert(item, record);
                continue;
            }
            if (is_end || is_here) && !(is_here && end.is(position, &read.report)) {
                return Ok(Some(AuditBreak::End { item, record }));
            }
            told.ended += u64::from(is_end);
        }
    }
    Ok(None)
}

/// How an item ended. `None` when the item itself is gone: its job is being forgotten.
fn end(connection: &Connection, job: JobId, item: u64) -> Result<Option<End>> {
    let sql = "SELECT ends.state, record, position, kept, digest_algorithm,
                   coalesce(is_incomplete, 0)
               FROM items LEFT JOIN ends ON ends.job = items.job AND ends.item = items.item
               WHERE items.job = ? AND items.item = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row((job.0, item), |row| {
        let state: Option<String> = row.get(0)?;
        let (record, position, kept) = (row.get(1)?, row.get(2)?, row.get(3)?);
        Ok((
            state,
            End {
                state: None,
                record,
                position,
                kept,
                algorithm: row.get(4)?,
                is_incomplete: row.get(5)?,
            },
        ))
    });
    let Some((state, end)) = found.optional()? else { return Ok(None) };
    let state = state.map(|state| word(ItemState::from_text, &state)).transpose()?;
    Ok(Some(End { state, ..end }))
}
