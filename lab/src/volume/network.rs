//! A file system in memory that the mount table shows as one on the network.
//!
//! It is to be recognised as such, and to lack what such file systems lack: it cannot exchange two
//! names, clone, keep extended attributes or be read past the cache.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem,
    FopenFlags, Generation, INodeNo, LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr,
    ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs,
    ReplyWrite, Request, SessionACL, TimeOrNow, WriteFlags,
};

use super::memory::Memory;
use super::node::{self, Content, Node};
use crate::answer::{self, Answer};

const KEPT: Duration = Duration::from_secs(1);

/// How much is read or written at once by a file system that does less than it is asked for.
const SHORT: usize = 1000;

/// Serves a new file system at a folder while the session lives.
pub(super) fn serve(at: &Path) -> Result<BackgroundSession> {
    serve_with(at, None)
}

/// Serves one that reads and writes no more than 1,000 bytes at once, which the kernel hands on. How often it
/// did less than it was asked for is counted.
pub(super) fn serve_short(at: &Path, count: Arc<AtomicUsize>) -> Result<BackgroundSession> {
    serve_with(at, Some(count))
}

fn serve_with(at: &Path, short: Option<Arc<AtomicUsize>>) -> Result<BackgroundSession> {
    let mut config = Config::default();
    // Asking for the unmount at the end makes fusermount3 mount it, which knows subtypes.
    config.mount_options = vec![
        MountOption::FSName("somewhere:/else".to_owned()),
        MountOption::Subtype("sshfs".to_owned()),
        MountOption::AutoUnmount,
        MountOption::DefaultPermissions,
    ];
    config.acl = SessionACL::All;
    let network = Network { memory: Mutex::new(Memory::new()), short };
    fuser::spawn_mount(network, at, &config).context("mount with FUSE")
}

struct Network {
    memory: Mutex<Memory>,
    /// Counts when it does less than it is asked for, if it does.
    short: Option<Arc<AtomicUsize>>,
}

impl Network {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().expect("no request panics while it holds the tree")
    }

    /// How much of so many bytes is read or written.
    fn at_once(&self, length: usize) -> usize {
        match &self.short {
            Some(count) if length > SHORT => {
                count.fetch_add(1, Ordering::Relaxed);
                SHORT
            }
            _ => length,
        }
    }

    /// By the page cache the kernel would make up for what is missing.
    fn open_flags(&self) -> FopenFlags {
        if self.short.is_some() { FopenFlags::FOPEN_DIRECT_IO } else { FopenFlags::empty() }
    }

    fn add(&self, parent: INodeNo, name: &OsStr, node: Node, reply: ReplyEntry) {
        let mut memory = self.memory();
        let added = memory.add(parent.0, name, node);
        answer::entry(added.and_then(|ino| attributes(&memory, ino)), KEPT, reply);
    }
}

fn attributes(memory: &Memory, ino: u64) -> Answer<FileAttr> {
    memory.node(ino).map(|node| node.attributes(ino))
}

/// Offsets and sizes of files in memory fit into memory.
fn length(offset: u64) -> Answer<usize> {
    usize::try_from(offset).map_err(|_| Errno::EFBIG)
}

impl Filesystem for Network {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let memory = self.memory();
        let found = memory.lookup(parent.0, name);
        answer::entry(found.and_then(|ino| attributes(&memory, ino)), KEPT, reply);
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        answer::attributes(attributes(&self.memory(), ino.0), KEPT, reply);
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        accessed: Option<TimeOrNow>,
        modified: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut memory = self.memory();
        if let Some(size) = size
            && let Err(error) = length(size).and_then(|size| memory.resize(ino.0, size))
        {
            return reply.error(error);
        }
        match memory.node_mut(ino.0) {
            Ok(node) => {
                node.perm = mode.and_then(|m| u16::try_from(m & 0o7777).ok()).unwrap_or(node.perm);
                node.owner = (uid.unwrap_or(node.owner.0), gid.unwrap_or(node.owner.1));
                node.accessed = accessed.map_or(node.accessed, node::time);
                node.modified = modified.map_or(node.modified, node::time);
                node.changed = SystemTime::now();
                reply.attr(&KEPT, &node.attributes(ino.0));
            }
            Err(error) => reply.error(error),
        }
    }

    fn readlink(&self, _: &Request, ino: INodeNo, reply: ReplyData) {
        match self.memory().node(ino.0).map(|node| &node.content) {
            Ok(Content::Link(text)) => reply.data(text.as_os_str().as_encoded_bytes()),
            Ok(Content::File(_) | Content::Dir(_)) => reply.error(Errno::EINVAL),
            Err(error) => reply.error(error),
        }
    }

    fn mkdir(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        let content = Content::Dir(BTreeMap::new());
        let owner = (request.uid(), request.gid());
        self.add(parent, name, Node::new(content, mode & !umask, owner), reply);
    }

    fn symlink(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        text: &Path,
        reply: ReplyEntry,
    ) {
        let content = Content::Link(text.to_owned());
        let owner = (request.uid(), request.gid());
        self.add(parent, name, Node::new(content, 0o777, owner), reply);
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer::done(self.memory().remove(parent.0, name), reply);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer::done(self.memory().remove(parent.0, name), reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let result = if flags.is_empty() {
            self.memory().rename((parent.0, name), (new_parent.0, new_name))
        } else {
            Err(Errno::EINVAL)
        };
        answer::done(result, reply);
    }

    fn link(&self, _: &Request, ino: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let mut memory = self.memory();
        let linked = memory.link(ino.0, parent.0, name);
        answer::entry(linked.and_then(|()| attributes(&memory, ino.0)), KEPT, reply);
    }

    fn create(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        let owner = (request.uid(), request.gid());
        let mut memory = self.memory();
        let node = Node::new(Content::File(Vec::new()), mode & !umask, owner);
        let attributes = memory
            .add(parent.0, name, node)
            .and_then(|ino| memory.node(ino).map(|node| node.attributes(ino)));
        match attributes {
            Ok(attributes) => {
                reply.created(&KEPT, &attributes, Generation(0), FileHandle(0), self.open_flags())
            }
            Err(error) => reply.error(error),
        }
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(0), self.open_flags());
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.memory().node(ino.0).map(|node| &node.content) {
            Ok(Content::File(bytes)) => {
                let from = length(offset).unwrap_or(usize::MAX).min(bytes.len());
                let length = (size as usize).min(bytes.len() - from);
                reply.data(&bytes[from..from + self.at_once(length)]);
            }
            Ok(Content::Dir(_) | Content::Link(_)) => reply.error(Errno::EISDIR),
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let data = &data[..self.at_once(data.len())];
        let result = length(offset).and_then(|at| self.memory().write(ino.0, at, data));
        // The kernel never hands over more than it can count in 32 bits.
        let bytes = u32::try_from(data.len()).unwrap_or(u32::MAX);
        answer::written(result.map(|()| bytes), reply);
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        reply.ok();
    }

    fn readdir(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let memory = self.memory();
        let Some(children) = memory.node(ino.0).ok().and_then(Node::children) else {
            return reply.error(Errno::ENOTDIR);
        };
        let kind = |ino| memory.node(ino).map_or(FileType::RegularFile, Node::kind);
        for (at, (name, ino)) in (1u64..).zip(children).filter(|(at, _)| *at > offset) {
            if reply.add(INodeNo(*ino), at, kind(*ino), name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let blocks = 1 << 20;
        reply.statfs(blocks, blocks, blocks, blocks, blocks, 4096, 255, 4096);
    }
}
