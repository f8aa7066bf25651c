//! Which of the rows of an entry still say what is so: an entry that several runs planned has several.

use rusqlite::Connection;

use crate::error::Outcome;
use crate::job::{JobId, RunKind, RunRecord};
use crate::state::ItemState;

/// SQL for the rows of the same entry as that of `items` that ended well later. What was only planned
/// again may never have been begun, and what failed again has changed nothing.
pub(crate) const ENDED_WELL_LATER: &str = "SELECT 1 FROM item_states AS later
    WHERE later.directory = items.directory AND later.name = items.name
      AND later.job = items.job AND later.mapping = items.mapping AND later.item > items.item
      AND later.state IN ('ok', 'skipped', 'damaged', 'undone')";

/// Items of a job in a state that still holds, and their bytes.
fn count(connection: &Connection, job: JobId, state: ItemState) -> Outcome<(u64, u64)> {
    let sql = format!(
        "SELECT count(*), coalesce(sum(ends.size_bytes), 0) FROM ends
         CROSS JOIN items ON items.job = ends.job AND items.item = ends.item
         WHERE ends.job = ? AND ends.state = ? AND NOT EXISTS ({ENDED_WELL_LATER})"
    );
    let key = (job.0, state.as_str());
    Ok(connection.prepare_cached(&sql)?.query_row(key, |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Items that were found not to be any more what was copied, and were not copied again since. Only when
/// there can be any are they looked for: a job may have millions of items.
pub(crate) fn damaged(connection: &Connection, job: JobId, runs: &[RunRecord]) -> Outcome<u64> {
    let may_have_found_some = |run: &RunRecord| {
        let is_finished = run.outcome.as_deref() == Some("finished");
        run.kind == RunKind::Verify && (!is_finished || run.sums.failed > 0)
    };
    if !runs.iter().any(may_have_found_some) {
        return Ok(0);
    }
    Ok(count(connection, job, ItemState::Damaged)?.0)
}

/// Items that were undone and not copied again since, and their bytes. As long as somebody undoes them,
/// the counters of that run tell: this would take too long to be asked again and again.
pub(crate) fn undone(
    connection: &Connection,
    job: JobId,
    runs: &[RunRecord],
    is_running: bool,
) -> Outcome<(u64, u64)> {
    let is_undoing = is_running
        && runs.last().is_some_and(|run| run.kind == RunKind::Undo && run.ended_ms.is_none());
    if is_undoing || runs.iter().all(|run| run.kind != RunKind::Undo) {
        return Ok((0, 0));
    }
    count(connection, job, ItemState::Undone)
}
