//! Serves disks as files of a FUSE file system, records what is done to them, and does to them what bad
//! disks do, as soon as it is told to.
//!
//! A process of its own: were it a thread of the lab, a lab that is killed while it waits for one of
//! these disks would wait for ever, because the connection to the kernel would never be closed.
//! One request after the other, so that the log has one order; a disk that is to be slow takes several at once, and keeps no
//! log.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use fuser::{
    Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, INodeNo, InitFlags,
    KernelConfig, LockOwner, MountOption, OpenFlags, ReplyAttr, ReplyData, ReplyEmpty, ReplyEntry,
    ReplyOpen, ReplyWrite, Request, WriteFlags,
};

use super::faults::Faults;
use super::log::Entry;
use super::medium::Medium;
use super::pace::{self, Pace};
use crate::answer::{self, Answer};

/// The lab started with this word serves disks instead of running cases.
pub(crate) const WORD: &str = "--serve-disks";

/// The same, for disks that can be slow.
pub(crate) const SLOW_WORD: &str = "--serve-slow-disks";

/// The file that tells how many entries the log has.
pub(crate) const POSITION: &str = "position";

/// The file that takes what is to be done to the disks, a [`super::Fault`] or nothing, and tells how often it was
/// done.
pub(super) const FAULTS: &str = "faults";

/// The file that takes how slow the disks are, a [`super::Slow`] or nothing, and tells how that went, as [`super::Paced`].
pub(super) const PACE: &str = "pace";

/// How a disk is called.
pub(crate) fn disk_name(disk: usize) -> String {
    format!("disk{disk}")
}

const TOP: u64 = 1;
const POSITION_INO: u64 = 2;
const FAULTS_INO: u64 = 3;
const PACE_INO: u64 = 4;
const FIRST_DISK: u64 = 5;
const KEPT: Duration = Duration::from_secs(3600);

/// Serves until it is unmounted: where to mount, where the log goes (nowhere, when that is empty), and the
/// disks' images.
pub(crate) fn serve(arguments: impl Iterator<Item = OsString>) -> Result<()> {
    serve_with(arguments, None)
}

/// The same; what is asked of the disks can be made to wait.
pub(crate) fn serve_slowly(arguments: impl Iterator<Item = OsString>) -> Result<()> {
    let pace = Arc::new(Pace::default());
    let worker = Arc::clone(&pace);
    thread::spawn(move || worker.work());
    serve_with(arguments, Some(pace))
}

fn serve_with(
    mut arguments: impl Iterator<Item = OsString>,
    pace: Option<Arc<Pace>>,
) -> Result<()> {
    let at = arguments.next().context("a folder to mount at")?;
    let log = arguments.next().context("a log")?;
    let disks = arguments.map(|path| Medium::open(Path::new(&path))).collect::<io::Result<_>>()?;
    let log = (!log.is_empty()).then(|| File::create_new(&log)).transpose()?;
    let state = State { disks, faults: Faults::default(), log, entries: 0 };
    let mut config = Config::default();
    config.mount_options = vec![MountOption::FSName("surecopy-lab".to_owned())];
    let server = Server { state: Arc::new(Mutex::new(state)), pace };
    fuser::mount(server, Path::new(&at), &config).context("serve disks with FUSE")
}

struct State {
    disks: Vec<Medium>,
    faults: Faults,
    /// Where what is done is recorded, unless nobody wants to know.
    log: Option<File>,
    entries: usize,
}

struct Server {
    state: Arc<Mutex<State>>,
    /// Where requests can be made to wait.
    pace: Option<Arc<Pace>>,
}

impl Server {
    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    /// Does a request of a disk, now or when the disk gets to it; others are done at once.
    fn in_time(&self, ino: INodeNo, request: impl FnOnce(&mut State) + Send + 'static) {
        let state = Arc::clone(&self.state);
        let request: pace::Request = Box::new(move || request(&mut locked(&state)));
        let at_once = match &self.pace {
            Some(pace) if ino.0 >= FIRST_DISK => pace.take(request),
            _ => Some(request),
        };
        if let Some(request) = at_once {
            request();
        }
    }

    fn paced(&self) -> Answer<Vec<u8>> {
        let pace = self.pace.as_ref().ok_or(Errno::EOPNOTSUPP)?;
        Ok(pace.paced().to_string().into_bytes())
    }

