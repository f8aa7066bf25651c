//! What is known of directories, for a validation: in the order of their names, some at a time.

use std::ffi::OsString;

use rusqlite::{Connection, OptionalExtension, Row};

use super::values::{seen_from, state_from};
use crate::error::{Fault, Outcome};
use crate::names::{DirectoryId, plain_name};
use crate::stale::{Clocks, Remembered, Seen, State};

/// So many are read at once.
const SOME: usize = 512;

/// What is known of one directory.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) name: OsString,
    pub(crate) directory: DirectoryId,
    state: State,
    seen: Option<Seen>,
    began: i64,
    clock: i64,
    own_directories: u64,
    pub(crate) total_directories: u64,
}

impl Known {
    pub(crate) fn remembered(&self, clocks: &Clocks) -> Remembered {
        Remembered {
            state: self.state,
            seen: self.seen,
            began_nanos: i128::from(self.began),
            clock: clocks.get(self.clock),
        }
    }

    pub(crate) fn has_children(&self) -> bool {
        self.own_directories > 0 || self.total_directories > 0
    }
}

/// What is known of one directory.
pub(crate) fn known(connection: &Connection, directory: DirectoryId) -> Outcome<Option<Known>> {
    let sql =
        "SELECT name, directory, state, seen, began, clock, own_directories, total_directories
               FROM directories WHERE directory = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row((directory.0,), |row| Ok(from_row(row))).optional()?;
    found.transpose()
}

/// What is known of the directories in another one, from a name on; and the last name, if there may be
/// more.
pub(crate) fn known_in(
    connection: &Connection,
    parent: DirectoryId,
    after: &[u8],
) -> Outcome<(Vec<Known>, Option<Vec<u8>>)> {
    let sql =
        "SELECT name, directory, state, seen, began, clock, own_directories, total_directories
               FROM directories WHERE parent = ? AND name > ? ORDER BY name LIMIT ?";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query((parent.0, after, SOME))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(from_row(row)?);
    }
    let last = found.last().filter(|_| found.len() == SOME);
    let rest = last.map(|known: &Known| known.name.as_encoded_bytes().to_vec());
    Ok((found, rest))
}

fn from_row(row: &Row<'_>) -> Outcome<Known> {
    let blob = |column: usize| -> Outcome<Option<&[u8]>> {
        let value = row.get_ref(column)?;
        Ok(value.as_blob_or_null().map_err(rusqlite::Error::from)?)
    };
    // That of a root is empty.
    let name = match blob(0)?.unwrap_or_default() {
        [] => Some(OsString::new()),
        bytes => plain_name(bytes),
    };
    Ok(Known {
        name: name.ok_or(Fault::Content("a name that is none"))?,
        directory: DirectoryId(row.get(1)?),
        state: state_from(row.get(2)?),
        seen: seen_from(blob(3)?)?,
        began: row.get(4)?,
        clock: row.get(5)?,
        own_directories: row.get(6)?,
        total_directories: row.get(7)?,
    })
}
