//! Which of the rows of an entry still say what is so: an entry that several runs planned has several.

use rusqlite::Connection;

use crate::error::Result;
use crate::job::{JobId, RunKind, RunRecord};
use crate::rows::records::{Place, Records};
use crate::state::ItemState;
use crate::text::gist::Gist;
use crate::text::seen;

/// States of what was dealt with. What was only planned again may never have been begun, and what failed
/// again has changed nothing.
pub(crate) const WELL: &str = "'ok', 'skipped', 'damaged', 'undone'";

/// SQL for other rows of the same entry as that of `items`, those `>` later or `<` earlier.
fn others(which: &str, condition: &str) -> String {
    format!(
        "SELECT 1 FROM item_states AS other
         WHERE other.directory = items.directory AND other.name = items.name
           AND other.job = items.job AND other.mapping = items.mapping
           AND other.item {which} items.item AND ({condition})"
    )
}

/// SQL: the entry was dealt with later.
pub(crate) fn is_well_later() -> String {
    format!("EXISTS ({})", others(">", &format!("other.state IN ({WELL})")))
}

/// SQL: the entry was copied later.
pub(crate) fn is_copied_later() -> String {
    format!("EXISTS ({})", others(">", "other.state = 'ok'"))
}

/// SQL: a later run has gone through the whole job and has not met the entry. `whole` is the last that
/// did, see [`last_whole_run`](crate::read::failed::last_whole_run).
pub(crate) fn is_gone(whole: &str) -> String {
    let met = others(">", &format!("other.run >= {whole}"));
    format!("(items.run < {whole} AND NOT EXISTS ({met}))")
}

/// SQL: a row of `items` says nothing any more of what is so. Of the rows of one entry, the last that
/// came to something stands; damage and failures stand until they are mended.
pub(crate) fn is_superseded(whole: &str) -> String {
    let has_plan = |row: &str| {
        format!(
            "EXISTS (SELECT 1 FROM runs WHERE runs.job = {row}.job AND runs.run = {row}.run
                     AND runs.planned IS NOT NULL)"
        )
    };
    let failed_again = others(">", "other.state = 'failed'");
    let came_to_something = format!("other.state IN ({WELL}, 'failed') OR {}", has_plan("other"));
    let later = others(">", &came_to_something);
    let earlier = others("<", "TRUE");
    format!(
        "CASE
             WHEN items.state = 'damaged' THEN {well}
             WHEN items.state = 'failed' THEN {well} OR EXISTS ({failed_again}) OR {gone}
             WHEN items.state IN ('planned', 'cancelled', 'interrupted') THEN
                 items.run < {whole} OR EXISTS ({later})
                 OR (NOT {has_plan} AND EXISTS ({earlier}))
             ELSE EXISTS ({later})
         END",
        well = is_well_later(),
        gone = is_gone(whole),
        has_plan = has_plan("items"),
    )
}

/// SQL: items of a job in a state, if nothing was done with the same entry since.
fn still_in(state: ItemState) -> String {
    format!(
        "FROM ends CROSS JOIN items ON items.job = ends.job AND items.item = ends.item
         WHERE ends.job = ? AND ends.state = '{}' AND NOT {}",
        state.as_str(),
        is_well_later()
    )
}

/// Items that were found not to be any more what was copied, and were not copied again since. Only when
/// there can be any are they looked for: a job may have millions of items.
pub(crate) fn damaged(connection: &Connection, job: JobId, runs: &[RunRecord]) -> Result<u64> {
    let may_have_found_some = |run: &RunRecord| {
        let is_finished = run.outcome.as_deref() == Some("finished");
        run.kind == RunKind::Verify && (!is_finished || run.sums.failed > 0)
    };
    if !runs.iter().any(may_have_found_some) {
        return Ok(0);
    }
    let sql = format!("SELECT count(*) {}", still_in(ItemState::Damaged));
    Ok(connection.prepare_cached(&sql)?.query_row((job.0,), |row| row.get(0))?)
}

