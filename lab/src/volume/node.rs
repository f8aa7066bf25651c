//! What the file system in memory is made of.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::SystemTime;

use fuser::{FileAttr, FileType, INodeNo, TimeOrNow};

/// What a node holds.
pub(super) enum Content {
    File(Vec<u8>),
    Dir(BTreeMap<OsString, u64>),
    Link(PathBuf),
}

/// An inode.
pub(super) struct Node {
    pub(super) content: Content,
    pub(super) perm: u16,
    pub(super) owner: (u32, u32),
    pub(super) names: u32,
    pub(super) accessed: SystemTime,
    pub(super) modified: SystemTime,
    pub(super) changed: SystemTime,
}

impl Node {
    pub(super) fn new(content: Content, mode: u32, owner: (u32, u32)) -> Self {
        let now = SystemTime::now();
        // The permission bits of a mode fit.
        let perm = u16::try_from(mode & 0o7777).unwrap_or_default();
        let names = 1;
        Self { content, perm, owner, names, accessed: now, modified: now, changed: now }
    }

    pub(super) fn touch(&mut self) {
        self.modified = SystemTime::now();
        self.changed = self.modified;
    }

    pub(super) fn children(&self) -> Option<&BTreeMap<OsString, u64>> {
        match &self.content {
            Content::Dir(children) => Some(children),
            Content::File(_) | Content::Link(_) => None,
        }
    }

    pub(super) fn children_mut(&mut self) -> Option<&mut BTreeMap<OsString, u64>> {
        match &mut self.content {
            Content::Dir(children) => Some(children),
            Content::File(_) | Content::Link(_) => None,
        }
    }

    pub(super) fn child(&self, name: &OsStr) -> Option<u64> {
        self.children()?.get(name).copied()
    }

    pub(super) fn kind(&self) -> FileType {
        match self.content {
            Content::File(_) => FileType::RegularFile,
            Content::Dir(_) => FileType::Directory,
            Content::Link(_) => FileType::Symlink,
        }
    }

    pub(super) fn attributes(&self, ino: u64) -> FileAttr {
        let size = match &self.content {
            Content::File(bytes) => bytes.len() as u64,
            Content::Dir(_) => 4096,
            Content::Link(text) => text.as_os_str().len() as u64,
        };
        FileAttr {
            ino: INodeNo(ino),
            size,
            blocks: size.div_ceil(512),
            atime: self.accessed,
            mtime: self.modified,
            ctime: self.changed,
            crtime: SystemTime::UNIX_EPOCH,
            kind: self.kind(),
            perm: self.perm,
            nlink: self.names,
            uid: self.owner.0,
            gid: self.owner.1,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        }
    }
}

/// A time as `utimensat` gives it.
pub(super) fn time(given: TimeOrNow) -> SystemTime {
    match given {
        TimeOrNow::SpecificTime(time) => time,
        TimeOrNow::Now => SystemTime::now(),
    }
}
