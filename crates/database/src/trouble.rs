//! What is wrong with a database, as the system or SQLite says it, by what can be done about it.

use std::io;

use rusqlite::Error;
use rusqlite::ffi::{ErrorCode, SQLITE_IOERR_SHMSIZE};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// There is no room left.
    Full,
    /// It may not be written, or not be opened.
    Refused,
    /// Another program held it for too long.
    Locked,
    /// Something that is needed is not there.
    Missing,
    /// It is no ordinary file, or its path cannot be one.
    NotAFile,
    /// It is a file, and no database.
    NotADatabase,
    /// Its content contradicts itself: a page, or a value of another type than the schema says, or a row
    /// missing that must be there.
    Damaged,
    /// What is asked of it does not fit it: a table is missing, or rows stand against each other. What
    /// that says depends on who can have made it so.
    Misfit,
    /// Something else.
    Other,
}

impl From<&Error> for Trouble {
    fn from(error: &Error) -> Self {
        let failure = match error {
            Error::SqliteFailure(failure, _) => failure,
            Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::Utf8Error(..)
            | Error::QueryReturnedNoRows => return Trouble::Damaged,
            Error::SqlInputError { .. } => return Trouble::Misfit,
            _ => return Trouble::Other,
        };
        // The memory that its users share is a file beside it, and the only thing that is not simply
        // written: how SQLite says that there is no room for that.
        if failure.extended_code == SQLITE_IOERR_SHMSIZE {
            return Trouble::Full;
        }
        match failure.code {
            ErrorCode::DiskFull => Trouble::Full,
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen => {
                Trouble::Refused
            }
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Trouble::Locked,
            ErrorCode::NotADatabase => Trouble::NotADatabase,
            ErrorCode::DatabaseCorrupt => Trouble::Damaged,
            // A table that is missing is `SQLITE_ERROR`, which is among the unknown.
            ErrorCode::ConstraintViolation | ErrorCode::Unknown => Trouble::Misfit,
            _ => Trouble::Other,
        }
    }
}

impl From<&io::Error> for Trouble {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Trouble::Full,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Trouble::Refused,
            io::ErrorKind::NotFound => Trouble::Missing,
            io::ErrorKind::InvalidInput => Trouble::NotAFile,
            _ => Trouble::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, ffi};

    use super::*;

    #[test]
    fn what_sqlite_says_is_told_by_what_can_be_done_about_it() {
        for (number, trouble) in [
            (ffi::SQLITE_FULL, Trouble::Full),
            (ffi::SQLITE_IOERR_SHMSIZE, Trouble::Full),
            (ffi::SQLITE_READONLY, Trouble::Refused),
            (ffi::SQLITE_PERM, Trouble::Refused),
            (ffi::SQLITE_CANTOPEN, Trouble::Refused),
            (ffi::SQLITE_BUSY, Trouble::Locked),
            (ffi::SQLITE_LOCKED, Trouble::Locked),
            (ffi::SQLITE_NOTADB, Trouble::NotADatabase),
            (ffi::SQLITE_CORRUPT, Trouble::Damaged),
            (ffi::SQLITE_ERROR, Trouble::Misfit),
            (ffi::SQLITE_CONSTRAINT, Trouble::Misfit),
            (ffi::SQLITE_IOERR_READ, Trouble::Other),
        ] {
            let failure = Error::SqliteFailure(ffi::Error::new(number), None);
            assert_eq!(Trouble::from(&failure), trouble, "{number}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told_from_what_contradicts_itself() {
        let connection = Connection::open_in_memory().unwrap();
        let ask = |sql: &str| connection.query_row(sql, (), |row| row.get::<_, i64>(0));
        for (sql, trouble) in [
            ("SELECT 1 FROM missing", Trouble::Misfit),
            ("SELECT missing FROM sqlite_schema", Trouble::Misfit),
            ("SELECT 1 FROM sqlite_schema", Trouble::Damaged),
            ("SELECT 'text'", Trouble::Damaged),
        ] {
            assert_eq!(Trouble::from(&ask(sql).unwrap_err()), trouble, "{sql}");
        }
    }

    #[test]
    fn what_the_system_says_is_told_in_the_same_way() {
        for (kind, trouble) in [
            (io::ErrorKind::StorageFull, Trouble::Full),
            (io::ErrorKind::QuotaExceeded, Trouble::Full),
            (io::ErrorKind::PermissionDenied, Trouble::Refused),
            (io::ErrorKind::ReadOnlyFilesystem, Trouble::Refused),
            (io::ErrorKind::NotFound, Trouble::Missing),
            (io::ErrorKind::InvalidInput, Trouble::NotAFile),
            (io::ErrorKind::WouldBlock, Trouble::Other),
        ] {
            assert_eq!(Trouble::from(&io::Error::from(kind)), trouble, "{kind}");
        }
    }
}
