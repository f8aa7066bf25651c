//! What one fake file, directory or link consists of.
//!
//! An inode knows its own content and metadata; what names it has is the business of directories.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use surecopy_fs::{FileId, FileKind, Metadata, Timestamp};

use super::content::{Content, Page, pages_of};

/// The number of an inode; never used twice.
pub(crate) type Ino = u64;

/// One file, directory, link or special file.
#[derive(Debug, Clone)]
pub(crate) struct Inode {
    /// Index of the volume it is on.
    pub(crate) volume: usize,
    pub(crate) body: Body,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) link_count: u64,
    pub(crate) modified: Timestamp,
    pub(crate) accessed: Timestamp,
    pub(crate) changed: Timestamp,
    pub(crate) created: Timestamp,
    pub(crate) xattrs: BTreeMap<OsString, Vec<u8>>,
    pub(crate) is_immutable: bool,
    /// Handles that are open.
    pub(crate) open_count: u64,
    /// A handle holds the advisory lock.
    pub(crate) is_locked: bool,
    /// Room on the volume that this inode has taken.
    pub(crate) charged_bytes: u64,
    /// Room of which another file pays, being shared with a clone.
    pub(crate) shared_bytes: u64,
}

/// What kind of thing an inode is, and what it holds.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    File(FileBody),
    Dir(DirBody),
    Symlink(OsString),
    Special(FileKind),
}

/// The names in a directory.
#[derive(Debug, Clone)]
pub(crate) struct DirBody {
    pub(crate) parent: Ino,
    pub(crate) entries: BTreeMap<OsString, Ino>,
}

/// A file's content as programs see it, and where the device holds something else.
#[derive(Debug, Clone, Default)]
pub(crate) struct FileBody {
    pub(crate) content: Content,
    /// Pages that the device holds differently from memory; `None` is a hole.
    pub(crate) device_pages: BTreeMap<u64, Option<Page>>,
    /// Pages in memory.
    pub(crate) cached_pages: BTreeSet<u64>,
    /// Pages in memory that the device has not been given yet.
    pub(crate) dirty_pages: BTreeSet<u64>,
    /// The device cannot read any of it.
    pub(crate) is_bad: bool,
}

impl FileBody {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { content: Content::of(bytes), ..Self::default() }
    }

    /// What a read past the cache returns.
    pub(crate) fn device_content(&self) -> Content {
        let mut content = self.content.clone();
        for (page, data) in &self.device_pages {
            content.put_page(*page, data.clone());
        }
        content
    }

    /// Forgets clean pages; from now on, reading them shows what the device holds.
    pub(crate) fn drop_clean_pages(&mut self) {
        let dirty_pages = &self.dirty_pages;
        self.cached_pages.retain(|page| dirty_pages.contains(page));
        let lost: Vec<u64> =
            self.device_pages.keys().copied().filter(|page| !dirty_pages.contains(page)).collect();
        for page in lost {
            if let Some(data) = self.device_pages.remove(&page) {
                self.content.put_page(page, data);
            }
        }
    }

    /// Makes the device hold one byte of a page with a bit flipped.
    pub(crate) fn flip_device_bit(&mut self, offset: u64) {
        let mut byte = [0u8];
        if self.content.read(offset, &mut byte) == 0 {
            return;
        }
        let mut damaged = self.device_content();
        damaged.write(offset, &[byte[0] ^ 1]);
        let page = pages_of(offset..offset + 1).start;
        self.device_pages.insert(page, damaged.page(page).cloned());
    }

    /// Notes that a range was written: it is in memory, and the device has it yet to get.
    pub(crate) fn note_written(&mut self, offset: u64, length: u64) {
        for page in pages_of(offset..offset + length) {
            self.device_pages.remove(&page);
            self.cached_pages.insert(page);
            self.dirty_pages.insert(page);
        }
    }

    /// Takes dirty pages for written though the device has not got them: it has holes there. (What
    /// it held before they were written is not kept.)
    pub(crate) fn lose_dirty_pages(&mut self) {
        let lost = std::mem::take(&mut self.dirty_pages);
        self.device_pages.extend(lost.into_iter().map(|page| (page, None)));
    }

    /// Whether a range can be read: memory has it, or the device can.
    pub(crate) fn can_be_read(&self, offset: u64, length: u64) -> bool {
        let end = (offset + length).min(self.content.size());
        let mut pages = pages_of(offset.min(end)..end);
        !self.is_bad || pages.all(|page| self.cached_pages.contains(&page))
    }

    /// Notes that a range was read through memory.
    pub(crate) fn note_read(&mut self, offset: u64, length: u64) {
        self.cached_pages.extend(pages_of(offset..offset + length));
    }

    /// Sets the length, forgetting what was known of pages beyond it.
    pub(crate) fn set_size(&mut self, size: u64) {
        self.content.set_size(size);
        let end = pages_of(0..size).end;
        self.device_pages.retain(|page, _| *page < end);
        self.cached_pages.retain(|page| *page < end);
        self.dirty_pages.retain(|page| *page < end);
    }
}

impl Inode {
    pub(crate) fn kind(&self) -> FileKind {
        match &self.body {
            Body::File(_) => FileKind::File,
            Body::Dir(_) => FileKind::Directory,
            Body::Symlink(_) => FileKind::Symlink,
            Body::Special(kind) => *kind,
        }
    }

    pub(crate) fn size(&self) -> u64 {
        match &self.body {
            Body::File(file) => file.content.size(),
            Body::Symlink(text) => text.len() as u64,
            Body::Dir(_) | Body::Special(_) => 0,
        }
    }

    pub(crate) fn allocated_bytes(&self) -> u64 {
        match &self.body {
            Body::File(file) => file.content.allocated_bytes(),
            Body::Dir(_) | Body::Symlink(_) | Body::Special(_) => 0,
        }
    }

    /// Metadata as the trait has it. Volumes are numbered from 1.
    pub(crate) fn metadata(&self, ino: Ino) -> Metadata {
        let kind = self.kind();
        Metadata {
            kind,
            size: self.size(),
            allocated_bytes: self.allocated_bytes(),
            mode: self.mode,
            uid: self.uid,
            gid: self.gid,
            link_count: if kind == FileKind::Directory { 2 } else { self.link_count },
            id: FileId { volume: self.volume as u64 + 1, file: ino },
            modified: self.modified,
            accessed: self.accessed,
            changed: self.changed,
            created: Some(self.created),
            is_immutable: self.is_immutable,
        }
    }

    /// Marks a change of content at this time.
    pub(crate) fn content_changed(&mut self, now: Timestamp) {
        self.modified = now;
        self.changed = now;
    }
}
