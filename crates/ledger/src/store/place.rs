//! Where a ledger lies: its file, its directory and its locks. The rest of this crate speaks to the
//! system only through SQLite and this.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use surecopy_fs::{FileKind, FileSystem, FsErrorKind, FsResult, LockTable, Metadata, NativeFs};

use crate::error::LedgerError;

/// Makes sure that a ledger can lie at a path: not across a network, in a directory that, if it has
/// to be made, is nobody else's. Returns the absolute path.
pub(crate) fn prepare(path: &Path) -> Result<PathBuf, LedgerError> {
    let path = absolute(path)?;
    if surecopy_fs::is_on_network_volume(&path) {
        return Err(LedgerError::Network { path });
    }
    let parent = path.parent().unwrap_or(Path::new("/"));
    surecopy_fs::create_private_dir(parent).map_err(|error| refused(&path, &error))?;
    surecopy_fs::create_private_file(&path).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => no_file(&path),
        _ => refused(&path, &error),
    })?;
    Ok(path)
}

/// Makes sure that a path is that of a file: not of a pipe, which would be waited for, and not of a
/// link, which somebody may have put there.
pub(crate) fn look(path: &Path) -> Result<(), LedgerError> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(no_file(path));
    };
    match metadata(parent, name) {
        Ok(found) if found.kind == FileKind::File => Ok(()),
        Ok(_) => Err(no_file(path)),
        Err(error) => match error.kind {
            FsErrorKind::NotFound => Err(LedgerError::Missing { path: path.to_owned() }),
            FsErrorKind::PermissionDenied => Err(LedgerError::Unreadable { path: path.to_owned() }),
            _ => Err(LedgerError::Io { path: path.to_owned(), message: error.to_string() }),
        },
    }
}

/// Whether something is, or may be, in the write-ahead log beside a ledger.
pub(crate) fn has_log(path: &Path) -> bool {
    let Some((parent, name)) = path.parent().zip(path.file_name()) else { return true };
    let mut name = name.to_owned();
    name.push("-wal");
    match metadata(parent, &name) {
        Ok(found) => found.size > 0,
        Err(error) => error.kind != FsErrorKind::NotFound,
    }
}

fn metadata(parent: &Path, name: &OsStr) -> FsResult<Metadata> {
    let fs = NativeFs::new();
    fs.open_root(parent).and_then(|parent| fs.metadata_at(&parent, name))
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
    let parent = path.parent().unwrap_or(Path::new("/"));
    surecopy_fs::flush_directory_at(parent).map_err(|error| refused(path, &error))
}

/// The locks of a ledger's jobs: each has the slot of its number.
pub(crate) fn locks(path: &Path) -> Result<LockTable, LedgerError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let table = PathBuf::from(name);
    LockTable::open(&table).map_err(|error| refused(&table, &error))
}

/// The time of day, in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let now = surecopy_fs::wall_clock();
    now.secs.saturating_mul(1000).saturating_add(i64::from(now.nanos / 1_000_000))
}

fn refused(path: &Path, error: &io::Error) -> LedgerError {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            LedgerError::ReadOnly { path }
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => LedgerError::Full { path },
        io::ErrorKind::NotFound => LedgerError::Missing { path },
        _ => LedgerError::Io { path, message: error.to_string() },
    }
}
