//! Opening files: regular ones only, beneath an open directory, never through a link.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;

use rustix::fs::{
    Advice, AtFlags, FileType, FlockOperation, Mode, OFlags, fadvise, flock, fstat, openat, statat,
    unlinkat,
};
use rustix::io::Errno;

use super::call::{failed, failed_as, may, must, offered, plain, uninterrupted};
use super::handle::{NativeDir, NativeFile};
use crate::error::{FsError, FsErrorKind, FsResult, Operation};
use crate::support::Support;

/// Below this, read-ahead has nothing to gain from knowing that a file is read in order.
const SEQUENTIAL_HINT_BYTES: u64 = 1 << 20;

/// What a volume says that has no locks. Without them there is nothing to take; whoever asks for
/// the lock later is told the same.
const NO_LOCKS: &[Errno] = &[Errno::NOSYS, Errno::OPNOTSUPP, Errno::NOLCK];

/// Opens a regular file to read it.
pub(super) fn open_source(dir: &NativeDir, name: &OsStr) -> FsResult<NativeFile> {
    let (fd, size) = open_regular(Operation::OpenSource, dir, name)?;
    if size >= SEQUENTIAL_HINT_BYTES {
        // A hint: without it the file is read all the same.
        fadvise(&fd, 0, None, Advice::Sequential).unwrap_or_default();
    }
    Ok(NativeFile::new(fd))
}

/// Opens a regular file for reading, and tells its size.
fn open_regular(operation: Operation, dir: &NativeDir, name: &OsStr) -> FsResult<(OwnedFd, u64)> {
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
    Ok((fd, size))
}

/// Creates a file that did not exist, and locks it.
pub(super) fn create_partial(dir: &NativeDir, name: &OsStr) -> FsResult<NativeFile> {
    let operation = Operation::CreatePartial;
    let name = plain(operation, name)?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = must(operation, || openat(dir, name, flags, Mode::RUSR | Mode::WUSR))?;
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

/// Whether somebody holds the lock of a file, found out by taking it for a moment: there is no
/// call that only asks. Shared, so that two who ask at once do not take each other for the holder;
/// and because a server grants the other kind only to who may write.
pub(super) fn is_locked(dir: &NativeDir, name: &OsStr) -> FsResult<Support<bool>> {
    let operation = Operation::CheckLock;
    let (fd, _size) = open_regular(operation, dir, name)?;
    match uninterrupted(|| flock(&fd, FlockOperation::NonBlockingLockShared)) {
        Ok(()) => {
            // Closing is not enough: a program that is being started has the descriptor too, and
            // would be taken for a holder by the next who asks.
            must(operation, || flock(&fd, FlockOperation::Unlock))?;
            Ok(Support::Done(false))
        }
        Err(Errno::WOULDBLOCK) => Ok(Support::Done(true)),
        Err(errno) => offered(operation, NO_LOCKS, Err(errno)),
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
        let kind = |name: &str| {
            let opened = open_source(&dir, OsStr::new(name)).map(drop);
            let asked = is_locked(&dir, OsStr::new(name)).map(drop);
            [opened, asked].map(|result| result.err().map(|error| error.kind))
        };
        for name in ["pipe", "socket", "dir"] {
            assert_eq!(kind(name), [Some(FsErrorKind::InvalidInput); 2], "{name}");
        }
        assert_eq!(kind("link"), [Some(FsErrorKind::LinkInPath); 2]);
        assert_eq!(kind("file"), [None; 2]);
    }

    #[test]
    fn row_48_a_partial_file_is_private_new_and_locked_while_it_is_held() {
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
    fn asking_for_a_lock_takes_none_and_counts_any_holder() {
        let temp = tempfile::tempdir().unwrap();
        let dir = open_root(temp.path()).unwrap();
        let name = OsStr::new("file");
        fs::write(temp.path().join(name), "").unwrap();
        let other = File::open(temp.path().join(name)).unwrap();
        let another = File::open(temp.path().join(name)).unwrap();
        let asked = || is_locked(&dir, name).unwrap();
        assert_eq!(asked(), Support::Done(false));
        flock(&other, FlockOperation::NonBlockingLockExclusive).unwrap();
        assert_eq!(asked(), Support::Done(true), "a lock of this process counts");
        flock(&other, FlockOperation::Unlock).unwrap();
        assert_eq!(asked(), Support::Done(false));
        flock(&another, FlockOperation::NonBlockingLockExclusive).unwrap();
        assert_eq!(asked(), Support::Done(true), "it was free for the next");
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
