//! Operations on the bytes of open files.
//!
//! Room is checked before anything is stored, so a full volume leaves a file as it was, or with
//! the part of a write that still fitted.

use std::ops::Range;

use surecopy_fs::{FsErrorKind, MappedComparison, Support};

use super::content::{PAGE, as_index, pages_of};
use super::inode::Ino;
use super::state::{Corruption, Outcome, State};

/// How much of a comparison is handed over at a time; small, so that tests see several pieces.
const COMPARED_AT_ONCE: u64 = 16 * 1024;

impl State {
    /// Reads through memory.
    pub(crate) fn read(&mut self, ino: Ino, buffer: &mut [u8], offset: u64) -> Outcome<usize> {
        let wanted = buffer.len().min(self.transfer_limit);
        self.volume_of(ino).check_device()?;
        let file = self.file_mut(ino)?;
        if !file.can_be_read(offset, wanted as u64) {
            return Err(FsErrorKind::Io);
        }
        let count = file.content.read(offset, &mut buffer[..wanted]);
        file.note_read(offset, count as u64);
        *self.bytes_read.entry(ino).or_default() += count as u64;
        Ok(count)
    }

    /// Reads past the cache, which wants aligned arguments as real devices do.
    pub(crate) fn read_direct(
        &mut self,
        ino: Ino,
        buffer: &mut [u8],
        offset: u64,
    ) -> Outcome<usize> {
        let page = as_index(PAGE);
        let is_aligned = offset.is_multiple_of(PAGE)
            && buffer.len().is_multiple_of(page)
            && (buffer.as_ptr() as usize).is_multiple_of(page);
        if !is_aligned {
            return Err(FsErrorKind::InvalidInput);
        }
        let wanted = buffer.len().min(self.transfer_limit.div_ceil(page).saturating_mul(page));
        self.volume_of(ino).check_device()?;
        let file = self.file_mut(ino)?;
        if file.is_bad {
            return Err(FsErrorKind::Io);
        }
        // The kernel writes dirty pages out before it reads the device.
        file.dirty_pages.clear();
        let count = file.device_content().read(offset, &mut buffer[..wanted]);
        *self.bytes_read.entry(ino).or_default() += count as u64;
        Ok(count)
    }

    /// Writes what fits; fails only when nothing does.
    pub(crate) fn write(&mut self, ino: Ino, bytes: &[u8], offset: u64) -> Outcome<usize> {
        self.check_file_writable(ino)?;
        let volume = self.volume_of(ino);
        let wanted = bytes.len().min(self.transfer_limit) as u64;
        let room = volume.max_file_bytes().saturating_sub(offset);
        if wanted > 0 && room == 0 {
            return Err(FsErrorKind::FileTooLarge);
        }
        let mut free = volume.free_pages();
        let content = &self.file(ino)?.content;
        let mut end = offset;
        for page in pages_of(offset..offset + wanted.min(room)) {
            if !content.has_room_for_page(page) {
                if free == 0 {
                    break;
                }
                free -= 1;
            }
            end = ((page + 1) * PAGE).min(offset + wanted.min(room));
        }
        if wanted > 0 && end == offset {
            return Err(FsErrorKind::NoSpace);
        }
        let length = end - offset;
        self.store(ino, &bytes[..as_index(length)], offset);
        Ok(as_index(length))
    }

    /// Stores bytes that fit, and whatever damage was ordered for them.
    fn store(&mut self, ino: Ino, bytes: &[u8], offset: u64) {
        let now = self.tick_on(self.inode(ino).volume);
        let end = offset + bytes.len() as u64;
        let is_hit = |corruption: &Corruption| (offset..end).contains(&corruption.offset());
        let corruption =
            self.corruptions.iter().position(is_hit).map(|index| self.corruptions.remove(index));
        let Ok(file) = self.file_mut(ino) else { return };
        let old_pages = file.device_content();
        file.content.write(offset, bytes);
        file.note_written(offset, bytes.len() as u64);
        match corruption {
            None => {}
            Some(Corruption::Flip(at)) => file.flip_device_bit(at),
            Some(Corruption::Drop(at)) => {
                file.device_pages.insert(at / PAGE, old_pages.page(at / PAGE).cloned());
            }
        }
        self.inode_mut(ino).content_changed(now);
        self.settle_room(ino);
    }

    fn check_file_writable(&self, ino: Ino) -> Outcome<()> {
        self.file(ino)?;
        self.volume_of(ino).check_writable()?;
        if self.inode(ino).is_immutable { Err(FsErrorKind::NotPermitted) } else { Ok(()) }
    }

    pub(crate) fn clone_file(&mut self, source: Ino, destination: Ino) -> Outcome<Support<()>> {
        self.check_file_writable(destination)?;
        let is_one_volume = self.inode(source).volume == self.inode(destination).volume;
        if !is_one_volume || !self.volume_of(destination).settings.can_clone {
            return Ok(Support::Unsupported);
        }
        let shared = self.file(source)?.clone();
        let now = self.tick_on(self.inode(destination).volume);
        let file = self.file_mut(destination)?;
        file.content = shared.content;
        file.device_pages = shared.device_pages;
        file.cached_pages.clear();
        file.dirty_pages.clear();
        let inode = self.inode_mut(destination);
        inode.shared_bytes = inode.allocated_bytes();
        inode.content_changed(now);
        self.settle_room(destination);
        Ok(Support::Done(()))
    }

