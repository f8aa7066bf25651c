//! Connections to the database of an index.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::error::{IndexError, Outcome};

/// Older ones can corrupt a database that two connections write to.
const SAFE_SQLITE: i32 = 3_051_003;

/// How often, and for how long, a lock of another program is asked for again. Not for long: a scan costs
/// less than waiting.
pub(super) const BUSY_STEP: Duration = Duration::from_millis(2);
pub(super) const BUSY_STEPS: i32 = 50;

/// What has been written is put in its place when it is as much as this: 32 MiB of pages.
const CHECKPOINT_PAGES: i64 = 4 * 1_024;

/// It counts for new files only.
const PAGE_BYTES: i64 = 8 * 1_024;

/// The log's file keeps no more than that once all of it is in its place.
const LOG_BYTES: i64 = CHECKPOINT_PAGES * PAGE_BYTES;

/// How much of the database a connection may keep in memory.
const CACHE_KIB: i64 = 8 * 1_024;

/// Opens the database at an absolute path, which has to be there.
pub(crate) fn connect(path: &Path) -> Outcome<Connection> {
    if rusqlite::version_number() < SAFE_SQLITE {
        return Err(IndexError::UnsafeSqlite { found: rusqlite::version() }.into());
    }
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_READ_WRITE;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_handler(Some(|count| {
        std::thread::sleep(BUSY_STEP);
        count < BUSY_STEPS
    }))?;
    connection.set_prepared_statement_cache_capacity(64);
    // Otherwise a statement may be planned anew for every value that it is given.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    // Nothing that stands in the file may name code to be run.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    // A power cut may take what was written last, and leaves all that was written before it. Less than
    // that could leave a mixture of both, which might look like a directory that never was.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(connection)
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
        tracing::warn!(%error, "a transaction of the index could not be rolled back");
    }
    done
}

/// Reads more than one thing as all of it was at one moment, whatever is written in the meantime.
pub(crate) fn in_snapshot<T>(
    connection: &Connection,
    work: impl FnOnce() -> Outcome<T>,
) -> Outcome<T> {
    let transaction = connection.unchecked_transaction()?;
    let read = work();
    transaction.finish()?;
    read
}
