//! Files mapped into memory, and how they are read.
//!
//! A mapped page can vanish while it is read: the file is truncated, or the device fails. So a map
//! is read only here, under the protection of [`bus_error`](super::bus_error), and only by copying
//! or comparing through raw pointers; no reference into a map is ever made.
#![expect(unsafe_code, reason = "mapped files can be reached through raw pointers only")]

use std::ffi::c_void;
use std::ops::Range;
use std::os::fd::AsFd;
use std::ptr;
use std::sync::atomic::{Ordering, compiler_fence};

use rustix::io::{Errno, Result as CallResult};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap};

use super::bus_error::Guard;
use super::handle::NativeFile;

/// A map of a part of a file, unmapped when dropped.
pub(super) struct Memory {
    start: *mut c_void,
    length: usize,
}

impl Memory {
    pub(super) fn map(
        file: &NativeFile,
        offset: u64,
        length: usize,
        protection: ProtFlags,
        flags: MapFlags,
    ) -> CallResult<Self> {
        if flags.contains(MapFlags::FIXED) {
            return Err(Errno::INVAL);
        }
        // SAFETY: without FIXED the kernel chooses a range that nothing else uses.
        let start =
            unsafe { mmap(ptr::null_mut(), length, protection, flags, file.as_fd(), offset)? };
        Ok(Self { start, length })
    }

    /// A window that will be read from beginning to end.
    pub(super) fn to_read(
        file: &NativeFile,
        window: &Range<u64>,
        length: usize,
    ) -> CallResult<Self> {
        let memory = Self::map(file, window.start, length, ProtFlags::READ, MapFlags::SHARED)?;
        // SAFETY: the range is the map just made; this advice changes no content. It is a hint, so
        // a refusal costs nothing.
        unsafe { madvise(memory.start, length, Advice::Sequential) }.unwrap_or_default();
        Ok(memory)
    }

    pub(super) fn address(&self) -> *mut c_void {
        self.start
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `map` and nothing refers to it any more, since no
        // reference into it is ever made. It can fail only for a range that is not mapped.
        unsafe { munmap(self.start, self.length) }.unwrap_or_default();
    }
}

/// A map whose pages may vanish while it is read. The guard goes first: a range is not given back
/// while a fault in it would still be taken for ours.
pub(super) struct Guarded {
    guard: Guard,
    memory: Memory,
}

impl Guarded {
    /// `None` when no protection is to be had.
    pub(super) fn new(memory: Memory) -> Option<Self> {
        let start = memory.start.expose_provenance();
        let guard = Guard::register(start..start + memory.length)?;
        Some(Self { guard, memory })
    }

    pub(super) fn length(&self) -> usize {
        self.memory.length
    }

    /// Copies bytes out. They mean something only if [`has_faulted`](Self::has_faulted) denies.
    pub(super) fn copy_to(&self, offset: usize, copy: &mut [u8]) {
        let source = self.bytes(offset, copy.len());
        // SAFETY: `bytes` checked the range; the copy is private memory. The file may change while
        // it is copied, which makes bytes of either state, and both are plain numbers.
        unsafe { ptr::copy_nonoverlapping(source, copy.as_mut_ptr(), copy.len()) }
    }

    /// Whether the map holds these bytes. As for `copy_to`.
    pub(super) fn equals(&self, offset: usize, copy: &[u8]) -> bool {
        let source = self.bytes(offset, copy.len());
        // SAFETY: `bytes` checked the range; no reference to the map is made, so the compiler
        // assumes nothing about bytes that somebody else may change.
        unsafe { libc::memcmp(source.cast(), copy.as_ptr().cast(), copy.len()) == 0 }
    }

    fn bytes(&self, offset: usize, count: usize) -> *const u8 {
        let end = offset.checked_add(count);
        assert!(end.is_some_and(|end| end <= self.memory.length), "a read stays within its map");
        self.memory.start.cast_const().cast::<u8>().wrapping_add(offset)
    }

    pub(super) fn has_faulted(&self) -> bool {
        // The handler runs on this thread, between two instructions: the reads before must not be
        // moved behind the question.
        compiler_fence(Ordering::SeqCst);
        self.guard.has_faulted()
    }
}
