//! Opening files: regular ones only, beneath an open directory, never through a link.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;

use rustix::fs::{
    Advice, AtFlags, FileType, FlockOperation, Mode, OFlags, fadvise, flock, fstat, openat, statat,
    unlinkat,
};
use rustix::io::Errno;

use super::call::{failed, failed_as, may, must, plain, uninterrupted};
use super::handle::{NativeDir, NativeFile};
use crate::error::{FsError, FsErrorKind, FsResult, Operation};
use crate::support::Support;

/// Below this, read-ahead has nothing to gain from knowing that a file is read in order.
const SEQUENTIAL_HINT_BYTES: u64 = 1 << 20;

/// Opens a regular file to read it.
pub(super) fn open_source(dir: &NativeDir, name: &OsStr) -> FsResult<NativeFile> {
    let operation = Operation::OpenSource;
    let name = plain(operation, name)?;
    // O_NONBLOCK: a pipe without a writer would block here for ever.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let quietly = uninterrupted(|| openat(dir, name, flags | OFlags::NOATIME, Mode::empty()));
    let opened = match quietly {
        // Only the owner and root may leave the access time alone.
        Err(Errno::PERM) => uninterrupted(|| openat(dir, name, flags, Mode::empty())),
        other => other,
    };
    let fd = opened.map_err(|errno| match errno {
        // A socket, or a device without a driver; of a regular file, a device that is gone.
        Errno::NXIO | Errno::NODEV if !is_regular(dir, name) => {
            failed_as(operation, FsErrorKind::InvalidInput, errno)
        }
        // A lease, as file servers hold them: with O_NONBLOCK the kernel does not wait for the
        // holder, whom it has just asked.
        Errno::AGAIN => failed_as(operation, FsErrorKind::Held, errno),
        errno => failed(operation)(errno),
    })?;
    let size = regular_size(operation, &fd)?;
    if size >= SEQUENTIAL_HINT_BYTES {
        // A hint: without it the file is read all the same.
        fadvise(&fd, 0, None, Advice::Sequential).unwrap_or_default();
    }
    Ok(NativeFile::new(fd))
}

/// Creates a file that did not exist, and locks it.
pub(super) fn create_partial(dir: &NativeDir, name: &OsStr) -> FsResult<NativeFile> {
    let operation = Operation::CreatePartial;
    let name = plain(operation, name)?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = must(operation, || openat(dir, name, flags, Mode::RUSR | Mode::WUSR))?;
    // Without locks on the volume there is nothing to take; whoever asks for the lock later is
    // told the same.
    const NO_LOCKS: &[Errno] = &[Errno::NOSYS, Errno::OPNOTSUPP, Errno::NOLCK];
    match may(operation, NO_LOCKS, || flock(&fd, FlockOperation::NonBlockingLockExclusive)) {
        Ok(Support::Done(()) | Support::Unsupported) => Ok(NativeFile::new(fd)),
        Err(error) => {
            // The file is ours, empty, and of no use; that it stays behind would be the lesser
            // news of the two.
            uninterrupted(|| unlinkat(dir, name, AtFlags::empty())).unwrap_or_default();
            Err(error)
        }
    }
}

/// Opens a file to read it past the page cache.
pub(super) fn open_direct(dir: &NativeDir, name: &OsStr) -> FsResult<Support<NativeFile>> {
    let operation = Operation::OpenReadBack;
    let name = plain(operation, name)?;
    let flags =
        OFlags::RDONLY | OFlags::DIRECT | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = may(operation, &[Errno::INVAL, Errno::OPNOTSUPP], || {
        openat(dir, name, flags, Mode::empty())
    })?;
    let Support::Done(fd) = opened else { return Ok(Support::Unsupported) };
    regular_size(operation, &fd)?;
    Ok(Support::Done(NativeFile::new(fd)))
}

fn is_regular(dir: &NativeDir, name: &OsStr) -> bool {
    uninterrupted(|| statat(dir, name, AtFlags::SYMLINK_NOFOLLOW))
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
}

/// The size of an open file, which must be a regular one.
fn regular_size(operation: Operation, fd: &OwnedFd) -> FsResult<u64> {
    let stat = must(operation, || fstat(fd))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(FsError::of_kind(operation, FsErrorKind::InvalidInput));
    }
    Ok(u64::try_from(stat.st_size).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::{MetadataExt, symlink};
    use std::os::unix::net::UnixListener;

    use rustix::fs::{CWD, FileType, mknodat};

    use super::super::beneath::open_root;
    use super::*;

    #[test]
    fn only_regular_files_are_sources_and_none_blocks() {
        let temp = tempfile::tempdir().unwrap();
        let at = |name: &str| temp.path().join(name);
        mknodat(CWD, at("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        fs::create_dir(at("dir")).unwrap();
        fs::write(at("file"), "x").unwrap();
        symlink("file", at("link")).unwrap();
        let dir = open_root(temp.path()).unwrap();
        for name in ["pipe", "socket", "dir"] {
            let error = open_source(&dir, OsStr::new(name)).unwrap_err();
            assert_eq!(error.kind, FsErrorKind::InvalidInput, "{name}");
        }
        let error = open_source(&dir, OsStr::new("link")).unwrap_err();
        assert_eq!(error.kind, FsErrorKind::LinkInPath);
        assert!(open_source(&dir, OsStr::new("file")).is_ok());
    }

    #[test]
    fn a_partial_file_is_private_new_and_locked_while_it_is_held() {
        let temp = tempfile::tempdir().unwrap();
        let dir = open_root(temp.path()).unwrap();
        let name = OsStr::new("partial");
        let partial = create_partial(&dir, name).unwrap();
        let other = File::open(temp.path().join(name)).unwrap();
        assert_eq!(other.metadata().unwrap().mode() & 0o177, 0);
        let lock = || flock(&other, FlockOperation::NonBlockingLockExclusive);
        assert_eq!(lock(), Err(Errno::WOULDBLOCK));
        let again = create_partial(&dir, name).unwrap_err();
        assert_eq!(again.kind, FsErrorKind::AlreadyExists);
        drop(partial);
        assert_eq!(lock(), Ok(()));
    }

    #[test]
    fn a_partial_file_is_not_created_through_a_link() {
        let temp = tempfile::tempdir().unwrap();
        symlink("elsewhere", temp.path().join("partial")).unwrap();
        let dir = open_root(temp.path()).unwrap();
        assert!(create_partial(&dir, OsStr::new("partial")).is_err());
        assert!(!temp.path().join("elsewhere").exists());
    }
}