/// SQL: ends of which something was not kept that could have been, and their rows of `items`.
pub(crate) const INCOMPLETE_ROWS: &str = "ends INDEXED BY ends_incomplete
    CROSS JOIN items ON items.job = ends.job AND items.item = ends.item";

/// SQL: the row of `items` is of something that was copied, and that is not complete and still so.
pub(crate) fn is_incomplete() -> String {
    format!("is_incomplete AND state = 'ok' AND NOT {}", is_well_later())
}

/// Items of which something was not kept that could have been, and that were not copied again since.
pub(crate) fn incomplete(connection: &Connection, job: JobId) -> Result<u64> {
    let sql = format!(
        "SELECT count(*) FROM {INCOMPLETE_ROWS} WHERE ends.job = ? AND {}",
        is_incomplete()
    );
    Ok(connection.prepare_cached(&sql)?.query_row((job.0,), |row| row.get(0))?)
}

/// Whether something that a job has replaced was kept and is not any more, though its copy was not undone.
/// Only a run that gives up what is kept leaves that, and only then is it looked for.
pub(crate) fn has_given_up(
    connection: &Connection,
    job: JobId,
    runs: &[RunRecord],
) -> Result<bool> {
    if runs.iter().all(|run| run.kind != RunKind::Discard) {
        return Ok(false);
    }
    // What is replaced was there when it was planned.
    let sql = "SELECT record, position FROM ends
               CROSS JOIN items ON items.job = ends.job AND items.item = ends.item
               WHERE ends.job = ? AND state IN ('ok', 'damaged') AND kept IS NULL
                   AND existing IS NOT NULL";
    let has_replaced = |told: &Gist| told.landed.is_some_and(|landed| landed.replaced.is_some());
    let mut is_found = false;
    visit(connection, job, sql, |told| {
        is_found = has_replaced(told);
        !is_found
    })?;
    Ok(is_found)
}

/// What an undo has left undone.
#[derive(Debug, Default)]
pub(crate) struct Undone {
    pub(crate) items: u64,
    pub(crate) bytes: u64,
    /// The first record that tells of such an item and cannot be read.
    pub(crate) unreadable_record: Option<u64>,
}

/// Items that were undone and not copied again since, and their bytes. As long as somebody undoes them,
/// the counters of that run tell: this would take too long to be asked again and again.
///
/// It is asked of every job that is listed, so one record that cannot be read does not keep the others from
/// that: how many items there are is known without it, and of their bytes as many count as were planned.
pub(crate) fn undone(
    connection: &Connection,
    job: JobId,
    runs: &[RunRecord],
    is_running: bool,
) -> Result<Undone> {
    let is_undoing = is_running
        && runs.last().is_some_and(|run| run.kind == RunKind::Undo && run.ended_ms.is_none());
    let mut undone = Undone::default();
    if is_undoing || runs.iter().all(|run| run.kind != RunKind::Undo) {
        return Ok(undone);
    }
    let sql = format!("SELECT record, position, source {}", still_in(ItemState::Undone));
    let mut records = Records::<Gist>::default();
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query((job.0,))?;
    while let Some(row) = found.next()? {
        let place = Place { record: row.get(0)?, position: row.get(1)? };
        undone.items += 1;
        let bytes = match records.if_readable(connection, job, place)? {
            Some(told) => told.size_bytes,
            None => {
                undone.unreadable_record.get_or_insert(place.record);
                let source = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
                seen::from_bytes(source).map_or(0, |source| source.size_bytes)
            }
        };
        undone.bytes = undone.bytes.saturating_add(bytes);
    }
    Ok(undone)
}

/// Goes through what is told of the ends at the places that a query of a job finds, as long as the
/// visitor wants more.
fn visit(
    connection: &Connection,
    job: JobId,
    sql: &str,
    mut visitor: impl FnMut(&Gist) -> bool,
) -> Result<()> {
    let mut records = Records::<Gist>::default();
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query((job.0,))?;
    while let Some(row) = found.next()? {
        let place = Place { record: row.get(0)?, position: row.get(1)? };
        if !visitor(records.at(connection, job, place)?) {
            break;
        }
    }
    Ok(())
}
