//! What can go wrong with a ledger, in words that say which file and what to do.

use std::path::{Path, PathBuf};

use surecopy_database::Trouble;
use surecopy_engine::JournalError;

use crate::job::JobId;

/// Why the ledger cannot be used, or does not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// There is no ledger at the path.
    #[error("there is no ledger at {}", path.display())]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} is not a ledger of surecopy ({message}); name another file", path.display())]
    NotALedger {
        /// The file.
        path: PathBuf,
        /// How that was seen.
        message: String,
    },
    /// A later version of surecopy has written it.
    #[error(
        "the ledger {} was written by a later surecopy (its version is {found}, this program knows \
         {known}); use that one, or name another ledger",
        path.display()
    )]
    Newer {
        /// The ledger.
        path: PathBuf,
        /// The version of its schema.
        found: u32,
        /// The latest version that this program knows.
        known: u32,
    },
    /// It is of an earlier version, and an earlier surecopy is at work on one of its jobs.
    #[error(
        "the ledger {} is of an earlier version, and cannot be brought up to date as long as job {job} \
         runs; try again when that has ended",
        path.display()
    )]
    InUse {
        /// The ledger.
        path: PathBuf,
        /// The job.
        job: JobId,
    },
    /// Its content contradicts itself.
    #[error(
        "the ledger {} is damaged ({message}); move it aside together with its -wal file and copy \
         again: what is in place already is found and not copied twice",
        path.display()
    )]
    Damaged {
        /// The ledger.
        path: PathBuf,
        /// What was seen.
        message: String,
    },
    /// What a record of the audit log of one job says cannot be read. The rest of the ledger is not
    /// concerned.
    #[error(
        "record {record} of the audit log of job {job} cannot be read ({message}): it is not as it was \
         written; `surecopy audit {job} --check` looks for what was changed, and other jobs go on as before"
    )]
    DamagedRecord {
        /// The job.
        job: JobId,
        /// The number of the record within the job.
        record: u64,
        /// What was seen.
        message: String,
    },
    /// What was asked for is not what the audit log of the job says. The rest of the ledger is not concerned.
    #[error(
        "what was asked for as job {job} is not what the audit log says: it is not as it was written, so \
         nothing is done by it; copy again: what is in place already is found and not copied twice"
    )]
    RequestChanged {
        /// The job.
        job: JobId,
    },
    /// The volume it is on has no room left.
    #[error(
        "there is no room left for the ledger {}; make some, then resume the job",
        path.display()
    )]
    Full {
        /// The ledger.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error(
        "the ledger {} cannot be read; grant the right to read it and to search its directory, or name \
         another ledger",
        path.display()
    )]
    Unreadable {
        /// The ledger.
        path: PathBuf,
    },
    /// It cannot be written.
    #[error(
        "the ledger {} cannot be written; grant the right to write it and its directory, or name \
         another ledger",
        path.display()
    )]
    ReadOnly {
        /// The ledger.
        path: PathBuf,
    },
    /// Another program held it for too long.
    #[error(
        "another program holds the ledger {}; try again when it has ended",
        path.display()
    )]
    Locked {
        /// The ledger.
        path: PathBuf,
    },
    /// It would be on another machine.
    #[error(
        "the ledger {} is on a network volume, where locks and flushes cannot be relied on; name a \
         file on a disk of this machine",
        path.display()
    )]
    Network {
        /// The ledger.
        path: PathBuf,
    },
    /// There is no such job.
    #[error("there is no job {job} in the ledger")]
    NoSuchJob {
        /// Its number.
        job: JobId,
    },
    /// Somebody is at work on the job.
    #[error("job {job} is running already, as process {pid} on {host}; wait for it, or end it")]
    JobIsRunning {
        /// The job.
        job: JobId,
        /// The process.
        pid: u32,
        /// Its machine.
        host: String,
    },
    /// Somebody is just beginning to work on the job, or has just ended, and does not say who it is.
    #[error(
        "job {job} is running already: another process is just beginning with it; wait for it, or end it"
    )]
    JobIsBeginning {
        /// The job.
        job: JobId,
    },
    /// Somebody else has begun to work on the job, although this run had not ended.
    #[error(
        "another run of job {job} has taken over: the lock file beside the ledger was removed or replaced \
         while this one was at work; wait for the other, then resume the job"
    )]
    TakenOver {
        /// The job.
        job: JobId,
    },
    /// The SQLite that this program was built with is not safe.
    #[error(
        "this program was built with SQLite {found}, which can corrupt a ledger; build it with \
         3.51.3 or later"
    )]
    UnsafeSqlite {
        /// Its version.
        found: &'static str,
    },
    /// It cannot be read or written for another reason.
    #[error("the ledger {} cannot be used: {message}", path.display())]
    Io {
        /// The ledger.
        path: PathBuf,
        /// The reason.
        message: String,
    },
    /// Something was asked of it that cannot be. This is a mistake of surecopy.
    #[error("the ledger was asked for what cannot be: {message}; please report it")]
    Contradiction {
        /// What.
        message: String,
    },
}

