//! Where an index lies: its file, its directory and the lock that openers hold one after another.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use surecopy_database::{self as database, PlaceError, Standing, Trouble};
use surecopy_fs::{FileId, FileSystem, FsErrorKind, NativeFs, SlotLock};

use super::connection::PATIENCE;
use crate::error::IndexError;

/// What SQLite keeps beside its database.
pub(super) const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// The place of an index that is being opened: nobody else opens it as long as this lives.
pub(super) struct Place {
    pub(super) path: PathBuf,
    /// An index has been opened here before, so what is here is ours, however broken.
    pub(super) is_known: bool,
    _gate: SlotLock,
}

/// Makes sure that an index can lie at a path, and waits until nobody else opens it.
pub(super) fn enter(path: &Path) -> Result<Place, IndexError> {
    let path = database::prepare_folder(path).map_err(|error| match error {
        PlaceError::Network { path } => IndexError::Network { path },
        PlaceError::Refused { path, error } => refused(&path, &error),
    })?;
    let is_there = look(&path)?;
    let lock = database::lock_path(&path);
    let is_known = look(&lock)?;
    if is_there && !is_known {
        ensure_database(&path)?;
    }
    let gate = database::gate(&lock, PATIENCE).map_err(|error| refused(&path, &error))?;
    let Some(gate) = gate else { return Err(IndexError::Locked { path }) };
    Ok(Place { path, is_known, _gate: gate })
}

impl Place {
    /// Makes an empty file if there is none.
    pub(super) fn make(&self) -> Result<(), IndexError> {
        database::make(&self.path).map_err(|error| refused(&self.path, &error))
    }

    /// Whether something stands beside the database.
    pub(super) fn has_beside(&self, suffix: &str) -> Result<bool, IndexError> {
        look(&database::beside(&self.path, suffix))
    }
}

/// Whether there is a file at a path.
pub(crate) fn is_there(path: &Path) -> Result<bool, IndexError> {
    look(&surecopy_fs::absolute_path(path).map_err(|error| refused(path, &error))?)
}

/// Which file an open index is: the one that has its path.
pub(crate) fn identify(path: &Path) -> Result<FileId, IndexError> {
    match database::metadata(path) {
        Ok(found) => Ok(found.id),
        Err(error) if matches!(error.kind, FsErrorKind::NotFound | FsErrorKind::NotADirectory) => {
            Err(IndexError::Replaced { path: path.to_owned() })
        }
        Err(error) => Err(refused(path, &error.source)),
    }
}

/// Whether there is a file; anything else is refused: a pipe would be waited for.
fn look(path: &Path) -> Result<bool, IndexError> {
    match database::look(path) {
        Ok(Standing::File) => Ok(true),
        Ok(Standing::Nothing) => Ok(false),
        Ok(Standing::Other) => Err(not_an_index(path, "it is no ordinary file")),
        Err(error) => Err(refused(path, &error.source)),
    }
}

/// Without a lock file beside it, a file that is no database was never ours, and nothing is done to it.
fn ensure_database(path: &Path) -> Result<(), IndexError> {
    const BEGINNING: &[u8; 16] = b"SQLite format 3\0";
    let (parent, name) = split(path);
    let fs = NativeFs::new();
    let mut buffer = [0; BEGINNING.len()];
    let read = fs
        .open_root(parent)
        .and_then(|parent| fs.open_source(&parent, name))
        .and_then(|file| fs.read_at(&file, &mut buffer, 0))
        .map_err(|error| refused(path, &error.source))?;
    if read == 0 || &buffer == BEGINNING {
        return Ok(());
    }
    Err(not_an_index(path, "it is no database"))
}

fn split(path: &Path) -> (&Path, &OsStr) {
    (path.parent().unwrap_or(Path::new("/")), path.file_name().unwrap_or_default())
}

fn not_an_index(path: &Path, message: &str) -> IndexError {
    IndexError::NotAnIndex { path: path.to_owned(), message: message.to_owned() }
}

pub(super) fn refused(path: &Path, error: &io::Error) -> IndexError {
    IndexError::of(Trouble::from(error), path.to_owned(), error.to_string())
}
