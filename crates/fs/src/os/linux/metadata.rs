//! Owner, permissions, times and extended attributes, set through open handles; by name only for
//! symbolic links, which cannot be opened.

use std::ffi::{OsStr, OsString};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use rustix::fs::{
    AtFlags, Gid, Mode, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags, chownat, fchmod, fchown,
    fgetxattr, fgetxattr_query, flistxattr, flistxattr_query, fremovexattr, fsetxattr, futimens,
    utimensat,
};
use rustix::io::{Errno, Result as CallResult};

use super::call::{failed, may, must, offered, plain, uninterrupted};
use super::handle::NativeDir;
use crate::error::{FsError, FsErrorKind, FsResult, Operation};
use crate::metadata::{Times, Timestamp, Xattr};
use crate::support::Support;

/// Volumes that know no times or owners for links, and kernels that cannot set them.
const NOT_FOR_LINKS: &[Errno] = &[Errno::OPNOTSUPP, Errno::NOSYS];

/// How often a list or value that grew meanwhile is asked for again.
const GROWN_TRIES: u32 = 16;

pub(super) fn set_permissions(fd: BorrowedFd<'_>, mode: u32) -> FsResult<()> {
    let mode = Mode::from_raw_mode(mode & 0o7777);
    must(Operation::SetPermissions, || fchmod(fd, mode))
}

pub(super) fn set_owner(fd: BorrowedFd<'_>, uid: Option<u32>, gid: Option<u32>) -> FsResult<()> {
    let (uid, gid) = ids(uid, gid)?;
    must(Operation::SetOwner, || fchown(fd, uid, gid))
}

pub(super) fn set_link_owner(
    dir: &NativeDir,
    name: &OsStr,
    uid: Option<u32>,
    gid: Option<u32>,
) -> FsResult<Support<()>> {
    let operation = Operation::SetOwner;
    let name = plain(operation, name)?;
    let (uid, gid) = ids(uid, gid)?;
    may(operation, NOT_FOR_LINKS, || chownat(dir, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW))
}

/// The largest number would mean "leave it" to the kernel, so it is nobody's id.
fn ids(uid: Option<u32>, gid: Option<u32>) -> FsResult<(Option<Uid>, Option<Gid>)> {
    if uid == Some(u32::MAX) || gid == Some(u32::MAX) {
        return Err(FsError::of_kind(Operation::SetOwner, FsErrorKind::InvalidInput));
    }
    Ok((uid.map(Uid::from_raw), gid.map(Gid::from_raw)))
}

pub(super) fn set_times(fd: BorrowedFd<'_>, times: Times) -> FsResult<()> {
    let times = timestamps(times);
    must(Operation::SetTimes, || futimens(fd, &times))
}

pub(super) fn set_link_times(dir: &NativeDir, name: &OsStr, times: Times) -> FsResult<Support<()>> {
    let operation = Operation::SetTimes;
    let name = plain(operation, name)?;
    let times = timestamps(times);
    may(operation, NOT_FOR_LINKS, || utimensat(dir, name, &times, AtFlags::SYMLINK_NOFOLLOW))
}

/// Linux cannot set the creation time.
fn timestamps(times: Times) -> Timestamps {
    let omitted = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    Timestamps {
        last_access: times.accessed.map_or(omitted, timespec),
        last_modification: timespec(times.modified),
    }
}

fn timespec(time: Timestamp) -> Timespec {
    Timespec { tv_sec: time.secs, tv_nsec: time.nanos.into() }
}

/// How xfs shows root what it also shows as `system.posix_acl_*`. On another file system these would
/// be attributes that nobody reads, and soon wrong.
const SECOND_SIGHT: [&[u8]; 2] = [b"trusted.SGI_ACL_FILE", b"trusted.SGI_ACL_DEFAULT"];

/// All attributes that can be read. One that vanished since it was listed, or that this user may
/// not read, is left out.
pub(super) fn xattrs(fd: BorrowedFd<'_>) -> FsResult<Support<Vec<Xattr>>> {
    let operation = Operation::ListXattrs;
    let list = grown(|| flistxattr_query(fd), |buffer| flistxattr(fd, buffer));
    let list = match offered(operation, &[Errno::OPNOTSUPP, Errno::NOSYS], list)? {
        Support::Done(list) => list,
        Support::Unsupported => return Ok(Support::Unsupported),
    };
    let mut xattrs = Vec::new();
    let is_own = |name: &&[u8]| !name.is_empty() && !SECOND_SIGHT.contains(name);
    for name in list.split(|byte| *byte == 0).filter(is_own) {
        let name = OsStr::from_bytes(name);
        let value = grown(|| fgetxattr_query(fd, name), |buffer| fgetxattr(fd, name, buffer));
        match value {
            Ok(value) => {
                xattrs.push(Xattr { name: OsString::from_vec(name.as_bytes().to_vec()), value })
            }
            Err(Errno::NODATA | Errno::ACCESS | Errno::PERM | Errno::OPNOTSUPP) => {}
            Err(errno) => return Err(failed(operation)(errno)),
        }
    }
    xattrs.sort();
    Ok(Support::Done(xattrs))
}

