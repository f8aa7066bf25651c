//! What is said of directories without a look at them.

use rusqlite::Connection;
use surecopy_fs::{RelPath, Timestamp};

use super::rule::State;
use crate::error::Outcome;
use crate::location::LocationId;
use crate::names;
use crate::read::{nanos, state_number};

/// Marks directories, whatever was said of them before. Returns those that are not known.
pub(crate) fn mark<'a>(
    connection: &Connection,
    location: LocationId,
    paths: &'a [RelPath],
    state: State,
    at: Timestamp,
) -> Outcome<Vec<&'a RelPath>> {
    let sql = "UPDATE directories SET state = max(state, ?), marked = ? WHERE directory = ?";
    let mut unknown = Vec::new();
    for path in paths {
        match names::at_path(connection, location, path)? {
            Some(directory) => {
                let values = (state_number(state), nanos(at.as_nanos()), directory.0);
                connection.prepare_cached(sql)?.execute(values)?;
            }
            None => unknown.push(path),
        }
    }
    if unknown.len() < paths.len() {
        // What is unknown stays unknown.
        let sql = "UPDATE locations SET scan_status = 'stale'
                   WHERE location = ? AND scan_status IN ('fresh', 'partial')";
        connection.prepare_cached(sql)?.execute((location.0,))?;
    }
    Ok(unknown)
}

/// Marks directories that were found to be stale by looks that began at a moment, but for those that
/// were listed since: of what they are now, the looks say nothing.
pub(crate) fn mark_found(
    connection: &Connection,
    location: LocationId,
    paths: &[RelPath],
    at: Timestamp,
) -> Outcome<()> {
    let sql = "UPDATE directories SET state = max(state, 1), marked = max(coalesce(marked, ?1), ?1)
               WHERE directory = ?2 AND began < ?1";
    for path in paths {
        if let Some(directory) = names::at_path(connection, location, path)? {
            connection.prepare_cached(sql)?.execute((nanos(at.as_nanos()), directory.0))?;
        }
    }
    Ok(())
}
