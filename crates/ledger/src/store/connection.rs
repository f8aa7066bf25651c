//! Connections to the database of a ledger, and what is demanded of it before it is used.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use surecopy_database::{self as database, Durability, OpenError, Patience, References, Usage};

use crate::error::{LedgerError, Result};
use crate::store::place;
use crate::store::schema;

/// How long others are waited for. Nothing happens that is not written down, so rather long.
const PATIENCE: Patience = Patience::of_millis(10_000);

/// How a connection is going to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Make it if it is not there, read and write.
    Create,
    /// Read and write what is there.
    Write,
    /// The same, to write what happens in a run. Whether the row that another belongs to is there is
    /// not looked up for each: no job or item is removed with this one.
    Append,
    /// Read only; nothing is locked for others.
    Read,
    /// Read what nobody can write, such as what is on a volume that is read-only.
    Frozen,
}

/// Opens the database at an absolute path.
pub(crate) fn open(path: &Path, access: Access) -> Result<Connection, LedgerError> {
    connect(path, access).map_err(|fault| fault.in_ledger(path))
}

fn connect(path: &Path, access: Access) -> Result<Connection> {
    let connection = match database::open(path, usage(access)) {
        Ok(connection) => connection,
        // It is there, and what cannot be opened to write is opened to read.
        Err(OpenError::Closed(_)) if access != Access::Create => {
            return Err(LedgerError::Unreadable { path: path.to_owned() }.into());
        }
        Err(OpenError::Closed(error) | OpenError::Sqlite(error)) => return Err(error.into()),
        Err(OpenError::UnsafeSqlite { found }) => {
            return Err(LedgerError::UnsafeSqlite { found }.into());
        }
    };
    match access {
        Access::Create | Access::Write | Access::Append => {
            // Before anything is written: it may be another program's.
            schema::look(&connection, path)?;
            database::use_wal_among_others(&connection, PATIENCE)?;
            schema::migrate(&connection, path)?;
        }
        Access::Read | Access::Frozen => schema::check(&connection, path)?,
    }
    connection.execute_batch(schema::ITEM_STATES)?;
    Ok(connection)
}

fn usage(access: Access) -> Usage {
    Usage {
        access: match access {
            Access::Create => database::Access::Create,
            Access::Write | Access::Append => database::Access::Write,
            Access::Read => database::Access::Read,
            Access::Frozen => database::Access::Frozen,
        },
        durability: Durability::Full,
        patience: PATIENCE,
        references: match access {
            Access::Append => References::Trusted,
            Access::Create | Access::Write | Access::Read | Access::Frozen => References::Checked,
        },
        page_bytes: (access == Access::Create).then_some(database::PAGE_BYTES),
    }
}

/// Carries something out in one transaction, so that all of it is done or nothing.
pub(crate) fn in_transaction<T>(
    connection: &Connection,
    work: impl FnOnce() -> Result<T>,
) -> Result<T> {
    database::in_transaction(connection, "ledger", work)
}

/// Reads more than one thing as all of it was at one moment, whatever is written in the meantime. What
/// is written stays in the log that long, so nobody may be waited for in here.
pub(crate) fn in_snapshot<T>(
    connection: &Connection,
    work: impl FnOnce() -> Result<T>,
) -> Result<T> {
    database::in_snapshot(connection, work)
}

/// Opens a ledger for a program that works with it: makes it if it is not there.
pub(crate) fn create(path: &Path) -> Result<(PathBuf, Connection), LedgerError> {
    let path = place::prepare(path)?;
    let connection = open(&path, Access::Create)?;
    place::flush_names(&path)?;
    Ok((path, connection))
}

/// Opens a ledger to look at it: to write as well where that is possible, so that an older one is
/// migrated, otherwise as it is.
pub(crate) fn open_existing(path: &Path) -> Result<(PathBuf, Connection), LedgerError> {
    let path = place::absolute(path)?;
    place::look(&path)?;
    let (mut first, mut is_readable) = (None, true);
    for access in [Access::Write, Access::Read, Access::Frozen] {
        // That reads neither the log, where the latest of what happened may be, nor again what could not
        // be read.
        if access == Access::Frozen && (!is_readable || place::has_log(&path)) {
            break;
        }
        match open(&path, access) {
            Ok(connection) => return Ok((path, connection)),
            // Others may do with less.
            Err(error @ (LedgerError::ReadOnly { .. } | LedgerError::Io { .. })) => {
                is_readable &= matches!(error, LedgerError::ReadOnly { .. });
                first.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    Err(first.unwrap_or(LedgerError::Missing { path }))
}

#[cfg(test)]
mod tests {
    use surecopy_database::LOG_BYTES;

    use super::*;

    #[test]
    fn a_log_that_has_grown_becomes_small_again() {
        let temp = tempfile::tempdir().unwrap();
        let (path, connection) = create(&temp.path().join("ledger.db")).unwrap();
        let log = || temp.path().join("ledger.db-wal").metadata().unwrap().len();
        let write = |bytes: i64| {
            let sql = "INSERT INTO directories (path) VALUES (zeroblob(?))";
            connection.execute(sql, (bytes,)).unwrap();
        };
        // Somebody reads for so long that nothing can be put in its place.
        let reader = open(&path, Access::Read).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM directories;").unwrap();
        write(2 * LOG_BYTES);
        write(1);
        assert!(log() > 2 * LOG_BYTES as u64);
        reader.execute_batch("COMMIT").unwrap();
        // All of it is put in its place with the next thing, and the log begins anew with the one after.
        (2..4).for_each(write);
        assert!(log() <= LOG_BYTES as u64, "{}", log());
    }
}
