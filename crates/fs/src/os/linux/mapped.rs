//! Comparing two files through memory maps.
//!
//! Nothing that was read is believed, or handed on, before it is known that no page was missing.

use std::ops::{ControlFlow, Range};

use rustix::fs::{fstat, fstatfs};
use rustix::param::page_size;

use super::call::must;
use super::handle::NativeFile;
use super::mapping::{Guarded, Memory};
use super::volume::magic;
use crate::error::{FsResult, Operation};
use crate::file_system::MappedComparison;
use crate::support::Support;

/// How much is compared, checked and handed on at a time; two of these fit into a core's cache.
const STEP_BYTES: usize = 256 * 1024;

/// hugetlbfs: its pages cannot be replaced one small page at a time, so a fault in them could not
/// be survived.
const HUGE_PAGES: u32 = 0x9584_58f6;

pub(super) fn compare_mapped(
    left: &NativeFile,
    right: &NativeFile,
    window: Range<u64>,
    each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
) -> FsResult<Support<MappedComparison>> {
    if window.is_empty() {
        return Ok(Support::Done(MappedComparison::Equal));
    }
    let Ok(length) = usize::try_from(window.end - window.start) else {
        return Ok(Support::Unsupported);
    };
    if !window.start.is_multiple_of(page_size() as u64) || is_huge(left)? || is_huge(right)? {
        return Ok(Support::Unsupported);
    }
    if !reaches(left, window.end)? || !reaches(right, window.end)? {
        return Ok(Support::Done(MappedComparison::Faulted));
    }
    let mapped = (Memory::to_read(left, &window, length), Memory::to_read(right, &window, length));
    let (Ok(left_memory), Ok(right_memory)) = mapped else {
        return Ok(Support::Done(MappedComparison::Faulted));
    };
    let guarded = (Guarded::new(left_memory), Guarded::new(right_memory));
    let (Some(left_map), Some(right_map)) = guarded else { return Ok(Support::Unsupported) };
    let compared = compare(&left_map, &right_map, window.start, each);
    // The last page of a file reads as zeros beyond its end, without a fault: a file cut within
    // that page shows only in its length.
    if !reaches(left, window.end)? || !reaches(right, window.end)? {
        return Ok(Support::Done(MappedComparison::Faulted));
    }
    Ok(Support::Done(compared))
}

fn is_huge(file: &NativeFile) -> FsResult<bool> {
    let filesystem = must(Operation::CompareMapped, || fstatfs(file))?;
    Ok(magic(&filesystem) == HUGE_PAGES)
}

fn reaches(file: &NativeFile, end: u64) -> FsResult<bool> {
    let stat = must(Operation::CompareMapped, || fstat(file))?;
    Ok(u64::try_from(stat.st_size).is_ok_and(|size| size >= end))
}

/// Compares step by step. Of each step `left` is copied first, so that what is compared and what
/// is handed on are the same bytes, whatever happens to the file.
fn compare(
    left: &Guarded,
    right: &Guarded,
    start: u64,
    each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
) -> MappedComparison {
    let length = left.length();
    let mut copy = vec![0; STEP_BYTES.min(length)];
    let mut offset = 0;
    while offset < length {
        let count = STEP_BYTES.min(length - offset);
        let copy = &mut copy[..count];
        left.copy_to(offset, copy);
        let is_equal = right.equals(offset, copy);
        if left.has_faulted() || right.has_faulted() {
            return MappedComparison::Faulted;
        }
        if !is_equal {
            return locate_difference(right, start, offset, copy, each);
        }
        if each(copy).is_break() {
            return MappedComparison::Stopped;
        }
        offset += count;
    }
    MappedComparison::Equal
}

