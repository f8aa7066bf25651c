//! Connections to a database.

use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::patience::Patience;

/// Older ones can corrupt a database that two connections write to.
const SAFE_SQLITE: i32 = 3_051_003;

/// What has been written is put in its place when it is as much as this: 32 MiB of pages. The more of
/// it, the more often a page has changed that is put there once.
const CHECKPOINT_PAGES: i64 = 4 * 1_024;

/// A transaction of some hundred rows changes fewer pages when they are large.
pub const PAGE_BYTES: i64 = 8 * 1_024;

/// The log's file keeps no more than that once all of it is in its place.
pub const LOG_BYTES: i64 = CHECKPOINT_PAGES * PAGE_BYTES;

/// How much of the database a connection may keep in memory.
const CACHE_KIB: i64 = 8 * 1_024;

/// What may be done with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Make the file if it is not there, read and write.
    Create,
    /// Read and write what is there.
    Write,
    /// Read only; nothing is locked for others.
    Read,
    /// Read what nobody can write, such as what is on a volume that is read-only.
    Frozen,
}

/// What of it a power cut leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Everything: what is committed has been flushed.
    Full,
    /// It may take what was committed last, and leaves all that was committed before. Less than that
    /// could leave a mixture of both.
    Prefix,
}

/// Whether the row that another one belongs to has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum References {
    /// It is looked up whenever a row is written.
    Checked,
    /// Whoever writes sees to it.
    Trusted,
}

/// How a connection is going to be used.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// What may be done with it.
    pub access: Access,
    /// What a power cut leaves of what it writes.
    pub durability: Durability,
    /// How long it waits for others.
    pub patience: Patience,
    /// What it looks up.
    pub references: References,
    /// The size of the pages of a file in which there are none yet; `None` leaves it to SQLite.
    pub page_bytes: Option<i64>,
}

/// Why there is no connection.
#[derive(Debug)]
pub enum OpenError {
    /// The SQLite that this program was built with is not safe.
    UnsafeSqlite {
        /// Its version.
        found: &'static str,
    },
    /// The file cannot be opened.
    Closed(rusqlite::Error),
    /// Something else, which may show only when the file is read.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        OpenError::Sqlite(error)
    }
}

/// Opens the database at an absolute path. Nothing is written to it, and nothing is known of what it is.
pub fn open(path: &Path, usage: Usage) -> Result<Connection, OpenError> {
    if rusqlite::version_number() < SAFE_SQLITE {
        return Err(OpenError::UnsafeSqlite { found: rusqlite::version() });
    }
    let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags |= match usage.access {
        Access::Create => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::Frozen => OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI,
    };
    let address = match usage.access {
        Access::Frozen => &frozen_address(path),
        Access::Create | Access::Write | Access::Read => path,
    };
    let mut connection = match Connection::open_with_flags(address, flags) {
        Err(error) if is_refused(&error) => return Err(OpenError::Closed(error)),
        opened => opened?,
    };
    let patience = usage.patience;
    connection.busy_handler(Some(move |count| patience.wait(count)))?;
    connection.set_prepared_statement_cache_capacity(64);
    // Otherwise a statement may be planned anew for every value that it is given, which has been seen
    // to cost more than all the rest.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    if let Some(page_bytes) = usage.page_bytes {
        connection.pragma_update(None, "page_size", page_bytes)?;
    }
    // Nothing that stands in the file may name code to be run.
    connection.pragma_update(None, "trusted_schema", false)?;
    let is_checked = usage.references == References::Checked;
    connection.pragma_update(None, "foreign_keys", is_checked)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    let synchronous = match usage.durability {
        Durability::Full => "FULL",
        Durability::Prefix => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(connection)
}

fn is_refused(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(failure, _) if failure.code == ErrorCode::CannotOpen)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(access: Access) -> Usage {
        Usage {
            access,
            durability: Durability::Full,
            patience: Patience::of_millis(100),
            references: References::Checked,
            page_bytes: Some(PAGE_BYTES),
        }
    }

    fn pragma(connection: &Connection, name: &str) -> i64 {
        connection.pragma_query_value(None, name, |row| row.get(0)).unwrap()
    }

    #[test]
    fn what_is_asked_for_holds() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("some.db");
        let full = open(&path, usage(Access::Create)).unwrap();
        full.execute_batch("CREATE TABLE some (x)").unwrap();
        let found = ["page_size", "synchronous", "foreign_keys", "trusted_schema"];
        assert_eq!(found.map(|name| pragma(&full, name)), [PAGE_BYTES, 2, 1, 0]);
        let less = Usage {
            durability: Durability::Prefix,
            references: References::Trusted,
            ..usage(Access::Write)
        };
        let less = open(&path, less).unwrap();
        assert_eq!(found.map(|name| pragma(&less, name)), [PAGE_BYTES, 1, 0, 0]);
    }

    #[test]
    fn only_who_may_make_a_file_makes_one() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("some.db");
        for access in [Access::Write, Access::Read, Access::Frozen] {
            let error = open(&path, usage(access)).unwrap_err();
            assert!(matches!(error, OpenError::Closed(_)), "{access:?}: {error:?}");
            assert!(!path.exists(), "{access:?}");
        }
    }

    #[test]
    fn an_address_may_hold_anything() {
        let address = frozen_address(Path::new("/a b?c#d%/é.db"));
        assert_eq!(address, Path::new("file:///a%20b%3Fc%23d%25/%C3%A9.db?immutable=1"));
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a b?c#d%é.db");
        open(&path, usage(Access::Create)).unwrap().execute_batch("CREATE TABLE some (x)").unwrap();
        let frozen = Usage { page_bytes: None, ..usage(Access::Frozen) };
        let frozen = open(&path, frozen).unwrap();
        assert!(frozen.execute_batch("DROP TABLE some").is_err());
        let sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'some'";
        assert_eq!(frozen.query_row(sql, (), |row| row.get::<_, i64>(0)), Ok(1));
    }
}
