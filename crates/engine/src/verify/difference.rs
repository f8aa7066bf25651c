//! Finding out where two files differ, once it is known that they do.
//!
//! What is found goes into the error's details. It never changes the verdict: a mismatch that
//! cannot be found again is still a mismatch.

use std::fmt;
use std::ops::Range;

use surecopy_fs::{FileSystem, FsError};

use super::Medium;
use super::digest::read_medium;
use crate::control::Control;
use crate::transfer::read_full;

/// Ranges remembered one by one; what is beyond is only counted.
const MAX_RANGES: usize = 8;

/// Where two files differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Differences {
    ranges: Vec<Range<u64>>,
    bytes: u64,
    more: bool,
    is_complete: bool,
}

impl Differences {
    fn add(&mut self, range: Range<u64>) {
        self.bytes += range.end - range.start;
        let has_room = self.ranges.len() < MAX_RANGES;
        match self.ranges.last_mut() {
            Some(last) if last.end == range.start && !self.more => last.end = range.end,
            _ if has_room => self.ranges.push(range),
            _ => self.more = true,
        }
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.ranges.first() else {
            return f.write_str(if self.is_complete {
                "a second comparison found no difference: the device does not answer the same \
                 way twice"
            } else {
                "the second comparison could not be finished"
            });
        };
        write!(f, "first difference at byte {}; {} bytes differ in ", first.start, self.bytes)?;
        for (index, range) in self.ranges.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{}..{}", range.start, range.end)?;
        }
        if self.more {
            f.write_str(" and further ranges")?;
        }
        Ok(())
    }
}

/// Compares source and partial file byte by byte, past the cache where that is possible.
pub(crate) fn locate<F: FileSystem>(
    fs: &F,
    source: &F::File,
    written: &F::File,
    medium: &Medium<F>,
    buffers: (&mut [u8], &mut [u8]),
    control: &Control,
) -> Differences {
    let mut differences = Differences::default();
    let finished = scan(fs, source, written, medium, buffers, control, &mut differences);
    differences.is_complete = matches!(finished, Ok(true));
    if let Err(error) = finished {
        tracing::debug!(%error, "the second comparison ended early");
    }
    differences
}

fn scan<F: FileSystem>(
    fs: &F,
    source: &F::File,
    written: &F::File,
    medium: &Medium<F>,
    (left, right): (&mut [u8], &mut [u8]),
    control: &Control,
    differences: &mut Differences,
) -> Result<bool, FsError> {
    let step = left.len().min(right.len());
    let mut offset = 0;
    loop {
        if control.checkpoint().is_err() {
            return Ok(false);
        }
        let expected = read_full(fs, source, &mut left[..step], offset)?;
        let found = read_medium(fs, medium, written, &mut right[..step], offset)?;
        let common = expected.min(found);
        add_differences(&left[..common], &right[..common], offset, differences);
        if expected != found {
            differences.add(offset + common as u64..offset + expected.max(found) as u64);
        }
        // Where one ends, the other may go on for long.
        if expected < step && found < step {
            return Ok(true);
        }
        offset += step as u64;
    }
}

fn add_differences(left: &[u8], right: &[u8], offset: u64, differences: &mut Differences) {
    // Equal blocks are the rule; they are passed over at the speed of memory.
    const BLOCK: usize = 4096;
    for (index, (left, right)) in left.chunks(BLOCK).zip(right.chunks(BLOCK)).enumerate() {
        if left == right {
            continue;
        }
        let base = offset + (index * BLOCK) as u64;
        for (position, (a, b)) in left.iter().zip(right).enumerate() {
            if a != b {
                let at = base + position as u64;
                differences.add(at..at + 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use surecopy_testkit::FakeFs;

    #[test]
    fn neighbours_become_one_range() {
        let mut differences = Differences::default();
        add_differences(b"abcdefgh", b"aXXdefgX", 100, &mut differences);
        assert_eq!(differences.ranges, [101..103, 107..108]);
        let text = differences.to_string();
        assert_eq!(text, "first difference at byte 101; 3 bytes differ in 101..103, 107..108");
    }

    /// Compares two files, four bytes at a time.
    fn located(source: &[u8], copy: &[u8]) -> String {
        let fs = FakeFs::new();
        fs.file("/dir/source", source).file("/dir/copy", copy);
        let dir = fs.open_root(Path::new("/dir")).unwrap();
        let open = |name: &str| fs.open_source(&dir, name.as_ref()).unwrap();
        let (mut left, mut right) = ([0; 4], [0; 4]);
        let buffers = (&mut left[..], &mut right[..]);
        let medium = Medium::Cache;
        locate(&fs, &open("source"), &open("copy"), &medium, buffers, &Control::new()).to_string()
    }

    #[test]
    fn what_one_file_has_and_the_other_lacks_differs() {
        let first_at = |at: usize, bytes: usize| {
            let end = at + bytes;
            format!("first difference at byte {at}; {bytes} bytes differ in {at}..{end}")
        };
        let whole = b"abcdefghijklm";
        for length in 0..whole.len() {
            let expected = first_at(length, whole.len() - length);
            assert_eq!(located(whole, &whole[..length]), expected, "too short");
            assert_eq!(located(&whole[..length], whole), expected, "too long");
            assert!(located(&whole[..length], &whole[..length]).contains("no difference"));
        }
        assert_eq!(located(b"abcdefgh", b"abcdefgX"), first_at(7, 1));
    }

    #[test]
    fn a_difference_that_is_not_found_again_is_not_explained_away() {
        let differences = Differences { is_complete: true, ..Differences::default() };
        assert!(differences.to_string().contains("does not answer the same way twice"));
    }

    #[test]
    fn memory_stays_bounded() {
        let mut differences = Differences::default();
        for index in 0..100 {
            differences.add(index * 10..index * 10 + 1);
        }
        assert_eq!(differences.ranges.len(), MAX_RANGES);
        assert_eq!(differences.bytes, 100);
        assert!(differences.to_string().ends_with("and further ranges"));
    }
}
