//! Where a database lies: its file, its directory, and the lock file beside it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use surecopy_fs::{
    FileKind, FileSystem, FsErrorKind, FsResult, LockTable, Metadata, NativeFs, SlotLock,
};

use crate::patience::Patience;

/// Why a database cannot lie at a path.
#[derive(Debug)]
pub enum PlaceError {
    /// It would be on another machine, where locks and flushes cannot be relied on.
    Network {
        /// The absolute path.
        path: PathBuf,
    },
    /// The system says so.
    Refused {
        /// The path, absolute if that much is known.
        path: PathBuf,
        /// What it says.
        error: io::Error,
    },
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Nothing,
    /// A file.
    File,
    /// Something else: a pipe, which would be waited for, or a link, which somebody may have put there.
    Other,
}

/// Makes sure that a database can lie at a path: not across a network, in a directory that, if it has
/// to be made, is nobody else's. Returns the absolute path.
pub fn prepare_folder(path: &Path) -> Result<PathBuf, PlaceError> {
    let refused = |path: &Path, error| PlaceError::Refused { path: path.to_owned(), error };
    let path = surecopy_fs::absolute_path(path).map_err(|error| refused(path, error))?;
    if surecopy_fs::is_on_network_volume(&path) {
        return Err(PlaceError::Network { path });
    }
    let (folder, _) = split(&path);
    surecopy_fs::create_private_dir(folder).map_err(|error| refused(&path, error))?;
    Ok(path)
}

/// Makes an empty file for this user alone if there is none. Whatever else stands there is refused, as
/// invalid input.
pub fn make(path: &Path) -> io::Result<()> {
    surecopy_fs::create_private_file(path)
}

/// What stands at a path. Nothing is opened.
pub fn look(path: &Path) -> FsResult<Standing> {
    match metadata(path) {
        Ok(found) if found.kind == FileKind::File => Ok(Standing::File),
        Ok(_) => Ok(Standing::Other),
        Err(error) if error.kind == FsErrorKind::NotFound => Ok(Standing::Nothing),
        Err(error) => Err(error),
    }
}

/// The metadata of what stands at a path.
pub fn metadata(path: &Path) -> FsResult<Metadata> {
    let (folder, name) = split(path);
    let fs = NativeFs::new();
    fs.open_root(folder).and_then(|folder| fs.metadata_at(&folder, name))
}

/// Makes the names in a database's directory durable.
pub fn flush_names(path: &Path) -> io::Result<()> {
    surecopy_fs::flush_directory_at(split(path).0)
}

/// A path with something behind its last name.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The file beside a database that its users lock to tell each other what they are at.
pub fn lock_path(path: &Path) -> PathBuf {
    beside(path, ".lock")
}

/// Waits until nobody else opens the database of a lock file. Who opens it holds what this returns;
/// `None` when somebody does for too long.
pub fn gate(lock: &Path, patience: Patience) -> io::Result<Option<SlotLock>> {
    let table = LockTable::open(lock)?;
    for count in patience.tries() {
        if let Some(gate) = table.try_lock(0)? {
            return Ok(Some(gate));
        }
        patience.wait(count);
    }
    Ok(None)
}

fn split(path: &Path) -> (&Path, &OsStr) {
    (path.parent().unwrap_or(Path::new("/")), path.file_name().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn files_and_directories_are_made_for_one_user() {
        let temp = tempfile::tempdir().unwrap();
        let path = prepare_folder(&temp.path().join("a/b/some.db")).unwrap();
        make(&path).unwrap();
        make(&path).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(&temp.path().join("a/b")), 0o700);
    }

    #[test]
    fn only_a_file_is_one() {
        let temp = tempfile::tempdir().unwrap();
        let at = |name: &str| temp.path().join(name);
        fs::write(at("file"), "").unwrap();
        symlink("file", at("link")).unwrap();
        let looked = ["none", "file", "link"].map(|name| look(&at(name)).unwrap());
        assert_eq!(looked, [Standing::Nothing, Standing::File, Standing::Other]);
        assert_eq!(look(temp.path()).unwrap(), Standing::Other);
        assert_eq!(make(&at("link")).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn one_after_another_comes_through_the_gate() {
        let temp = tempfile::tempdir().unwrap();
        let lock = lock_path(&temp.path().join("some.db"));
        assert!(lock.ends_with("some.db.lock"));
        let pass = || gate(&lock, Patience::of_millis(10)).unwrap();
        let first = pass();
        assert!(first.is_some());
        assert!(pass().is_none());
        drop(first);
        assert!(pass().is_some());
    }
}
