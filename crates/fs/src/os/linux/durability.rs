//! Getting data to the device. What a flush reports is the whole truth the kernel will ever tell:
//! nothing here asks twice.
#![expect(unsafe_code, reason = "sync_file_range has no safe wrapper")]

use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd};

use rustix::fs::{fsync, syncfs};
use rustix::io::{Errno, Result as CallResult};
use rustix::system::uname;

use super::call::{failed, failed_as, may, must, uninterrupted};
use super::handle::{NativeDir, NativeFile};
use super::volume;
use crate::error::{FsErrorKind, FsResult, Operation};
use crate::support::Support;

/// Since this kernel `syncfs` reports write-back errors to handles opened before them.
const SYNCFS_REPORTS_SINCE: (u32, u32) = (5, 8);

pub(super) fn write_back(
    file: &NativeFile,
    begin: Range<u64>,
    settled: Range<u64>,
) -> FsResult<Support<()>> {
    const ABSENT: &[Errno] = &[Errno::SPIPE, Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP];
    let start = libc::SYNC_FILE_RANGE_WRITE;
    let wait = libc::SYNC_FILE_RANGE_WAIT_BEFORE
        | libc::SYNC_FILE_RANGE_WRITE
        | libc::SYNC_FILE_RANGE_WAIT_AFTER;
    let begun = may(Operation::WriteBack, ABSENT, || sync_range(file, &begin, start))?;
    if !begun.is_done() {
        return Ok(Support::Unsupported);
    }
    may(Operation::WriteBack, ABSENT, || sync_range(file, &settled, wait))
}

/// An empty range does nothing; to the kernel it would mean "to the end of the file".
fn sync_range(file: &NativeFile, range: &Range<u64>, flags: libc::c_uint) -> CallResult<()> {
    if range.is_empty() {
        return Ok(());
    }
    let offset = i64::try_from(range.start).map_err(|_| Errno::FBIG)?;
    let length = i64::try_from(range.end - range.start).map_err(|_| Errno::FBIG)?;
    // SAFETY: the descriptor is open as long as `file` is borrowed; the call takes no pointers.
    let result = unsafe { libc::sync_file_range(file.as_fd().as_raw_fd(), offset, length, flags) };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

/// The error of the libc call just made on this thread.
pub(super) fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

/// `fsync` and not `fdatasync`: permissions, owner and times were set as well.
pub(super) fn flush_file(file: &NativeFile) -> FsResult<()> {
    must(Operation::FlushFile, || fsync(file))
}

/// Some FUSE and network file systems cannot flush a directory and say `EINVAL`. That is not
/// success, and whether to go on without is not decided here.
pub(super) fn flush_dir(dir: &NativeDir) -> FsResult<()> {
    let operation = Operation::FlushDir;
    uninterrupted(|| fsync(dir)).map_err(|errno| match errno {
        Errno::INVAL => failed_as(operation, FsErrorKind::NotSupported, errno),
        errno => failed(operation)(errno),
    })
}

/// Flushes the volume where that is known to report errors; elsewhere it would succeed and mean
/// nothing.
pub(super) fn flush_volume(dir: &NativeDir) -> FsResult<Support<()>> {
    let operation = Operation::FlushVolume;
    let reports = kernel_version().is_some_and(|version| version >= SYNCFS_REPORTS_SINCE)
        && volume::filesystem(operation, dir.as_fd())?.has_group_flush;
    if !reports {
        return Ok(Support::Unsupported);
    }
    may(operation, &[Errno::NOSYS], || syncfs(dir))
}

fn kernel_version() -> Option<(u32, u32)> {
    parse_version(uname().release().to_str().ok()?)
}

fn parse_version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_versions_compare_as_numbers() {
        assert_eq!(parse_version("6.18.44-generic"), Some((6, 18)));
        assert_eq!(parse_version("5.10-rc1"), Some((5, 10)));
        assert_eq!(parse_version("strange"), None);
        assert!(parse_version("5.10").unwrap() > SYNCFS_REPORTS_SINCE);
        assert!(parse_version("5.4.0").unwrap() < SYNCFS_REPORTS_SINCE);
        assert!(kernel_version().is_some());
    }
}
