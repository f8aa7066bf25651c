//! The page cache: dropping a file's pages, and counting those that are there.
#![expect(unsafe_code, reason = "cachestat and mincore have no safe wrapper")]

use std::os::fd::{AsFd, AsRawFd};

use rustix::fs::{Advice, fadvise, fstatfs};
use rustix::io::{Errno, Result as CallResult};
use rustix::mm::{MapFlags, ProtFlags};
use rustix::param::page_size;

use super::call::{failed, may, must, uninterrupted};
use super::durability::last_errno;
use super::handle::NativeFile;
use super::mapping::Memory;
use super::volume::magic;
use crate::error::{FsResult, Operation};
use crate::support::Support;

/// The number of `cachestat` on every architecture but Alpha, where it is another call.
const CACHESTAT: libc::c_long = 451;

/// Counted through a map, a file is taken in pieces of this size, to bound the answer's size.
const MINCORE_PIECE_BYTES: u64 = 1 << 30;

/// File systems whose data is cached by something else than this file's pages: a lower layer
/// (overlay, eCryptfs), a server process (FUSE), a cache of their own (ZFS). There, no pages here
/// says nothing.
const CACHED_ELSEWHERE: &[u32] = &[0x794c_7630, 0xf15f, 0x6573_5546, 0x2fc1_2fc1];

pub(super) fn drop_cache(file: &NativeFile) -> FsResult<Support<()>> {
    let absent = [Errno::NOSYS, Errno::OPNOTSUPP, Errno::INVAL, Errno::SPIPE];
    may(Operation::DropCache, &absent, || fadvise(file, 0, None, Advice::DontNeed))
}

pub(super) fn resident_bytes(file: &NativeFile, length: u64) -> FsResult<Support<u64>> {
    let operation = Operation::CountResident;
    let filesystem = must(operation, || fstatfs(file))?;
    if CACHED_ELSEWHERE.contains(&magic(&filesystem)) {
        return Ok(Support::Unsupported);
    }
    if length == 0 {
        return Ok(Support::Done(0));
    }
    let pages = match uninterrupted(|| count_by_cachestat(file, length)) {
        Ok(pages) => pages,
        Err(Errno::NOSYS) => match uninterrupted(|| count_by_map(file, length)) {
            Ok(pages) => pages,
            // Such a file cannot be mapped.
            Err(Errno::NODEV | Errno::ACCESS) => return Ok(Support::Unsupported),
            Err(errno) => return Err(failed(operation)(errno)),
        },
        // EPERM: only those who may write to a file are told how it is cached.
        Err(Errno::OPNOTSUPP | Errno::PERM) => return Ok(Support::Unsupported),
        Err(errno) => return Err(failed(operation)(errno)),
    };
    Ok(Support::Done(pages.saturating_mul(page_size() as u64)))
}

/// As in `linux/mman.h`.
#[repr(C)]
struct CachestatRange {
    offset: u64,
    length: u64,
}

/// As in `linux/mman.h`; only the first field is used.
#[repr(C)]
#[derive(Default)]
struct Cachestat {
    cached: u64,
    dirty: u64,
    writeback: u64,
    evicted: u64,
    recently_evicted: u64,
}

/// Pages in memory, by the call made for it (Linux 6.5).
fn count_by_cachestat(file: &NativeFile, length: u64) -> CallResult<u64> {
    let range = CachestatRange { offset: 0, length };
    let mut answer = Cachestat::default();
    let no_flags: libc::c_uint = 0;
    // SAFETY: both pointers are to live values laid out as the kernel defines them; the kernel
    // writes no further than the second.
    let result = unsafe {
        libc::syscall(
            CACHESTAT,
            file.as_fd().as_raw_fd(),
            &raw const range,
            &raw mut answer,
            no_flags,
        )
    };
    if result == 0 { Ok(answer.cached) } else { Err(last_errno()) }
}

/// Pages in memory, by mapping the file. To those who may neither write to the file nor own it the
/// kernel says that everything is in memory, which errs on the safe side.
fn count_by_map(file: &NativeFile, length: u64) -> CallResult<u64> {
    let mut pages = 0;
    let mut offset = 0;
    while offset < length {
        let piece = (length - offset).min(MINCORE_PIECE_BYTES);
        pages += count_piece(file, offset, usize::try_from(piece).map_err(|_| Errno::OVERFLOW)?)?;
        offset += piece;
    }
    Ok(pages)
}

fn count_piece(file: &NativeFile, offset: u64, length: usize) -> CallResult<u64> {
    let memory = Memory::map(file, offset, length, ProtFlags::empty(), MapFlags::SHARED)?;
    let mut answer = vec![0_u8; length.div_ceil(page_size())];
    // SAFETY: the range is the map just made, and the answer has a byte for each of its pages.
    let result = unsafe { libc::mincore(memory.address(), length, answer.as_mut_ptr().cast()) };
    if result != 0 {
        return Err(last_errno());
    }
    Ok(answer.iter().filter(|page| *page & 1 == 1).count() as u64)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// A file of 16 pages that were just written, so all are in memory; `None` on a volume that
    /// keeps them elsewhere.
    fn cached_file() -> Option<NativeFile> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![7; 16 * page_size()]).unwrap();
        let file = NativeFile::new(file.into());
        resident_bytes(&file, 0).unwrap().is_done().then_some(file)
    }

    #[test]
    fn both_ways_of_counting_agree() {
        let Some(file) = cached_file() else { return };
        let length = 16 * page_size() as u64;
        assert_eq!(count_by_map(&file, length), Ok(16));
        match count_by_cachestat(&file, length) {
            Err(Errno::NOSYS) => {}
            counted => assert_eq!(counted, Ok(16)),
        }
    }

    #[test]
    fn only_the_first_bytes_are_counted() {
        let Some(file) = cached_file() else { return };
        assert_eq!(count_by_map(&file, 1), Ok(1));
        let counted = resident_bytes(&file, page_size() as u64 + 1).unwrap();
        assert_eq!(counted, Support::Done(2 * page_size() as u64));
    }

    #[test]
    fn flushed_pages_can_be_dropped() {
        let Some(file) = cached_file() else { return };
        rustix::fs::fsync(&file).unwrap();
        assert!(drop_cache(&file).unwrap().is_done());
        let length = 16 * page_size() as u64;
        let left = resident_bytes(&file, length).unwrap().done().unwrap();
        // A memory file system has nowhere else to keep them.
        let is_memory = MEMORY.contains(&magic(&fstatfs(&file).unwrap()));
        assert_eq!(left, if is_memory { length } else { 0 });
    }

    const MEMORY: &[u32] = &[0x0102_1994, 0x8584_58f6];
}
