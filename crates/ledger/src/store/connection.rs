//! Connections to the database of a ledger, and what is demanded of it before it is used.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::{LedgerError, Outcome};
use crate::store::place;
use crate::store::schema;

/// Older ones can corrupt a database that two connections write to.
const SAFE_SQLITE: i32 = 3_051_003;

/// How often, and for how long, a lock of another program is asked for again. Often, because programs
/// that write all the time leave it free for moments only.
const BUSY_STEP: Duration = Duration::from_millis(2);
const BUSY_STEPS: i32 = 5_000;

/// What has been written is put in its place when it is as much as this: 32 MiB of pages. The more of
/// it, the more often a page has changed that is put there once.
const CHECKPOINT_PAGES: i64 = 4 * 1_024;

/// A group of some hundred items changes fewer pages when they are large. It counts for new files only.
const PAGE_BYTES: i64 = 8 * 1_024;

/// The log's file keeps no more than that once all of it is in its place.
const LOG_BYTES: i64 = CHECKPOINT_PAGES * PAGE_BYTES;

/// How much of the database a connection may keep in memory.
const CACHE_KIB: i64 = 8 * 1_024;

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

fn connect(path: &Path, access: Access) -> Outcome<Connection> {
    if rusqlite::version_number() < SAFE_SQLITE {
        return Err(LedgerError::UnsafeSqlite { found: rusqlite::version() }.into());
    }
    let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags |= match access {
        Access::Create => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        Access::Write | Access::Append => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::Frozen => OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI,
    };
    let address = match access {
        Access::Frozen => &frozen_address(path),
        Access::Create | Access::Write | Access::Append | Access::Read => path,
    };
    let mut connection = match Connection::open_with_flags(address, flags) {
        // It is there, and what cannot be opened to write is opened to read.
        Err(error) if access != Access::Create && is_refused(&error) => {
            return Err(LedgerError::Unreadable { path: path.to_owned() }.into());
        }
        opened => opened?,
    };
    connection.busy_handler(Some(|count| {
        std::thread::sleep(BUSY_STEP);
        count < BUSY_STEPS
    }))?;
    connection.set_prepared_statement_cache_capacity(64);
    // Otherwise a statement may be planned anew for every value that it is given, which has been seen
    // to cost more than all the rest.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    if access == Access::Create {
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    }
    // Nothing that stands in the file may name code to be run.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "foreign_keys", access != Access::Append)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    match access {
        Access::Create | Access::Write | Access::Append => {
            // Before anything is written: it may be another program's.
            schema::look(&connection, path)?;
            use_wal(&connection)?;
            schema::migrate(&connection, path)?;
        }
        Access::Read | Access::Frozen => schema::check(&connection, path)?,
    }
    connection.execute_batch(schema::ITEM_STATES)?;
    Ok(connection)
}

fn is_refused(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(failure, _) if failure.code == ErrorCode::CannotOpen)
}

/// Puts a new database into WAL mode. Of several programs that do so at once all but one may be told
/// that it is busy, at once and without the busy handler: each has looked at it, and waits for the
/// others to let go.
fn use_wal(connection: &Connection) -> Outcome<()> {
    let mut tries = 0;
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(rusqlite::Error::SqliteFailure(failure, _))
                if failure.code == ErrorCode::DatabaseBusy
                    && !is_wal(connection)?
                    && tries < BUSY_STEPS =>
            {
                tries += 1;
                std::thread::sleep(BUSY_STEP);
            }
            done => return Ok(done?),
        }
    }
}

fn is_wal(connection: &Connection) -> Outcome<bool> {
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    Ok(mode == "wal")
}

/// The address of a file that does not change.
fn frozen_address(path: &Path) -> PathBuf {
    let mut address = String::from("file://");
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(byte) {
            address.push(char::from(*byte));
        } else {
            address.push_str(&format!("%{byte:02X}"));
        }
    }
    address.push_str("?immutable=1");
    address.into()
}

/// Carries something out in one transaction, so that all of it is done or nothing.
pub(crate) fn in_transaction<T>(
    connection: &Connection,
    work: impl FnOnce() -> Outcome<T>,
) -> Outcome<T> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute(())?;
    let done = work().and_then(|value| {
        connection.prepare_cached("COMMIT")?.execute(())?;
        Ok(value)
    });
    if done.is_err()
        && !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK")
    {
        tracing::warn!(%error, "a transaction of the ledger could not be rolled back");
    }
    done
}

/// Reads more than one thing as all of it was at one moment, whatever is written in the meantime. What
/// is written stays in the log that long, so nobody may be waited for in here.
pub(crate) fn in_snapshot<T>(
    connection: &Connection,
    work: impl FnOnce() -> Outcome<T>,
) -> Outcome<T> {
    let transaction = connection.unchecked_transaction()?;
    let read = work();
    transaction.finish()?;
    read
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
