//! What a test can see of a fake file system: whole trees, single files, and what was done to it.
//!
//! Looking changes nothing and is not counted.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use surecopy_fs::{BootId, FileKind, Metadata, Moment, Operation, Timestamp};

use super::fake_fs::FakeFs;
use super::inode::{Body, Ino, Inode};
use super::state::State;

/// One entry of a tree, without what differs between two equal trees (identity, change time).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: FileKind,
    /// Bytes or link text.
    pub content: EntryContent,
    /// Logical size.
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Last content change.
    pub modified: Timestamp,
    /// Extended attributes.
    pub xattrs: BTreeMap<OsString, Vec<u8>>,
}

/// What an entry holds.
#[derive(Clone, PartialEq, Eq)]
pub enum EntryContent {
    /// A file's bytes.
    Bytes(Vec<u8>),
    /// A link's text.
    Text(OsString),
    /// Nothing of its own.
    None,
}

impl std::fmt::Debug for EntryContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EntryContent::Bytes(bytes) if bytes.len() > 32 => {
                write!(f, "Bytes({} bytes, {:?}…)", bytes.len(), &bytes[..32])
            }
            EntryContent::Bytes(bytes) => write!(f, "Bytes({bytes:?})"),
            EntryContent::Text(text) => write!(f, "Text({text:?})"),
            EntryContent::None => f.write_str("None"),
        }
    }
}

impl Entry {
    fn of(inode: &Inode) -> Self {
        let content = match &inode.body {
            Body::File(file) => EntryContent::Bytes(file.content.bytes()),
            Body::Symlink(text) => EntryContent::Text(text.clone()),
            Body::Dir(_) | Body::Special(_) => EntryContent::None,
        };
        Self {
            kind: inode.kind(),
            content,
            size: inode.size(),
            mode: inode.mode,
            uid: inode.uid,
            gid: inode.gid,
            modified: inode.modified,
            xattrs: inode.xattrs.clone(),
        }
    }
}

fn gather(state: &State, ino: Ino, path: &Path, tree: &mut BTreeMap<PathBuf, Entry>) {
    tree.insert(path.to_owned(), Entry::of(state.inode(ino)));
    if let Ok(dir) = state.dir(ino) {
        for (name, child) in &dir.entries {
            gather(state, *child, &path.join(name), tree);
        }
    }
}

impl FakeFs {
    fn find_path(&self, path: &Path) -> Option<Ino> {
        self.look(|state| state.resolve(path, false).ok())
    }

    /// A file's bytes as memory shows them; `None` when there is no file of that name.
    pub fn read(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let ino = self.find_path(path.as_ref())?;
        let state = self.lock();
        state.file(ino).ok().map(|file| file.content.bytes())
    }

    /// A file's bytes as the device holds them.
    pub fn read_device(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let ino = self.find_path(path.as_ref())?;
        let state = self.lock();
        state.file(ino).ok().map(|file| file.device_content().bytes())
    }

    /// Whether there is an entry of that name; a link counts itself.
    pub fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.find_path(path.as_ref()).is_some()
    }

    /// What the clocks of its machine show.
    pub fn moment(&self) -> Moment {
        let state = self.lock();
        let boot = Some(BootId(state.boot));
        Moment { wall: state.now, since_boot: state.since_boot, boot }
    }

    /// Metadata of an entry, links not followed.
    pub fn stat(&self, path: impl AsRef<Path>) -> Option<Metadata> {
        let ino = self.find_path(path.as_ref())?;
        Some(self.lock().inode(ino).metadata(ino))
    }

    /// An entry and everything beneath it, by path relative to it; the entry itself has the empty
    /// path. Empty when there is no such entry.
    pub fn tree(&self, path: impl AsRef<Path>) -> BTreeMap<PathBuf, Entry> {
        let mut tree = BTreeMap::new();
        if let Some(ino) = self.find_path(path.as_ref()) {
            gather(&self.lock(), ino, Path::new(""), &mut tree);
        }
        tree
    }

    /// The names in a directory, sorted; empty when it is not there.
    pub fn names(&self, path: impl AsRef<Path>) -> Vec<OsString> {
        let Some(ino) = self.find_path(path.as_ref()) else { return Vec::new() };
        let state = self.lock();
        state.dir(ino).map(|dir| dir.entries.keys().cloned().collect()).unwrap_or_default()
    }

    /// Whether a handle holds the lock of a file.
    pub fn is_lock_held(&self, path: impl AsRef<Path>) -> bool {
        let ino = self.find_path(path.as_ref());
        ino.is_some_and(|ino| self.lock().inode(ino).is_locked)
    }

    /// How many handles are open, on everything.
    pub fn open_handles(&self) -> u64 {
        self.lock().inodes.values().map(|inode| inode.open_count).sum()
    }

    /// How often an operation was asked for.
    pub fn count(&self, operation: Operation) -> u64 {
        self.lock().counts.get(&operation).copied().unwrap_or(0)
    }

    /// How many bytes of a file were read in all, by whatever operation.
    pub fn bytes_read(&self, path: impl AsRef<Path>) -> u64 {
        let ino = self.find_path(path.as_ref());
        ino.and_then(|ino| self.lock().bytes_read.get(&ino).copied()).unwrap_or(0)
    }

    /// Everything that was asked for, in order, with the name it was asked about.
    pub fn operations(&self) -> Vec<(Operation, String)> {
        self.lock().trace.clone()
    }

    /// Forgets what was counted so far.
    pub fn reset_counts(&self) -> &Self {
        let mut state = self.lock();
        state.counts.clear();
        state.trace.clear();
        state.bytes_read.clear();
        drop(state);
        self
    }

    /// Bytes taken on the volume of an entry.
    pub fn used_bytes(&self, path: impl AsRef<Path>) -> u64 {
        let ino = self.find_path(path.as_ref());
        ino.map_or(0, |ino| self.lock().volume_of(ino).used_bytes)
    }
}
