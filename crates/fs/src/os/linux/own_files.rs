//! Places for files that surecopy keeps for itself, such as its ledger. They are given by path, links
//! and all, as nothing that is copied ever is.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, lstat, mkdir, open, stat};
use rustix::io::Errno;

use super::call::uninterrupted;
use super::{beneath, durability, publish, volume};
use crate::error::{FsErrorKind, Operation};

/// Makes a directory, and those above it that are missing, all for this user alone (`0o700`). One
/// that is there already is left as it is. What was made is durable.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    let mut missing = Vec::new();
    for dir in path.ancestors().map(or_current) {
        match uninterrupted(|| stat(dir)) {
            Ok(found) if is_dir(found.st_mode) => break,
            Ok(_) => return Err(Errno::NOTDIR.into()),
            Err(Errno::NOENT) => missing.push(dir),
            Err(errno) => return Err(errno.into()),
        }
    }
    for dir in missing.iter().rev() {
        match uninterrupted(|| mkdir(*dir, Mode::RWXU)) {
            // Somebody else may be making it as well.
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
        flush_directory_at(dir.parent().map_or(Path::new("."), or_current))?;
    }
    let made = uninterrupted(|| stat(or_current(path)))?;
    if is_dir(made.st_mode) { Ok(()) } else { Err(Errno::NOTDIR.into()) }
}

/// Makes an empty file for this user alone (`0o600`). One that is there already is left as it is; what
/// is no regular file is refused, a link among them.
pub fn create_private_file(path: &Path) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    match uninterrupted(|| open(path, flags, Mode::RUSR | Mode::WUSR)) {
        Ok(_) => Ok(()),
        // It is not opened for a look: closing a file takes away the locks that other parts of this
        // process hold on it.
        Err(Errno::EXIST) => {
            match FileType::from_raw_mode(uninterrupted(|| lstat(path))?.st_mode) {
                FileType::RegularFile => Ok(()),
                _ => Err(Errno::INVAL.into()),
            }
        }
        Err(errno) => Err(errno.into()),
    }
}

/// Makes the names in a directory durable, as far as its volume can: where directories cannot be
/// flushed, nothing is done, and that is no error.
pub fn flush_directory_at(path: &Path) -> io::Result<()> {
    let dir = beneath::open_root(path).map_err(|error| error.source)?;
    match durability::flush_dir(&dir) {
        Err(error) if error.kind == FsErrorKind::NotSupported => Ok(()),
        flushed => flushed.map_err(|error| error.source),
    }
}

/// Gives a file in a directory another name there, for good, and fails with `AlreadyExists` when
/// something has that.
pub fn publish_new_at(folder: &Path, partial: &OsStr, name: &OsStr) -> io::Result<()> {
    let dir = beneath::open_root(folder).map_err(|error| error.source)?;
    publish::publish_new(&dir, partial, name).map_err(|error| error.source)?;
    match durability::flush_dir(&dir) {
        Err(error) if error.kind == FsErrorKind::NotSupported => Ok(()),
        flushed => flushed.map_err(|error| error.source),
    }
}

/// Whether a file is on another machine, or would be if it were made: judged by what is there of its
/// path. `false` where the system does not tell.
pub fn is_on_network_volume(path: &Path) -> bool {
    nearest(path).is_some_and(|found| {
        let kind = volume::filesystem(Operation::Volume, found.as_fd());
        kind.is_ok_and(|kind| kind.is_network)
    })
}

/// The last part of a path that is there. It is not opened to be read, so nothing waits.
fn nearest(path: &Path) -> Option<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let mut parts = path.ancestors().map(or_current);
    parts.find_map(|part| uninterrupted(|| open(part, flags, Mode::empty())).ok())
}

/// The path from the root of the file tree, beginning in the current directory if it does not say.
/// Links stay as they are, and so does `..`, which may lead elsewhere after a link.
pub fn absolute_path(path: &Path) -> io::Result<PathBuf> {
    std::path::absolute(path)
}

/// The path from the root of the file tree, without `..`: up to the last of these, it is where the links in
/// it lead; behind that, links stay as they are.
pub fn plain_path(path: &Path) -> io::Result<PathBuf> {
    let path = absolute_path(path)?;
    let parts: Vec<Component<'_>> = path.components().collect();
    let after = parts.iter().rposition(|part| *part == Component::ParentDir).map_or(0, |at| at + 1);
    let (before, rest) = parts.split_at(after);
    let before: PathBuf = before.iter().collect();
    let before = if after == 0 { before } else { std::fs::canonicalize(before)? };
    Ok(before.join(rest.iter().collect::<PathBuf>()))
}

/// The path before a name without one.
fn or_current(path: &Path) -> &Path {
    if path == Path::new("") { Path::new(".") } else { path }
}

