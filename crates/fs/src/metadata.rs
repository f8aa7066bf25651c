//! What is known about one entry.

use std::ffi::OsString;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A character or block device.
    Device,
}

/// A point in time as a file system stores it: seconds since 1970-01-01 UTC, and nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp {
    /// Whole seconds; negative before 1970.
    pub secs: i64,
    /// Nanoseconds within the second, 0..1_000_000_000.
    pub nanos: u32,
}

/// The timestamps that can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// When the content was last read; `None` leaves it as it is.
    pub accessed: Option<Timestamp>,
    /// When the content was last written.
    pub modified: Timestamp,
    /// When the file was created, on systems that can set it.
    pub created: Option<Timestamp>,
}

/// What makes a file this file and no other while it exists: its volume and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId {
    /// The volume (device number, volume serial).
    pub volume: u64,
    /// The file on the volume (inode number, file index).
    pub file: u64,
}

/// What the file system says about one entry. Links are never followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// What it is.
    pub kind: FileKind,
    /// Logical size in bytes.
    pub size: u64,
    /// Bytes that really occupy the volume; less than `size` for a sparse file.
    pub allocated_bytes: u64,
    /// Permission bits, `0o7777`.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Number of hard links.
    pub link_count: u64,
    /// Identity.
    pub id: FileId,
    /// Last content change.
    pub modified: Timestamp,
    /// Last access.
    pub accessed: Timestamp,
    /// Last change of content or metadata (ctime); cannot be set by programs.
    pub changed: Timestamp,
    /// Creation, where the volume records it.
    pub created: Option<Timestamp>,
    /// The immutable or append-only flag is set.
    pub is_immutable: bool,
}

impl Metadata {
    /// Whether the file has holes, going by its allocation.
    pub fn is_sparse(&self) -> bool {
        self.kind == FileKind::File && self.allocated_bytes < self.size
    }

    /// Whether two readings show the same file with unchanged content: identity, size,
    /// modification and change time all equal.
    pub fn is_unchanged_since(&self, earlier: &Metadata) -> bool {
        self.id == earlier.id
            && self.kind == earlier.kind
            && self.size == earlier.size
            && self.modified == earlier.modified
            && self.changed == earlier.changed
    }
}

/// One extended attribute, ACLs included (`system.posix_acl_*` on Linux).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Xattr {
    /// Full name with its namespace, e.g. `user.comment`.
    pub name: OsString,
    /// Value.
    pub value: Vec<u8>,
}
