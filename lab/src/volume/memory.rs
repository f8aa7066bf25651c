//! A tree of nodes and what can be done with it.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use fuser::Errno;

use super::node::{Content, Node};
use crate::answer::Answer;

/// The top's number, as the kernel expects it.
const TOP: u64 = 1;

/// All nodes, by number.
pub(super) struct Memory {
    nodes: BTreeMap<u64, Node>,
    next: u64,
}

impl Memory {
    pub(super) fn new() -> Self {
        let top = Node::new(Content::Dir(BTreeMap::new()), 0o755, (0, 0));
        Self { nodes: BTreeMap::from([(TOP, top)]), next: TOP + 1 }
    }

    pub(super) fn node(&self, ino: u64) -> Answer<&Node> {
        self.nodes.get(&ino).ok_or(Errno::ENOENT)
    }

    pub(super) fn node_mut(&mut self, ino: u64) -> Answer<&mut Node> {
        self.nodes.get_mut(&ino).ok_or(Errno::ENOENT)
    }

    pub(super) fn lookup(&self, parent: u64, name: &OsStr) -> Answer<u64> {
        self.node(parent)?.child(name).ok_or(Errno::ENOENT)
    }

    pub(super) fn add(&mut self, parent: u64, name: &OsStr, node: Node) -> Answer<u64> {
        let ino = self.next;
        self.enter(parent, name, ino)?;
        self.next += 1;
        self.nodes.insert(ino, node);
        Ok(ino)
    }

    /// Gives a node one more name.
    pub(super) fn link(&mut self, ino: u64, parent: u64, name: &OsStr) -> Answer<()> {
        self.enter(parent, name, ino)?;
        self.node_mut(ino)?.names += 1;
        Ok(())
    }

    fn enter(&mut self, parent: u64, name: &OsStr, ino: u64) -> Answer<()> {
        let dir = self.node_mut(parent)?;
        let children = dir.children_mut().ok_or(Errno::ENOTDIR)?;
        if children.contains_key(name) {
            return Err(Errno::EEXIST);
        }
        children.insert(name.to_owned(), ino);
        dir.touch();
        Ok(())
    }

    pub(super) fn remove(&mut self, parent: u64, name: &OsStr) -> Answer<()> {
        let ino = self.lookup(parent, name)?;
        if self.node(ino)?.children().is_some_and(|children| !children.is_empty()) {
            return Err(Errno::ENOTEMPTY);
        }
        let dir = self.node_mut(parent)?;
        dir.children_mut().ok_or(Errno::ENOTDIR)?.remove(name);
        dir.touch();
        // The node itself stays: it may be open, and this volume does not live long.
        self.node_mut(ino)?.names -= 1;
        Ok(())
    }

    pub(super) fn rename(
        &mut self,
        (parent, name): (u64, &OsStr),
        (new_parent, new_name): (u64, &OsStr),
    ) -> Answer<()> {
        let ino = self.lookup(parent, name)?;
        if self.lookup(new_parent, new_name).is_ok() {
            self.remove(new_parent, new_name)?;
        }
        self.enter(new_parent, new_name, ino)?;
        let dir = self.node_mut(parent)?;
        dir.children_mut().ok_or(Errno::ENOTDIR)?.remove(name);
        dir.touch();
        Ok(())
    }

    pub(super) fn write(&mut self, ino: u64, at: usize, data: &[u8]) -> Answer<()> {
        let node = self.node_mut(ino)?;
        let Content::File(bytes) = &mut node.content else { return Err(Errno::EISDIR) };
        if bytes.len() < at + data.len() {
            bytes.resize(at + data.len(), 0);
        }
        bytes[at..at + data.len()].copy_from_slice(data);
        node.touch();
        Ok(())
    }

    pub(super) fn resize(&mut self, ino: u64, size: usize) -> Answer<()> {
        let node = self.node_mut(ino)?;
        let Content::File(bytes) = &mut node.content else { return Err(Errno::EISDIR) };
        bytes.resize(size, 0);
        node.touch();
        Ok(())
    }
}