    pub(crate) fn copy_range(
        &mut self,
        source: Ino,
        destination: Ino,
        range: Range<u64>,
    ) -> Outcome<Support<u64>> {
        self.check_file_writable(destination)?;
        let settings = &self.volume_of(destination).settings;
        let is_one_volume = self.inode(source).volume == self.inode(destination).volume;
        let is_offered =
            if is_one_volume { settings.can_copy_range } else { settings.can_copy_range_across };
        if !is_offered || source == destination {
            return Ok(Support::Unsupported);
        }
        let size = self.file(source)?.content.size();
        let length = (range.end.min(size)).saturating_sub(range.start);
        let mut buffer = vec![0; as_index(length).min(self.transfer_limit)];
        let count = self.read(source, &mut buffer, range.start)?;
        if count == 0 {
            return Ok(Support::Done(0));
        }
        let written = self.write(destination, &buffer[..count], range.start)?;
        Ok(Support::Done(written as u64))
    }

    pub(crate) fn preallocate(&mut self, ino: Ino, length: u64) -> Outcome<Support<()>> {
        self.check_file_writable(ino)?;
        let volume = self.volume_of(ino);
        if !volume.settings.can_preallocate {
            return Ok(Support::Unsupported);
        }
        if length > volume.max_file_bytes() {
            return Err(FsErrorKind::FileTooLarge);
        }
        let mut content = self.file(ino)?.content.clone();
        let before = content.allocated_bytes();
        content.reserve(length);
        if (content.allocated_bytes() - before).div_ceil(PAGE) > volume.free_pages() {
            return Err(FsErrorKind::NoSpace);
        }
        self.file_mut(ino)?.content = content;
        let now = self.tick_on(self.inode(ino).volume);
        self.inode_mut(ino).content_changed(now);
        self.settle_room(ino);
        Ok(Support::Done(()))
    }

    pub(crate) fn set_length(&mut self, ino: Ino, length: u64) -> Outcome<()> {
        self.check_file_writable(ino)?;
        let volume = self.volume_of(ino);
        if length > volume.max_file_bytes() {
            return Err(FsErrorKind::FileTooLarge);
        }
        let size = self.file(ino)?.content.size();
        if !volume.settings.can_store_holes && length > size {
            return self.fill_with_zeros(ino, size..length);
        }
        self.file_mut(ino)?.set_size(length);
        let now = self.tick_on(self.inode(ino).volume);
        self.inode_mut(ino).content_changed(now);
        self.settle_room(ino);
        Ok(())
    }

    /// Grows a file where holes cannot be stored.
    fn fill_with_zeros(&mut self, ino: Ino, range: Range<u64>) -> Outcome<()> {
        let needed = pages_of(range.clone())
            .filter(|page| self.file(ino).is_ok_and(|file| !file.content.has_room_for_page(*page)))
            .count() as u64;
        if needed > self.volume_of(ino).free_pages() {
            return Err(FsErrorKind::NoSpace);
        }
        self.store(ino, &vec![0; as_index(range.end - range.start)], range.start);
        Ok(())
    }

    pub(crate) fn next_data(&self, ino: Ino, offset: u64) -> Outcome<Support<Option<Range<u64>>>> {
        let content = &self.file(ino)?.content;
        if offset >= content.size() {
            return Ok(Support::Done(None));
        }
        if !self.volume_of(ino).settings.can_find_holes {
            return Ok(Support::Unsupported);
        }
        Ok(Support::Done(content.next_data(offset)))
    }

    pub(crate) fn resident_bytes(&self, ino: Ino, length: u64) -> Outcome<Support<u64>> {
        if !self.volume_of(ino).settings.can_drop_cache {
            return Ok(Support::Unsupported);
        }
        let end = pages_of(0..length).end;
        let pages = self.file(ino)?.cached_pages.range(..end).count() as u64;
        Ok(Support::Done(pages * PAGE))
    }

    /// Compares a window page-wise; the equal stretches of `left` come back in order.
    pub(crate) fn compare(
        &mut self,
        left: Ino,
        right: Ino,
        window: Range<u64>,
    ) -> Outcome<Support<(MappedComparison, Vec<Vec<u8>>)>> {
        if !self.volume_of(left).settings.can_compare_mapped
            || !self.volume_of(right).settings.can_compare_mapped
        {
            return Ok(Support::Unsupported);
        }
        let mut equal = Vec::new();
        let mut at = window.start;
        while at < window.end {
            let step = COMPARED_AT_ONCE.min(window.end - at);
            let mut pieces = [vec![0; as_index(step)], vec![0; as_index(step)]];
            for (ino, piece) in [left, right].into_iter().zip(&mut pieces) {
                let file = self.file_mut(ino)?;
                let can_be_read = file.can_be_read(at, step);
                if !can_be_read || file.content.read(at, piece) < piece.len() {
                    return Ok(Support::Done((MappedComparison::Faulted, equal)));
                }
                file.note_read(at, step);
                *self.bytes_read.entry(ino).or_default() += step;
            }
            let [piece, other] = pieces;
            // Nearly always equal, and comparing whole pieces is much faster than looking for a place.
            if piece != other {
                let index = piece.iter().zip(&other).take_while(|(a, b)| a == b).count();
                let differs = MappedComparison::DiffersAt(at + index as u64);
                return Ok(Support::Done((differs, equal)));
            }
            equal.push(piece);
            at += step;
        }
        Ok(Support::Done((MappedComparison::Equal, equal)))
    }
}