fn is_dir(mode: u32) -> bool {
    FileType::from_raw_mode(mode) == FileType::Directory
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use rustix::fs::fstat;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn what_is_missing_of_a_private_directory_is_made() {
        let temp = tempfile::tempdir().unwrap();
        let above = temp.path().join("above");
        fs::create_dir(&above).unwrap();
        fs::set_permissions(&above, fs::Permissions::from_mode(0o755)).unwrap();
        let inner = above.join("state/inner");
        create_private_dir(&inner).unwrap();
        let modes = [&above, &above.join("state"), &inner].map(|path| mode(path));
        assert_eq!(modes, [0o755, 0o700, 0o700]);
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o750)).unwrap();
        create_private_dir(&inner).unwrap();
        assert_eq!(mode(&inner), 0o750, "one that is there is left as it is");
    }

    #[test]
    fn a_plain_path_leads_where_the_typed_one_does() {
        let temp = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(temp.path()).unwrap();
        fs::create_dir_all(top.join("far/away")).unwrap();
        fs::create_dir(top.join("near")).unwrap();
        symlink("../far/away", top.join("near/link")).unwrap();
        for (typed, plain) in [
            ("near/link", Some("near/link")),
            ("near/./link/", Some("near/link")),
            // Not `near`: behind a link, `..` is above where that leads.
            ("near/link/..", Some("far")),
            ("near/../near/link", Some("near/link")),
            ("near/link/../not there", Some("far/not there")),
            ("not there/../near", None),
        ] {
            let found = plain_path(&top.join(typed)).ok();
            assert_eq!(found, plain.map(|plain| top.join(plain)), "{typed}");
        }
    }

    #[test]
    fn a_new_name_takes_nothing_from_anybody() {
        let temp = tempfile::tempdir().unwrap();
        let (partial, name) = (OsStr::new("partial"), OsStr::new("name"));
        fs::write(temp.path().join(partial), "ours").unwrap();
        fs::write(temp.path().join(name), "theirs").unwrap();
        let refused = publish_new_at(temp.path(), partial, name).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(temp.path().join(name)).unwrap(), "theirs");
        fs::remove_file(temp.path().join(name)).unwrap();
        publish_new_at(temp.path(), partial, name).unwrap();
        assert_eq!(fs::read_to_string(temp.path().join(name)).unwrap(), "ours");
        assert!(!temp.path().join(partial).exists());
    }

    #[test]
    fn a_private_directory_may_stand_behind_a_link() {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir(temp.path().join("real")).unwrap();
        symlink("real", temp.path().join("link")).unwrap();
        create_private_dir(&temp.path().join("link")).unwrap();
        create_private_dir(&temp.path().join("link/state")).unwrap();
        assert_eq!(mode(&temp.path().join("real/state")), 0o700);
    }

    #[test]
    fn what_is_in_the_way_of_a_private_directory_is_said() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("file"), "").unwrap();
        symlink("none", temp.path().join("dangling")).unwrap();
        let kind = |name: &str| create_private_dir(&temp.path().join(name)).unwrap_err().kind();
        assert_eq!(kind("file"), io::ErrorKind::NotADirectory);
        assert_eq!(kind("file/state"), io::ErrorKind::NotADirectory);
        assert_eq!(kind("dangling"), io::ErrorKind::NotFound);
        assert!(!temp.path().join("none").exists());
    }

    #[test]
    fn a_private_file_is_nobody_elses_and_no_link() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("file");
        create_private_file(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
        fs::write(&path, "content").unwrap();
        create_private_file(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"content", "one that is there is left as it is");
        symlink("file", temp.path().join("link")).unwrap();
        symlink("none", temp.path().join("dangling")).unwrap();
        for refused in ["link", "dangling", "."] {
            let error = create_private_file(&temp.path().join(refused)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{refused}");
        }
        assert!(!temp.path().join("none").exists());
    }

    #[test]
    fn a_directory_without_flush_is_no_error_and_a_missing_one_is() {
        let temp = tempfile::tempdir().unwrap();
        flush_directory_at(temp.path()).unwrap();
        // There, the kernel has no flush for directories and says EINVAL.
        flush_directory_at(Path::new("/proc")).unwrap();
        let kind = |path: &Path| flush_directory_at(path).unwrap_err().kind();
        assert_eq!(kind(&temp.path().join("none")), io::ErrorKind::NotFound);
        fs::write(temp.path().join("file"), "").unwrap();
        assert_eq!(kind(&temp.path().join("file")), io::ErrorKind::NotADirectory);
    }

    #[test]
    fn a_file_that_is_not_there_is_judged_by_what_is() {
        let temp = tempfile::tempdir().unwrap();
        let number = |path: &Path| fstat(nearest(path).unwrap()).unwrap().st_ino;
        let here = fs::metadata(temp.path()).unwrap().ino();
        for path in ["none", "none/none/none"] {
            assert_eq!(number(&temp.path().join(path)), here);
        }
        let file = temp.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(number(&file), fs::metadata(&file).unwrap().ino());
        assert_eq!(number(&file.join("below")), fs::metadata(&file).unwrap().ino());
        assert_eq!(number(Path::new("no-such-name")), fs::metadata(".").unwrap().ino());
        assert!(!is_on_network_volume(Path::new("/proc/none")));
    }

    #[test]
    fn a_path_is_made_absolute_without_looking() {
        let current = std::env::current_dir().unwrap();
        let absolute = |path: &str| absolute_path(Path::new(path)).ok();
        assert_eq!(absolute("a/../b"), Some(current.join("a/../b")));
        assert_eq!(absolute("./a"), Some(current.join("a")));
        assert_eq!(absolute("/no/such/../path"), Some("/no/such/../path".into()));
        assert_eq!(absolute(""), None);
    }
}
