//! Content: reading, writing, and the kernel's own ways of copying it.

use std::ops::Range;

use rustix::fs::{
    FallocateFlags, SeekFrom, copy_file_range, fallocate, ftruncate, ioctl_ficlone, seek,
};
use rustix::io::{Errno, pread, pwrite};

use super::call::{failed, may, must, uninterrupted};
use super::classify::ENOTSUPP;
use super::handle::NativeFile;
use crate::error::{FsError, FsErrorKind, FsResult, Operation};
use crate::support::Support;

/// What the kernel takes at most in one copy call; more is cut to this anyway.
const COPY_RANGE_MAX_BYTES: u64 = 1 << 30;

pub(super) fn read_at(file: &NativeFile, buffer: &mut [u8], offset: u64) -> FsResult<usize> {
    must(Operation::Read, || pread(file, &mut *buffer, offset))
}

pub(super) fn write_at(file: &NativeFile, buffer: &[u8], offset: u64) -> FsResult<usize> {
    let written = must(Operation::Write, || pwrite(file, buffer, offset))?;
    if written == 0 && !buffer.is_empty() {
        // A caller that loops would loop for ever.
        return Err(FsError::of_kind(Operation::Write, FsErrorKind::Io));
    }
    Ok(written)
}

/// Shares all blocks. The refusals that mean "not here":
/// - `EOPNOTSUPP`, `ENOTSUPP`, `ENOTTY`, `ENOSYS`: the file system or kernel does not know it;
/// - `EXDEV`: two volumes;
/// - `EINVAL`: these two files cannot share, e.g. one is exempt from copy-on-write;
/// - `ETXTBSY`: one is in use as swap, which forbids sharing but not reading.
///
/// `EPERM` (immutable) and `EBADF` are errors: writing the bytes would meet them as well.
pub(super) fn clone_file(source: &NativeFile, destination: &NativeFile) -> FsResult<Support<()>> {
    const NOT_HERE: &[Errno] = &[
        Errno::OPNOTSUPP,
        Errno::from_raw_os_error(ENOTSUPP),
        Errno::NOTTY,
        Errno::NOSYS,
        Errno::XDEV,
        Errno::INVAL,
        Errno::TXTBSY,
    ];
    may(Operation::Clone, NOT_HERE, || ioctl_ficlone(destination, source))
}

/// Copies inside the kernel. The refusals that mean "not here":
/// - `ENOSYS`, `EOPNOTSUPP`, `ENOTSUPP`: the kernel or file system does not know it;
/// - `EXDEV`: two volumes, on kernels or file systems that copy within one only;
/// - `EINVAL`: not a pair it can copy between (overlapping, or a file that is not regular beneath);
/// - `ETXTBSY`: one is in use as swap;
/// - `EPERM`: old sandboxes refuse unknown calls with it. It also means an immutable destination,
///   but then the write that follows fails with the same number and tells the truth.
pub(super) fn copy_range(
    source: &NativeFile,
    destination: &NativeFile,
    offset: u64,
    length: u64,
) -> FsResult<Support<u64>> {
    const NOT_HERE: &[Errno] = &[
        Errno::NOSYS,
        Errno::OPNOTSUPP,
        Errno::from_raw_os_error(ENOTSUPP),
        Errno::XDEV,
        Errno::INVAL,
        Errno::TXTBSY,
        Errno::PERM,
    ];
    let operation = Operation::CopyRange;
    let length = usize::try_from(length.min(COPY_RANGE_MAX_BYTES)).unwrap_or(usize::MAX);
    let copied = may(operation, NOT_HERE, || {
        let (mut from, mut to) = (offset, offset);
        copy_file_range(source, Some(&mut from), destination, Some(&mut to), length)
    })?;
    match copied {
        Support::Unsupported => Ok(Support::Unsupported),
        Support::Done(0) if length > 0 => confirm_end(source, offset),
        Support::Done(count) => Ok(Support::Done(count as u64)),
    }
}

/// Some kernels copy nothing from files whose size is not known beforehand (`/proc`, some FUSE
/// file systems) and call it the end. One byte read tells.
fn confirm_end(source: &NativeFile, offset: u64) -> FsResult<Support<u64>> {
    let mut byte = [0];
    let read = must(Operation::CopyRange, || pread(source, &mut byte, offset))?;
    Ok(if read == 0 { Support::Done(0) } else { Support::Unsupported })
}

pub(super) fn preallocate(file: &NativeFile, length: u64) -> FsResult<Support<()>> {
    if length == 0 {
        // The kernel calls an empty range invalid.
        return Ok(Support::Done(()));
    }
    may(Operation::Preallocate, &[Errno::OPNOTSUPP, Errno::NOSYS, Errno::INVAL], || {
        fallocate(file, FallocateFlags::empty(), 0, length)
    })
}

pub(super) fn set_length(file: &NativeFile, length: u64) -> FsResult<()> {
    must(Operation::SetLength, || ftruncate(file, length))
}

/// Moves the handle's own position, which nothing else here uses.
pub(super) fn next_data(file: &NativeFile, offset: u64) -> FsResult<Support<Option<Range<u64>>>> {
    let operation = Operation::SeekData;
    let start = match uninterrupted(|| seek(file, SeekFrom::Data(offset))) {
        Ok(start) => start,
        Err(Errno::NXIO) => return Ok(Support::Done(None)),
        Err(Errno::INVAL) => return Ok(Support::Unsupported),
        Err(errno) => return Err(failed(operation)(errno)),
    };
    match uninterrupted(|| seek(file, SeekFrom::Hole(start))) {
        Ok(end) => Ok(Support::Done((start < end).then_some(start..end))),
        // Truncated since the first question.
        Err(Errno::NXIO) => Ok(Support::Done(None)),
        Err(errno) => Err(failed(operation)(errno)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use super::*;

    fn empty() -> NativeFile {
        NativeFile::new(tempfile::tempfile().unwrap().into())
    }

    #[test]
    fn a_file_that_states_no_size_is_not_called_empty() {
        let source = NativeFile::new(File::open("/proc/self/status").unwrap().into());
        let copied = copy_range(&source, &empty(), 0, 4096).unwrap();
        assert_ne!(copied, Support::Done(0));
    }

    #[test]
    fn the_end_of_a_real_file_is_the_end() {
        let copied = copy_range(&empty(), &empty(), 0, 4096).unwrap();
        assert!(matches!(copied, Support::Done(0) | Support::Unsupported));
        assert_eq!(confirm_end(&empty(), 0).unwrap(), Support::Done(0));
    }

    #[test]
    fn nothing_to_reserve_is_reserved() {
        assert_eq!(preallocate(&empty(), 0).unwrap(), Support::Done(()));
    }

    #[test]
    fn data_behind_a_hole_is_found_and_nothing_behind_the_end() {
        let mut file = tempfile::tempfile().unwrap();
        let hole = 1 << 20;
        file.set_len(hole).unwrap();
        std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).unwrap();
        file.write_all(&[1; 5000]).unwrap();
        let file = NativeFile::new(file.into());
        let Support::Done(first) = next_data(&file, 0).unwrap() else { return };
        let range = first.unwrap();
        // A volume without holes calls everything data.
        assert!(range.start == 0 || range.start == hole, "{range:?}");
        assert!(range.contains(&(hole + 4999)), "{range:?}");
        assert_eq!(next_data(&file, hole + 5000).unwrap(), Support::Done(None));
        assert_eq!(next_data(&file, 1 << 40).unwrap(), Support::Done(None));
    }
}
