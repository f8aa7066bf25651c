//! The bytes of a fake file, page by page.
//!
//! A page that was never written does not exist: that makes holes, and clones that share pages
//! until one side writes. Nothing here knows about names, volumes or time.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// The unit of allocation and of caching.
pub(crate) const PAGE: u64 = 4096;

const PAGE_BYTES: usize = 4096;

/// One page of data, always [`PAGE`] bytes long.
pub(crate) type Page = Arc<Vec<u8>>;

/// The content of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Content {
    size: u64,
    pages: BTreeMap<u64, Page>,
    /// Pages below this number occupy room even where nothing was written.
    reserved_pages: u64,
}

/// The pages that a byte range touches.
pub(crate) fn pages_of(range: Range<u64>) -> Range<u64> {
    if range.is_empty() { 0..0 } else { range.start / PAGE..range.end.div_ceil(PAGE) }
}

fn position(offset: u64) -> usize {
    usize::try_from(offset % PAGE).expect("an offset within a page fits")
}

fn zero_page() -> Page {
    Arc::new(vec![0; PAGE_BYTES])
}

impl Content {
    /// Content with these bytes and no holes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut content = Self::default();
        content.write(0, bytes);
        content
    }

    /// The length as readers see it.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Room taken, in bytes.
    pub(crate) fn allocated_bytes(&self) -> u64 {
        let beyond = self.pages.range(self.reserved_pages..).count() as u64;
        (self.reserved_pages + beyond) * PAGE
    }

    /// Whether writing this page takes no more room.
    pub(crate) fn has_room_for_page(&self, page: u64) -> bool {
        page < self.reserved_pages || self.pages.contains_key(&page)
    }

    /// One page as stored; `None` is a hole.
    pub(crate) fn page(&self, page: u64) -> Option<&Page> {
        self.pages.get(&page)
    }

    /// The pages that were written.
    pub(crate) fn written_pages(&self) -> impl Iterator<Item = u64> {
        self.pages.keys().copied()
    }

    /// Puts a page in place, or punches a hole, without changing the length.
    pub(crate) fn put_page(&mut self, page: u64, data: Option<Page>) {
        match data {
            Some(data) => self.pages.insert(page, data),
            None => self.pages.remove(&page),
        };
    }

    /// Fills the buffer from `offset` as far as the file goes.
    pub(crate) fn read(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let length = self.size.saturating_sub(offset).min(buffer.len() as u64);
        let mut done = 0u64;
        while done < length {
            let at = offset + done;
            let step = (PAGE - at % PAGE).min(length - done);
            let from = position(at);
            let (start, count) = (as_index(done), as_index(step));
            let target = &mut buffer[start..start + count];
            match self.pages.get(&(at / PAGE)) {
                Some(page) => target.copy_from_slice(&page[from..from + count]),
                None => target.fill(0),
            }
            done += step;
        }
        as_index(length)
    }

    /// Stores bytes at `offset`, growing the file as needed.
    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8]) {
        let mut done = 0usize;
        while done < bytes.len() {
            let at = offset + done as u64;
            let from = position(at);
            let count = (PAGE_BYTES - from).min(bytes.len() - done);
            let page = self.pages.entry(at / PAGE).or_insert_with(zero_page);
            Arc::make_mut(page)[from..from + count].copy_from_slice(&bytes[done..done + count]);
            done += count;
        }
        if !bytes.is_empty() {
            self.size = self.size.max(offset + bytes.len() as u64);
        }
    }

    /// Cuts the file off or lets it grow by a hole. What stood beyond the end reads as zeros
    /// should the file grow again.
    pub(crate) fn set_size(&mut self, size: u64) {
        if size < self.size {
            let kept_pages = size.div_ceil(PAGE);
            self.pages.retain(|page, _| *page < kept_pages);
            self.reserved_pages = self.reserved_pages.min(kept_pages);
            if !size.is_multiple_of(PAGE)
                && let Some(last) = self.pages.get_mut(&(size / PAGE))
            {
                Arc::make_mut(last)[position(size)..].fill(0);
            }
        }
        self.size = size;
    }

    /// Reserves room from the start, and makes the file at least that long.
    pub(crate) fn reserve(&mut self, length: u64) {
        self.reserved_pages = self.reserved_pages.max(length.div_ceil(PAGE));
        self.size = self.size.max(length);
    }

    /// The first stretch of written pages at or after `offset`.
    pub(crate) fn next_data(&self, offset: u64) -> Option<Range<u64>> {
        let pages = self.pages.range(offset / PAGE..).map(|(page, _)| *page);
        let mut found: Option<Range<u64>> = None;
        for page in pages {
            match &mut found {
                None => found = Some(page..page + 1),
                Some(range) if range.end == page => range.end += 1,
                Some(_) => break,
            }
        }
        let range = found?;
        let range = (range.start * PAGE).max(offset)..(range.end * PAGE).min(self.size);
        (!range.is_empty()).then_some(range)
    }

    /// All bytes, holes as zeros.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; as_index(self.size)];
        self.read(0, &mut bytes);
        bytes
    }
}

/// A length in memory. Fake files are small enough wherever they are held as one piece.
pub(crate) fn as_index(length: u64) -> usize {
    usize::try_from(length).expect("a fake file held in memory fits into memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_never_written_are_holes() {
        let mut content = Content::default();
        content.write(3 * PAGE, b"end");
        assert_eq!(content.size(), 3 * PAGE + 3);
        assert_eq!(content.allocated_bytes(), PAGE);
        assert_eq!(content.next_data(0), Some(3 * PAGE..3 * PAGE + 3));
        assert_eq!(content.next_data(3 * PAGE + 3), None);
        assert!(content.bytes()[..as_index(3 * PAGE)].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_clone_is_independent() {
        let original = Content::of(&[7; 5000]);
        let mut copy = original.clone();
        copy.write(4999, b"x");
        assert_eq!(original.bytes()[4999], 7);
        assert_eq!(copy.bytes()[4999], b'x');
    }

    #[test]
    fn what_was_cut_off_does_not_come_back() {
        let mut content = Content::of(&[7; 5000]);
        content.set_size(10);
        content.set_size(5000);
        assert!(content.bytes()[10..].iter().all(|byte| *byte == 0));
        assert_eq!(content.allocated_bytes(), PAGE);
    }

    #[test]
    fn reserved_room_counts_once() {
        let mut content = Content::default();
        content.reserve(10_000);
        assert_eq!((content.size(), content.allocated_bytes()), (10_000, 3 * PAGE));
        content.write(0, &[1; 10_000]);
        assert_eq!(content.allocated_bytes(), 3 * PAGE);
        content.set_size(1);
        assert_eq!(content.allocated_bytes(), PAGE);
    }
}