/// Finds the byte in a step that was not equal.
fn locate_difference(
    right: &Guarded,
    start: u64,
    offset: usize,
    left: &[u8],
    each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
) -> MappedComparison {
    let mut other = vec![0; left.len()];
    right.copy_to(offset, &mut other);
    if right.has_faulted() {
        return MappedComparison::Faulted;
    }
    match left.iter().zip(&other).position(|(left, right)| left != right) {
        Some(index) => {
            if index > 0 && each(&left[..index]).is_break() {
                return MappedComparison::Stopped;
            }
            MappedComparison::DiffersAt(start + (offset + index) as u64)
        }
        // Different a moment ago and equal now: somebody is writing, so nothing is known.
        None => MappedComparison::Faulted,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use super::*;

    const LENGTH: usize = 4 * STEP_BYTES;

    fn content() -> Vec<u8> {
        (0..LENGTH).map(|index| (index / 7 % 251) as u8).collect()
    }

    /// A file, and a second handle to change it behind the comparison's back.
    fn file(content: &[u8]) -> (NativeFile, File) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        (NativeFile::new(file.try_clone().unwrap().into()), file)
    }

    fn run(
        left: &NativeFile,
        right: &NativeFile,
        window: Range<u64>,
        each: &mut dyn FnMut(&[u8]),
    ) -> MappedComparison {
        let mut go_on = |bytes: &[u8]| {
            each(bytes);
            ControlFlow::Continue(())
        };
        compare_mapped(left, right, window, &mut go_on).unwrap().done().unwrap()
    }

    #[test]
    fn equal_windows_hand_on_every_byte_in_order() {
        let content = content();
        let ((left, _a), (right, _b)) = (file(&content), file(&content));
        let mut seen = Vec::new();
        let start = 64 * 1024;
        let outcome = run(&left, &right, start..LENGTH as u64, &mut |bytes| {
            seen.extend_from_slice(bytes);
        });
        assert_eq!(outcome, MappedComparison::Equal);
        assert!(seen == content[start as usize..]);
    }

    #[test]
    fn the_first_difference_is_found_to_the_byte() {
        let content = content();
        for at in [0, 1, STEP_BYTES - 1, STEP_BYTES, 3 * STEP_BYTES + 5, LENGTH - 1] {
            let mut other = content.clone();
            other[at] ^= 1;
            other[LENGTH - 1] ^= 0x80;
            let ((left, _a), (right, _b)) = (file(&content), file(&other));
            let mut seen = Vec::new();
            let outcome = run(&left, &right, 0..LENGTH as u64, &mut |bytes| {
                assert!(!bytes.is_empty());
                seen.extend_from_slice(bytes);
            });
            assert_eq!(outcome, MappedComparison::DiffersAt(at as u64));
            assert!(seen == content[..at], "at {at}");
        }
    }

    #[test]
    fn a_window_that_is_not_there_is_a_fault_and_an_odd_one_is_refused() {
        let content = content();
        let ((left, _a), (right, _b)) = (file(&content), file(&content[1..]));
        let whole = 0..LENGTH as u64;
        assert_eq!(run(&left, &right, whole, &mut |_| panic!()), MappedComparison::Faulted);
        let odd = compare_mapped(&left, &right, 1..5, &mut |_| panic!()).unwrap();
        assert_eq!(odd, Support::Unsupported);
        assert_eq!(run(&left, &right, 9..9, &mut |_| panic!()), MappedComparison::Equal);
    }

    #[test]
    fn row_41_truncation_of_either_file_while_comparing_is_survived() {
        // Zeros are also what a missing page reads as, and must not pass for content.
        for content in [content(), vec![0; LENGTH]] {
            for is_left_cut in [true, false] {
                let ((left, left_file), (right, right_file)) = (file(&content), file(&content));
                let cut = if is_left_cut { left_file } else { right_file };
                let mut steps = 0;
                let outcome = run(&left, &right, 0..LENGTH as u64, &mut |bytes| {
                    // What follows is gone now, the pages already mapped included.
                    cut.set_len(STEP_BYTES as u64 + 1).unwrap();
                    assert!(bytes == &content[..STEP_BYTES]);
                    steps += 1;
                });
                assert_eq!(outcome, MappedComparison::Faulted);
                assert_eq!(steps, 1, "a step with a missing page was handed on");
            }
        }
    }

    #[test]
    fn a_cut_within_the_last_page_shows_in_the_length() {
        let zeros = vec![0; STEP_BYTES];
        let ((left, left_file), (right, _b)) = (file(&zeros), file(&zeros));
        let window = 0..STEP_BYTES as u64;
        let outcome = run(&left, &right, window, &mut |_| {
            left_file.set_len(STEP_BYTES as u64 - 10).unwrap();
        });
        assert_eq!(outcome, MappedComparison::Faulted);
    }

    #[test]
    fn a_fault_on_one_thread_leaves_the_other_alone() {
        let content = content();
        let rounds = 50;
        std::thread::scope(|scope| {
            let faulting = scope.spawn(|| {
                for _ in 0..rounds {
                    let ((left, cut), (right, _b)) = (file(&content), file(&content));
                    let outcome = run(&left, &right, 0..LENGTH as u64, &mut |_| {
                        cut.set_len(0).unwrap();
                    });
                    assert_eq!(outcome, MappedComparison::Faulted);
                }
            });
            let ((left, _a), (right, _b)) = (file(&content), file(&content));
            while !faulting.is_finished() {
                let outcome = run(&left, &right, 0..LENGTH as u64, &mut |_| ());
                assert_eq!(outcome, MappedComparison::Equal);
            }
            faulting.join().unwrap();
        });
    }
}
