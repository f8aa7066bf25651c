//! What can go wrong with an index. None of it is the end of anything but the use of the index: whoever
//! meets one of these scans instead, and says so in one line.

use std::path::{Path, PathBuf};

use surecopy_database::Trouble;

/// Why the index cannot be used, or does not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// The file is something else.
    #[error("{} is not an index of surecopy ({message}); name another file", path.display())]
    NotAnIndex {
        /// The file.
        path: PathBuf,
        /// How that was seen.
        message: String,
    },
    /// A later version of surecopy has written it.
    #[error(
        "the index {} was written by a later surecopy (its version is {found}, this program knows \
         {known}); use that one, or remove the index",
        path.display()
    )]
    Newer {
        /// The index.
        path: PathBuf,
        /// The version of its schema.
        found: u32,
        /// The latest version that this program knows.
        known: u32,
    },
    /// An earlier version of surecopy has written it, and it was not to be changed.
    #[error(
        "the index {} is of an earlier version ({found}); it is built anew by the next preparation",
        path.display()
    )]
    Older {
        /// The index.
        path: PathBuf,
        /// The version of its schema.
        found: u32,
    },
    /// Its content contradicts itself.
    #[error("the index {} is damaged ({message}); it can be removed at any time", path.display())]
    Damaged {
        /// The index.
        path: PathBuf,
        /// What was seen.
        message: String,
    },
    /// The volume it is on has no room left.
    #[error("there is no room left for the index {}", path.display())]
    Full {
        /// The index.
        path: PathBuf,
    },
    /// It cannot be read or written.
    #[error(
        "reading and writing the index {} is refused; grant the right to both, or name another index",
        path.display()
    )]
    Refused {
        /// The index.
        path: PathBuf,
    },
    /// Another program held it for longer than it is worth to wait.
    #[error("another program holds the index {}", path.display())]
    Locked {
        /// The index.
        path: PathBuf,
    },
    /// It would be on another machine.
    #[error(
        "the index {} is on a network volume, where locks cannot be relied on; name a file on a disk \
         of this machine",
        path.display()
    )]
    Network {
        /// The index.
        path: PathBuf,
    },
    /// What is open is not the file that has its path any more: what is written to it is read by nobody.
    #[error("the index {} was replaced or removed while it was used", path.display())]
    Replaced {
        /// The index.
        path: PathBuf,
    },
    /// There is no such location, or no longer.
    #[error("the index has no such location")]
    NoSuchLocation,
    /// The path of a location is to begin at the root of the file tree, and to have plain names.
    #[error("a location needs an absolute path without `..`: {}", path.display())]
    NotALocation {
        /// The path.
        path: PathBuf,
    },
    /// The SQLite that this program was built with is not safe.
    #[error(
        "this program was built with SQLite {found}, which can corrupt an index; build it with 3.51.3 \
         or later"
    )]
    UnsafeSqlite {
        /// Its version.
        found: &'static str,
    },
    /// It cannot be read or written for another reason.
    #[error("the index {} cannot be used: {message}", path.display())]
    Io {
        /// The index.
        path: PathBuf,
        /// The reason.
        message: String,
    },
}

impl IndexError {
    /// Its stable text.
    pub fn code(&self) -> &'static str {
        match self {
            IndexError::NotAnIndex { .. } => "INDEX_NOT_AN_INDEX",
            IndexError::Newer { .. } => "INDEX_NEWER",
            IndexError::Older { .. } => "INDEX_OLDER",
            IndexError::Damaged { .. } => "INDEX_DAMAGED",
            IndexError::Full { .. } => "INDEX_FULL",
            IndexError::Refused { .. } => "INDEX_REFUSED",
            IndexError::Locked { .. } => "INDEX_LOCKED",
            IndexError::Network { .. } => "INDEX_ON_NETWORK",
            IndexError::Replaced { .. } => "INDEX_REPLACED",
            IndexError::NoSuchLocation => "INDEX_NO_SUCH_LOCATION",
            IndexError::NotALocation { .. } => "INDEX_NOT_A_LOCATION",
            IndexError::UnsafeSqlite { .. } => "INDEX_UNSAFE_SQLITE",
            IndexError::Io { .. } => "INDEX_IO",
        }
    }

    /// What is wrong with the database, in the words of the index.
    pub(crate) fn of(trouble: Trouble, path: PathBuf, message: String) -> Self {
        match trouble {
            Trouble::Full => IndexError::Full { path },
            Trouble::Refused => IndexError::Refused { path },
            Trouble::Locked => IndexError::Locked { path },
            Trouble::NotAFile => {
                let message = "it is no ordinary file".to_owned();
                IndexError::NotAnIndex { path, message }
            }
            // A table that is missing is damage too.
            Trouble::NotADatabase | Trouble::Damaged | Trouble::Misfit => {
                IndexError::Damaged { path, message }
            }
            Trouble::Missing | Trouble::Other => IndexError::Io { path, message },
        }
    }
}

/// What went wrong inside, before it is known in which file.
#[derive(Debug)]
pub(crate) enum Fault {
    /// SQLite says so.
    Sqlite(rusqlite::Error),
    /// What was read cannot have been written by us.
    Content(&'static str),
    /// It has a name already.
    Named(IndexError),
}

pub(crate) type Outcome<T> = Result<T, Fault>;

impl Fault {
    /// Names the file it happened to.
    pub(crate) fn in_index(self, path: &Path) -> IndexError {
        let path = path.to_owned();
        match self {
            Fault::Sqlite(error) => IndexError::of(Trouble::from(&error), path, error.to_string()),
            Fault::Content(message) => IndexError::Damaged { path, message: message.to_owned() },
            Fault::Named(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Fault::Sqlite(error)
    }
}

impl From<IndexError> for Fault {
    fn from(error: IndexError) -> Self {
        Fault::Named(error)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn what_sqlite_says_is_told_by_what_can_be_done_about_it() {
        for (number, code) in [
            (ffi::SQLITE_FULL, "INDEX_FULL"),
            (ffi::SQLITE_IOERR_SHMSIZE, "INDEX_FULL"),
            (ffi::SQLITE_READONLY, "INDEX_REFUSED"),
            (ffi::SQLITE_CANTOPEN, "INDEX_REFUSED"),
            (ffi::SQLITE_BUSY, "INDEX_LOCKED"),
            (ffi::SQLITE_CORRUPT, "INDEX_DAMAGED"),
            (ffi::SQLITE_NOTADB, "INDEX_DAMAGED"),
            (ffi::SQLITE_ERROR, "INDEX_DAMAGED"),
            (ffi::SQLITE_IOERR_READ, "INDEX_IO"),
        ] {
            let failure = rusqlite::Error::SqliteFailure(ffi::Error::new(number), None);
            assert_eq!(Fault::from(failure).in_index(Path::new("/i")).code(), code, "{number}");
        }
    }
}
