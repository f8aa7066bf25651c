//! What of a fake file system would survive a power cut.
//!
//! Content and metadata of an inode are durable as they were at its last flush. A name is durable
//! once its directory or its volume was flushed. Until then a change of names waits in a list, in
//! order; each change (a rename, an exchange) is one element, so it survives whole or not at all.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::inode::{Body, FileBody, Ino, Inode};
use super::state::{State, apply_names};

/// The names of one directory.
pub(crate) type Entries = BTreeMap<OsString, Ino>;

/// One change of names in one directory.
#[derive(Debug, Clone)]
pub(crate) struct NameChange {
    pub(crate) dir: Ino,
    pub(crate) names: Vec<(OsString, Option<Ino>)>,
}

/// The durable side of a fake file system.
#[derive(Debug, Clone, Default)]
pub(crate) struct Durability {
    /// Durable names by directory.
    pub(crate) entries: BTreeMap<Ino, Entries>,
    /// Changes of names that are not durable yet.
    pub(crate) pending: Vec<NameChange>,
    /// Inodes as they are on the device.
    pub(crate) images: BTreeMap<Ino, Inode>,
}

impl Durability {
    pub(crate) fn names_changed(&mut self, dir: Ino, names: Vec<(OsString, Option<Ino>)>) {
        self.pending.push(NameChange { dir, names });
    }

    /// Makes durable what was changed in these directories.
    fn settle_names(&mut self, is_flushed: impl Fn(Ino) -> bool) {
        let pending = std::mem::take(&mut self.pending);
        for change in pending {
            if is_flushed(change.dir) {
                apply_names(self.entries.entry(change.dir).or_default(), &change.names);
            } else {
                self.pending.push(change);
            }
        }
    }
}

impl State {
    /// From now on keeps track of what is durable; everything there is now counts as durable.
    pub(crate) fn track_durability(&mut self) {
        let mut durability = Durability::default();
        for (ino, inode) in &self.inodes {
            if let Body::Dir(dir) = &inode.body {
                durability.entries.insert(*ino, dir.entries.clone());
            }
            durability.images.insert(*ino, device_image(inode));
        }
        self.durability = Some(durability);
    }

    /// Puts an inode's content and metadata on the device.
    pub(crate) fn flush_inode(&mut self, ino: Ino) {
        if let Body::File(file) = &mut self.inode_mut(ino).body {
            file.dirty_pages.clear();
        }
        let image = device_image(self.inode(ino));
        if let Some(durability) = &mut self.durability {
            durability.images.insert(ino, image);
        }
    }

    /// Loses what was written to these inodes and not flushed.
    pub(crate) fn lose_unflushed(&mut self, is_hit: impl Fn(Ino, &Inode) -> bool) {
        for (ino, inode) in &mut self.inodes {
            if is_hit(*ino, inode)
                && let Body::File(file) = &mut inode.body
            {
                file.lose_dirty_pages();
            }
        }
    }

    /// Puts a directory's names on the device, and the inodes behind them as they were created.
    pub(crate) fn flush_names(&mut self, dir: Ino) {
        self.flush_inode(dir);
        if let Some(durability) = &mut self.durability {
            durability.settle_names(|changed| changed == dir);
        }
    }

    /// Puts everything on a volume on the device.
    pub(crate) fn flush_whole_volume(&mut self, volume: usize) {
        let inodes: Vec<Ino> = self
            .inodes
            .iter()
            .filter(|(_, inode)| inode.volume == volume)
            .map(|(ino, _)| *ino)
            .collect();
        for ino in &inodes {
            self.flush_inode(*ino);
        }
        if let Some(durability) = &mut self.durability {
            durability.settle_names(|changed| inodes.binary_search(&changed).is_ok());
        }
    }
}

/// An inode as the device holds it right after a flush.
fn device_image(inode: &Inode) -> Inode {
    let mut image = inode.clone();
    if let Body::File(file) = &mut image.body {
        *file = FileBody { content: file.device_content(), ..FileBody::default() };
    }
    image
}