/// Asks for a size and then for that much, again when it has grown in between.
fn grown(
    size: impl Fn() -> CallResult<usize>,
    read: impl Fn(&mut [u8]) -> CallResult<usize>,
) -> CallResult<Vec<u8>> {
    for _ in 0..GROWN_TRIES {
        // One byte at least: a buffer of none would ask for the size once more.
        let mut buffer = vec![0; uninterrupted(&size)?.max(1)];
        match uninterrupted(|| read(&mut buffer)) {
            Ok(length) => {
                buffer.truncate(length);
                return Ok(buffer);
            }
            Err(Errno::RANGE) => {}
            Err(errno) => return Err(errno),
        }
    }
    Err(Errno::RANGE)
}

pub(super) fn set_xattr(fd: BorrowedFd<'_>, xattr: &Xattr) -> FsResult<Support<()>> {
    may(Operation::SetXattr, &[Errno::OPNOTSUPP, Errno::NOSYS], || {
        fsetxattr(fd, &*xattr.name, &xattr.value, XattrFlags::empty())
    })
}

pub(super) fn remove_xattr(fd: BorrowedFd<'_>, name: &OsStr) -> FsResult<Support<()>> {
    may(Operation::SetXattr, &[Errno::OPNOTSUPP, Errno::NOSYS], || match fremovexattr(fd, name) {
        Err(Errno::NODATA) => Ok(()),
        done => done,
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fs::{self, File};
    use std::os::fd::AsFd;
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::super::beneath::open_root;
    use super::*;

    const TIMES: Times = Times {
        accessed: None,
        modified: Timestamp { secs: -5, nanos: 123_456_789 },
        created: None,
    };

    #[test]
    fn a_time_that_is_not_given_stays() {
        let file = tempfile::tempfile().unwrap();
        let before = file.metadata().unwrap();
        set_times(file.as_fd(), TIMES).unwrap();
        let after = file.metadata().unwrap();
        assert_eq!(after.mtime(), -5);
        assert_eq!((after.atime(), after.atime_nsec()), (before.atime(), before.atime_nsec()));
    }

    #[test]
    fn the_times_of_a_link_are_its_own() {
        let temp = tempfile::tempdir().unwrap();
        let at = |name: &str| temp.path().join(name);
        fs::write(at("file"), "").unwrap();
        symlink("file", at("link")).unwrap();
        let dir = open_root(temp.path()).unwrap();
        let set = set_link_times(&dir, OsStr::new("link"), TIMES).unwrap();
        if set.is_done() {
            assert_eq!(fs::symlink_metadata(at("link")).unwrap().mtime(), -5);
        }
        assert_ne!(fs::metadata(at("file")).unwrap().mtime(), -5);
    }

    #[test]
    fn the_number_that_means_nobody_is_refused() {
        let file = tempfile::tempfile().unwrap();
        let error = set_owner(file.as_fd(), Some(u32::MAX), None).unwrap_err();
        assert_eq!(error.kind, FsErrorKind::InvalidInput);
    }

    #[test]
    fn attributes_come_back_sorted_and_empty_values_too() {
        let file = tempfile::tempfile().unwrap();
        let xattr = |name: &str, value: &[u8]| Xattr { name: name.into(), value: value.to_vec() };
        let wanted = [xattr("user.a", b""), xattr("user.b", b"\0\xff"), xattr("user.c", b"3")];
        for xattr in wanted.iter().rev() {
            if !set_xattr(file.as_fd(), xattr).unwrap().is_done() {
                return;
            }
        }
        let mut found = xattrs(file.as_fd()).unwrap().done().unwrap();
        assert!(found.is_sorted());
        found.retain(|xattr| xattr.name.as_bytes().starts_with(b"user."));
        assert_eq!(found, wanted);
    }

    #[test]
    fn volumes_without_attributes_say_so() {
        // Its owner may write to it, so that rights are not what it lacks.
        let proc = File::open("/proc/self/comm").unwrap();
        let xattr = Xattr { name: "user.a".into(), value: vec![1] };
        assert_eq!(set_xattr(proc.as_fd(), &xattr).unwrap(), Support::Unsupported);
    }

    #[test]
    fn a_value_that_grows_is_asked_for_again() {
        let length = Cell::new(1);
        let read = |buffer: &mut [u8]| {
            if length.get() < 3 {
                length.set(length.get() + 1);
            }
            if buffer.len() < length.get() {
                return Err(Errno::RANGE);
            }
            buffer[..length.get()].fill(9);
            Ok(length.get())
        };
        assert_eq!(grown(|| Ok(length.get()), read), Ok(vec![9; 3]));
        assert_eq!(grown(|| Ok(1), |_| Err(Errno::RANGE)), Err(Errno::RANGE));
    }
}
