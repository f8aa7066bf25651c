//! Connections to the database of an index.

use std::path::Path;

use rusqlite::Connection;
use surecopy_database::{
    self as database, Access, Durability, OpenError, Patience, References, Usage,
};

use crate::error::{IndexError, Outcome};

/// How long others are waited for. Not for long: a scan costs less than waiting.
pub(super) const PATIENCE: Patience = Patience::of_millis(100);

const USAGE: Usage = Usage {
    access: Access::Write,
    // Less than that might leave what looks like a directory that never was.
    durability: Durability::Prefix,
    patience: PATIENCE,
    references: References::Checked,
    page_bytes: Some(database::PAGE_BYTES),
};

/// Opens the database at an absolute path, which has to be there.
pub(crate) fn connect(path: &Path) -> Outcome<Connection> {
    database::open(path, USAGE).map_err(|error| match error {
        OpenError::UnsafeSqlite { found } => IndexError::UnsafeSqlite { found }.into(),
        OpenError::Closed(error) | OpenError::Sqlite(error) => error.into(),
    })
}

/// Carries something out in one transaction, so that all of it is done or nothing.
pub(crate) fn in_transaction<T>(
    connection: &Connection,
    work: impl FnOnce() -> Outcome<T>,
) -> Outcome<T> {
    database::in_transaction(connection, "index", work)
}

/// Reads more than one thing as all of it was at one moment, whatever is written in the meantime.
pub(crate) fn in_snapshot<T>(
    connection: &Connection,
    work: impl FnOnce() -> Outcome<T>,
) -> Outcome<T> {
    database::in_snapshot(connection, work)
}
