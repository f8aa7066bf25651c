//! Serves disks as files of a FUSE file system, and records what is done to them.
//!
//! A process of its own: were it a thread of the lab, a lab that is killed while it waits for one of
//! these disks would wait for ever, because the connection to the kernel would never be closed.
//! One request after the other, so that the log has one order.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use fuser::{
    Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo,
    LockOwner, MountOption, OpenFlags, ReplyAttr, ReplyData, ReplyEmpty, ReplyEntry, ReplyOpen,
    ReplyWrite, Request, WriteFlags,
};

use super::log::Entry;

/// The lab started with this word serves disks instead of running cases.
pub(crate) const WORD: &str = "--serve-disks";

/// The file that tells how many entries the log has.
pub(super) const POSITION: &str = "position";

/// How a disk is called.
pub(super) fn disk_name(disk: usize) -> String {
    format!("disk{disk}")
}

const TOP: u64 = 1;
const POSITION_INO: u64 = 2;
const FIRST_DISK: u64 = 3;
const KEPT: Duration = Duration::from_secs(3600);

/// Serves until it is unmounted: where to mount, where the log goes, and the disks' images.
pub(crate) fn serve(mut arguments: impl Iterator<Item = OsString>) -> Result<()> {
    let at = arguments.next().context("a folder to mount at")?;
    let log = arguments.next().context("a log")?;
    let disks = arguments.map(|path| Image::open(Path::new(&path))).collect::<Result<_>>()?;
    let state = State { log: File::create_new(log)?, entries: 0 };
    let mut config = Config::default();
    config.mount_options = vec![MountOption::FSName("surecopy-lab".to_owned())];
    let server = Server { disks, state: Mutex::new(state) };
    fuser::mount(server, Path::new(&at), &config).context("serve disks with FUSE")
}

struct Image {
    file: File,
    size: u64,
}

impl Image {
    fn open(path: &Path) -> Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { file, size })
    }

    fn read(&self, at: u64, length: u32) -> io::Result<Vec<u8>> {
        let length = u64::from(length).min(self.size.saturating_sub(at));
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }
}

struct State {
    log: File,
    entries: usize,
}

struct Server {
    disks: Vec<Image>,
    state: Mutex<State>,
}

impl Server {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no request panics while it holds the log")
    }

    fn disk(&self, ino: INodeNo) -> Result<(usize, &Image), Errno> {
        let number = ino.0.checked_sub(FIRST_DISK).and_then(|number| usize::try_from(number).ok());
        let number = number.ok_or(Errno::EINVAL)?;
        self.disks.get(number).map(|disk| (number, disk)).ok_or(Errno::ENOENT)
    }

    fn record(&self, entry: &Entry) -> Result<(), Errno> {
        let mut state = self.state();
        entry.write_to(&state.log).map_err(|_| Errno::EIO)?;
        state.entries += 1;
        Ok(())
    }

    fn attributes(&self, ino: INodeNo) -> Result<FileAttr, Errno> {
        let size = match ino.0 {
            TOP | POSITION_INO => 0,
            _ => self.disk(ino)?.1.size,
        };
        let (kind, perm) = if ino.0 == TOP {
            (FileType::Directory, 0o700)
        } else {
            (FileType::RegularFile, 0o600)
        };
        Ok(FileAttr {
            ino,
            size,
            blocks: size.div_ceil(512),
            atime: SystemTime::UNIX_EPOCH,
            mtime: SystemTime::UNIX_EPOCH,
            ctime: SystemTime::UNIX_EPOCH,
            crtime: SystemTime::UNIX_EPOCH,
            kind,
            perm,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        })
    }

    fn find(&self, name: &OsStr) -> Result<FileAttr, Errno> {
        let is_it = |disk: &usize| name == OsStr::new(&disk_name(*disk));
        let ino = if name == POSITION {
            POSITION_INO
        } else {
            let disk = (0..self.disks.len()).find(is_it).ok_or(Errno::ENOENT)?;
            FIRST_DISK + disk as u64
        };
        self.attributes(INodeNo(ino))
    }

    fn read_some(&self, ino: INodeNo, offset: u64, size: u32) -> Result<Vec<u8>, Errno> {
        if ino.0 == POSITION_INO {
            let text = if offset == 0 { self.state().entries.to_string() } else { String::new() };
            return Ok(text.into_bytes());
        }
        self.disk(ino)?.1.read(offset, size).map_err(|_| Errno::EIO)
    }

    fn write_some(&self, ino: INodeNo, at: u64, data: &[u8]) -> Result<u32, Errno> {
        let (disk, image) = self.disk(ino)?;
        image.file.write_all_at(data, at).map_err(|_| Errno::EIO)?;
        self.record(&Entry::Write { disk, at, data: data.to_vec() })?;
        u32::try_from(data.len()).map_err(|_| Errno::EINVAL)
    }
}

impl Filesystem for Server {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.find(name) {
            Ok(attributes) => reply.entry(&KEPT, &attributes, Generation(0)),
            Err(error) => reply.error(error),
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.attributes(ino) {
            Ok(attributes) => reply.attr(&KEPT, &attributes),
            Err(error) => reply.error(error),
        }
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        // The page cache above would keep writes back, and answer reads.
        reply.opened(FileHandle(0), FopenFlags::FOPEN_DIRECT_IO);
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
        match self.read_some(ino, offset, size) {
            Ok(bytes) => reply.data(&bytes),
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
        match self.write_some(ino, offset, data) {
            Ok(written) => reply.written(written),
            Err(error) => reply.error(error),
        }
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        // A flush of the disk, or what the kernel makes of a write that has to be there at once.
        match self.disk(ino).and_then(|(disk, _)| self.record(&Entry::Flush { disk })) {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(error),
        }
    }

    fn fallocate(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        _: u64,
        _: u64,
        _: i32,
        reply: ReplyEmpty,
    ) {
        // No discards; zeroes are written.
        reply.error(Errno::EOPNOTSUPP);
    }
}
