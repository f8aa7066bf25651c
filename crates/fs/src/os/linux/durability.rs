//! Getting data to the device. What a flush reports is the whole truth the kernel will ever tell:
//! nothing here asks twice.
#![expect(unsafe_code, reason = "sync_file_range has no safe wrapper")]

use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd};

use rustix::fs::{Mode, OFlags, fstat, fsync, openat, syncfs};
use rustix::io::{Errno, Result as CallResult};
use rustix::system::uname;

use super::call::{failed, failed_as, may, must, uninterrupted};
use super::handle::{NativeDir, NativeFile};
use super::{journal, volume};
use crate::error::{FsErrorKind, FsResult, Operation};
use crate::kinds::GroupFlush;
use crate::support::Support;

/// Since this kernel `syncfs` reports all errors: those of write-back to handles opened before them
/// since 5.8, and those that the file system itself meets, in its journal above all, since 5.17.
const SYNCFS_REPORTS_SINCE: (u32, u32) = (5, 17);

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
    dir.must_be_more_than_passed(operation)?;
    uninterrupted(|| fsync(dir)).map_err(|errno| match errno {
        Errno::INVAL => failed_as(operation, FsErrorKind::NotSupported, errno),
        errno => failed(operation)(errno),
    })?;
    must_be_alive(operation, dir)
}

/// Refuses to believe a flush of names on a volume whose log or journal has given up: xfs and ext4
/// tell only the first who asks that names were lost, and everybody else that all is well.
fn must_be_alive(operation: Operation, dir: &NativeDir) -> FsResult<()> {
    // On xfs that was shut down, looking fails.
    must(operation, || fstat(dir))?;
    if group_flush(operation, dir)? != GroupFlush::WithJournal {
        return Ok(());
    }
    // ext4 notices when the next change is to be begun, here that of a file without a name.
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    match uninterrupted(|| openat(dir, ".", flags, Mode::RUSR)) {
        Err(errno @ (Errno::ROFS | Errno::IO)) => Err(failed(operation)(errno)),
        // A full disk, a quota, missing rights: no news about the journal.
        Ok(_) | Err(_) => Ok(()),
    }
}

fn group_flush(operation: Operation, dir: &NativeDir) -> FsResult<GroupFlush> {
    if let Some(known) = dir.group_flush.get() {
        return Ok(*known);
    }
    let found = volume::filesystem(operation, dir.as_fd())?.group_flush;
    Ok(*dir.group_flush.get_or_init(|| found))
}

/// Flushes the volume where that is known to reach everything and to report errors; elsewhere it
/// would succeed and mean nothing.
pub(super) fn flush_volume(dir: &NativeDir) -> FsResult<Support<()>> {
    let operation = Operation::FlushVolume;
    dir.must_be_more_than_passed(operation)?;
    let is_trusted = match dir.has_group_flush.get() {
        Some(known) => *known,
        None => {
            let group_flush = group_flush(operation, dir)?;
            let device = must(operation, || fstat(dir))?.st_dev;
            let is_trusted = kernel_version()
                .is_some_and(|version| version >= SYNCFS_REPORTS_SINCE)
                && is_trusted(group_flush, || journal::is_used(device));
            *dir.has_group_flush.get_or_init(|| is_trusted)
        }
    };
    if !is_trusted {
        return Ok(Support::Unsupported);
    }
    let flushed = may(operation, &[Errno::NOSYS], || syncfs(dir))?;
    must_be_alive(operation, dir)?;
    Ok(flushed)
}

fn is_trusted(group_flush: GroupFlush, has_journal: impl FnOnce() -> bool) -> bool {
    match group_flush {
        GroupFlush::No => false,
        GroupFlush::Yes => true,
        GroupFlush::WithJournal => has_journal(),
    }
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
        assert!(parse_version("5.100").unwrap() > SYNCFS_REPORTS_SINCE);
        assert!(parse_version("5.16.20").unwrap() < SYNCFS_REPORTS_SINCE);
        assert!(kernel_version().is_some());
    }

    #[test]
    fn a_flush_of_the_volume_is_trusted_by_kind_and_journal() {
        let trusted = |name, has_journal| {
            let kind = crate::kinds::FilesystemKind::named(name);
            is_trusted(kind.group_flush, || has_journal)
        };
        for (name, with_journal, without) in [
            ("ext4", true, false),
            ("ext3", true, false),
            ("ext2", false, false),
            ("xfs", true, true),
            ("btrfs", true, true),
            ("nfs", false, false),
            ("brandnewfs", false, false),
        ] {
            assert_eq!(trusted(name, true), with_journal, "{name} with a journal");
            assert_eq!(trusted(name, false), without, "{name} without a journal");
        }
    }
}