impl LedgerError {
    /// What is wrong with the database, in the words of the ledger.
    pub(crate) fn of(trouble: Trouble, path: PathBuf, message: String) -> Self {
        match trouble {
            Trouble::Full => LedgerError::Full { path },
            // That it cannot be opened: it is known by now to be an ordinary file, and to be there.
            Trouble::Refused => LedgerError::ReadOnly { path },
            Trouble::Locked => LedgerError::Locked { path },
            Trouble::Missing => LedgerError::Missing { path },
            Trouble::NotADatabase => LedgerError::NotALedger { path, message },
            Trouble::Damaged => LedgerError::Damaged { path, message },
            Trouble::Misfit | Trouble::NotAFile | Trouble::Other => {
                LedgerError::Io { path, message }
            }
        }
    }
}

/// What went wrong inside, before it is known in which file.
#[derive(Debug)]
pub(crate) enum Fault {
    /// SQLite says so.
    Sqlite(rusqlite::Error),
    /// What was read cannot have been written by us.
    Content(String),
    /// The same, of a record of the audit log of one job.
    Record { job: JobId, record: u64, message: String },
    /// What was to be written does not fit what is there.
    Contradiction(String),
    /// It has a name already.
    Named(LedgerError),
}

pub(crate) type Result<T, E = Fault> = std::result::Result<T, E>;

impl Fault {
    pub(crate) fn content(message: impl Into<String>) -> Self {
        Fault::Content(message.into())
    }

    /// What was read was in a record of the audit log of a job.
    pub(crate) fn in_record(self, job: JobId, record: u64) -> Self {
        match self {
            Fault::Content(message) => Fault::Record { job, record, message },
            Fault::Record { .. } | Fault::Sqlite(_) | Fault::Contradiction(_) | Fault::Named(_) => {
                self
            }
        }
    }

    /// Names the file it happened to.
    pub(crate) fn in_ledger(self, path: &Path) -> LedgerError {
        let path = path.to_owned();
        match self {
            Fault::Sqlite(error) => LedgerError::of(Trouble::from(&error), path, error.to_string()),
            Fault::Content(message) => LedgerError::Damaged { path, message },
            Fault::Record { job, record, message } => {
                LedgerError::DamagedRecord { job, record, message }
            }
            Fault::Contradiction(message) => LedgerError::Contradiction { message },
            Fault::Named(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Fault::Sqlite(error)
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Fault::Content(format!("text that is no JSON of ours: {error}"))
    }
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Self {
        Fault::Named(error)
    }
}

impl From<LedgerError> for JournalError {
    fn from(error: LedgerError) -> Self {
        JournalError { message: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn what_sqlite_says_is_told_in_words_that_help() {
        let told = |code| {
            let failure = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            Fault::from(failure).in_ledger(Path::new("/l"))
        };
        let path = PathBuf::from("/l");
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_SHMSIZE] {
            assert_eq!(told(code), LedgerError::Full { path: path.clone() }, "{code}");
        }
        for code in [ffi::SQLITE_READONLY, ffi::SQLITE_PERM, ffi::SQLITE_CANTOPEN] {
            assert_eq!(told(code), LedgerError::ReadOnly { path: path.clone() }, "{code}");
        }
        assert!(matches!(told(ffi::SQLITE_IOERR_READ), LedgerError::Io { .. }));
    }
}
