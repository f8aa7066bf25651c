//! Where a ledger lies: its file, its directory and its locks. The rest of this crate speaks to the
//! system only through SQLite and this.

use std::io;
use std::path::{Path, PathBuf};

use surecopy_database::{self as database, PlaceError, Standing, Trouble};
use surecopy_fs::{FsErrorKind, LockTable};

use crate::error::LedgerError;

/// Makes sure that a ledger can lie at a path: not across a network, in a directory that, if it has
/// to be made, is nobody else's. Returns the absolute path.
pub(crate) fn prepare(path: &Path) -> Result<PathBuf, LedgerError> {
    let path = database::prepare_folder(path).map_err(|error| match error {
        PlaceError::Network { path } => LedgerError::Network { path },
        PlaceError::Refused { path, error } => refused(&path, &error),
    })?;
    database::make(&path).map_err(|error| match Trouble::from(&error) {
        Trouble::NotAFile => no_file(&path),
        _ => refused(&path, &error),
    })?;
    Ok(path)
}

/// Makes sure that a path is that of a file: not of a pipe, which would be waited for, and not of a
/// link, which somebody may have put there.
pub(crate) fn look(path: &Path) -> Result<(), LedgerError> {
    if path.parent().is_none() || path.file_name().is_none() {
        return Err(no_file(path));
    }
    match database::look(path) {
        Ok(Standing::File) => Ok(()),
        Ok(Standing::Other) => Err(no_file(path)),
        Ok(Standing::Nothing) => Err(LedgerError::Missing { path: path.to_owned() }),
        Err(error) => match error.kind {
            FsErrorKind::PermissionDenied => Err(LedgerError::Unreadable { path: path.to_owned() }),
            _ => Err(LedgerError::Io { path: path.to_owned(), message: error.to_string() }),
        },
    }
}

/// Whether something is, or may be, in the write-ahead log beside a ledger.
pub(crate) fn has_log(path: &Path) -> bool {
    match database::metadata(&database::beside(path, "-wal")) {
        Ok(found) => found.size > 0,
        Err(error) => error.kind != FsErrorKind::NotFound,
    }
}

fn no_file(path: &Path) -> LedgerError {
    let message = "it is no ordinary file".to_owned();
    LedgerError::NotALedger { path: path.to_owned(), message }
}

/// The path from the root of the file tree.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, LedgerError> {
    surecopy_fs::absolute_path(path).map_err(|error| refused(path, &error))
}

/// Makes the names in the ledger's directory durable.
pub(crate) fn flush_names(path: &Path) -> Result<(), LedgerError> {
    database::flush_names(path).map_err(|error| refused(path, &error))
}

/// The locks of a ledger's jobs: each has the slot of its number.
pub(crate) fn locks(path: &Path) -> Result<LockTable, LedgerError> {
    let table = database::lock_path(path);
    LockTable::open(&table).map_err(|error| refused(&table, &error))
}

/// The time of day, in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let now = surecopy_fs::wall_clock();
    now.secs.saturating_mul(1000).saturating_add(i64::from(now.nanos / 1_000_000))
}

fn refused(path: &Path, error: &io::Error) -> LedgerError {
    LedgerError::of(Trouble::from(error), path.to_owned(), error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is there, or cannot be looked at, may be the latest of what happened.
    #[test]
    fn a_log_that_may_have_something_in_it_is_seen() {
        let temp = tempfile::tempdir().unwrap();
        let (ledger, log) = (temp.path().join("ledger.db"), temp.path().join("ledger.db-wal"));
        assert!(!has_log(&ledger));
        std::fs::write(&log, "").unwrap();
        assert!(!has_log(&ledger));
        std::fs::write(&log, "x").unwrap();
        assert!(has_log(&ledger));
        assert!(has_log(&log.join("ledger.db")), "its folder is a file");
    }
}