    fn set_pace(&self, data: &[u8]) -> Answer<u32> {
        let pace = self.pace.as_ref().ok_or(Errno::EOPNOTSUPP)?;
        let text = str::from_utf8(data).map_err(|_| Errno::EINVAL)?.trim();
        let slow = (!text.is_empty()).then(|| text.parse()).transpose();
        pace.set(slow.map_err(|_| Errno::EINVAL)?);
        u32::try_from(data.len()).map_err(|_| Errno::EINVAL)
    }

    fn attributes(&self, ino: INodeNo) -> Answer<FileAttr> {
        let size = match ino.0 {
            TOP | POSITION_INO | FAULTS_INO | PACE_INO => 0,
            _ => find(&mut self.state().disks, ino)?.1.size,
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

    fn find(&self, name: &OsStr) -> Answer<FileAttr> {
        let is_it = |disk: &usize| name == OsStr::new(&disk_name(*disk));
        let ino = match name.to_str() {
            Some(POSITION) => POSITION_INO,
            Some(FAULTS) => FAULTS_INO,
            Some(PACE) if self.pace.is_some() => PACE_INO,
            _ => {
                let disks = 0..self.state().disks.len();
                FIRST_DISK + disks.into_iter().find(is_it).ok_or(Errno::ENOENT)? as u64
            }
        };
        self.attributes(INodeNo(ino))
    }
}

impl State {
    fn read_some(&mut self, ino: INodeNo, offset: u64, size: u32) -> Answer<Vec<u8>> {
        let number = match ino.0 {
            POSITION_INO => self.entries.to_string(),
            FAULTS_INO => self.faults.fired().to_string(),
            _ => {
                let (faults, (_, disk)) = (&mut self.faults, find(&mut self.disks, ino)?);
                return disk.read(faults, offset, size).map_err(|_| Errno::EIO);
            }
        };
        Ok(if offset == 0 { number.into_bytes() } else { Vec::new() })
    }

    fn write_some(&mut self, ino: INodeNo, at: u64, data: &[u8]) -> Answer<u32> {
        if ino.0 == FAULTS_INO {
            let text = str::from_utf8(data).map_err(|_| Errno::EINVAL)?.trim();
            let fault = (!text.is_empty()).then(|| text.parse()).transpose();
            self.faults.set(fault.map_err(|_| Errno::EINVAL)?);
        } else {
            let (number, disk) = find(&mut self.disks, ino)?;
            disk.write(&mut self.faults, at, data).map_err(|_| Errno::EIO)?;
            self.record(|| Entry::Write { disk: number, at, data: data.to_vec() })?;
        }
        u32::try_from(data.len()).map_err(|_| Errno::EINVAL)
    }

    fn flush(&mut self, ino: INodeNo) -> Answer<()> {
        let (number, disk) = find(&mut self.disks, ino)?;
        disk.flush(&self.faults).map_err(|_| Errno::EIO)?;
        self.record(|| Entry::Flush { disk: number })
    }

    fn record(&mut self, entry: impl FnOnce() -> Entry) -> Answer<()> {
        if let Some(log) = &self.log {
            entry().write_to(log).map_err(|_| Errno::EIO)?;
            self.entries += 1;
        }
        Ok(())
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no request panics while it holds the log")
}

/// The disk that a file is, and its number.
fn find(disks: &mut [Medium], ino: INodeNo) -> Answer<(usize, &mut Medium)> {
    let number = ino.0.checked_sub(FIRST_DISK).and_then(|number| usize::try_from(number).ok());
    let number = number.ok_or(Errno::EINVAL)?;
    disks.get_mut(number).map(|disk| (number, disk)).ok_or(Errno::ENOENT)
}

impl Filesystem for Server {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        if self.pace.is_some() {
            // What the disk above asks for may be asked for all at once.
            let missing = config.add_capabilities(InitFlags::FUSE_ASYNC_DIO);
            missing.map_err(|missing| io::Error::other(format!("{missing:?}")))?;
        }
        Ok(())
    }

    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        answer::entry(self.find(name), KEPT, reply);
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        answer::attributes(self.attributes(ino), KEPT, reply);
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
        if ino.0 == PACE_INO {
            let text = self.paced();
            let read = text.map(|text| if offset == 0 { text } else { Vec::new() });
            return answer::data(read, reply);
        }
        self.in_time(ino, move |state| answer::data(state.read_some(ino, offset, size), reply));
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
        if ino.0 == PACE_INO {
            return answer::written(self.set_pace(data), reply);
        }
        let data = data.to_vec();
        self.in_time(ino, move |state| {
            answer::written(state.write_some(ino, offset, &data), reply);
        });
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        // A flush of the disk, or what the kernel makes of a write that has to be there at once.
        self.in_time(ino, move |state| answer::done(state.flush(ino), reply));
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
