//! The whole state of a fake file system: inodes, volumes, time and what was counted.
//!
//! This file keeps the state consistent (names, link counts, room); what each operation means is
//! decided in the files beside it. Nothing here takes a lock.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path};
use std::time::Duration;

use surecopy_fs::{FsErrorKind, Operation, Timestamp};

use super::durability::Durability;
use super::inode::{Body, DirBody, FileBody, Ino, Inode};
use super::volume::{FakeVolume, VolumeSettings};

/// What an operation of the fake comes to.
pub(crate) type Outcome<T> = Result<T, FsErrorKind>;

/// A write that the device is to get wrong while memory gets it right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Corruption {
    /// Flip a bit of the byte at this offset.
    Flip(u64),
    /// Keep the page with this offset as it was.
    Drop(u64),
}

impl Corruption {
    pub(crate) fn offset(self) -> u64 {
        match self {
            Corruption::Flip(offset) | Corruption::Drop(offset) => offset,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) inodes: BTreeMap<Ino, Inode>,
    pub(crate) volumes: Vec<FakeVolume>,
    pub(crate) root: Ino,
    pub(crate) next_ino: Ino,
    pub(crate) now: Timestamp,
    pub(crate) since_boot: Duration,
    pub(crate) boot: u128,
    /// How far each change moves the clocks on.
    pub(crate) tick_nanos: u32,
    pub(crate) user: u32,
    pub(crate) is_privileged: bool,
    pub(crate) counts: BTreeMap<Operation, u64>,
    pub(crate) trace: Vec<(Operation, String)>,
    pub(crate) bytes_read: BTreeMap<Ino, u64>,
    pub(crate) corruptions: Vec<Corruption>,
    pub(crate) transfer_limit: usize,
    pub(crate) inline_is_on: bool,
    pub(crate) durability: Option<Durability>,
}

/// To read a file, or list a directory.
pub(crate) const READ: u32 = 4;
/// To write a file, or add and remove names.
pub(crate) const WRITE: u32 = 2;
/// To reach what stands in a directory.
pub(crate) const SEARCH: u32 = 1;

/// The user that owns everything unless a test says otherwise.
const USER: u32 = 1000;

/// How many links a path may lead through.
const MAXIMUM_LINKS: usize = 40;

impl State {
    pub(crate) fn new() -> Self {
        let mut state = Self {
            inodes: BTreeMap::new(),
            volumes: vec![FakeVolume::new(1, VolumeSettings::default())],
            root: 1,
            next_ino: 1,
            now: Timestamp { secs: 1_700_000_000, nanos: 0 },
            since_boot: Duration::from_secs(100),
            boot: 1,
            tick_nanos: 1_000,
            user: USER,
            is_privileged: false,
            counts: BTreeMap::new(),
            trace: Vec::new(),
            bytes_read: BTreeMap::new(),
            corruptions: Vec::new(),
            transfer_limit: usize::MAX,
            inline_is_on: false,
            durability: None,
        };
        let body = Body::Dir(DirBody { parent: 1, entries: BTreeMap::new() });
        state.root = state.new_inode(0, body, 0o755);
        state
    }

    /// Moves the clocks on by a tick, a microsecond unless a test says otherwise, and returns the time.
    pub(crate) fn tick(&mut self) -> Timestamp {
        self.pass(Duration::from_nanos(self.tick_nanos.into()));
        self.now
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, duration: Duration) {
        self.since_boot += duration;
        let nanos = self.now.nanos + duration.subsec_nanos();
        let secs = self.now.secs + i64::try_from(duration.as_secs()).expect("a test ends some day");
        self.now = if nanos < 1_000_000_000 {
            Timestamp { secs, nanos }
        } else {
            Timestamp { secs: secs + 1, nanos: nanos - 1_000_000_000 }
        };
    }

    /// The time of a change on this volume, as coarse as the volume stores it.
    pub(crate) fn tick_on(&mut self, volume: usize) -> Timestamp {
        let now = self.tick();
        self.stored_time(volume, now)
    }

    /// A time as the volume stores it.
    pub(crate) fn stored_time(&self, volume: usize, time: Timestamp) -> Timestamp {
        let step = i128::from(self.volumes[volume].settings.filesystem.time_step_nanos);
        let nanos = i128::from(time.secs) * 1_000_000_000 + i128::from(time.nanos);
        let stored = nanos.div_euclid(step) * step;
        let (secs, rest) = (stored.div_euclid(1_000_000_000), stored.rem_euclid(1_000_000_000));
        Timestamp {
            secs: i64::try_from(secs).expect("a rounded time is as small as the time given"),
            nanos: u32::try_from(rest).expect("less than a second"),
        }
    }

    /// A new inode without a name.
    pub(crate) fn new_inode(&mut self, volume: usize, body: Body, mode: u32) -> Ino {
        let now = self.tick_on(volume);
        let ino = self.next_ino;
        self.next_ino += 1;
        self.volumes[volume].used_files += 1;
        let inode = Inode {
            volume,
            body,
            mode,
            uid: self.user,
            gid: self.user,
            link_count: 0,
            modified: now,
            accessed: now,
            changed: now,
            created: now,
            xattrs: BTreeMap::new(),
            is_immutable: false,
            open_count: 0,
            is_locked: false,
            charged_bytes: 0,
            shared_bytes: 0,
        };
        self.inodes.insert(ino, inode);
        self.settle_room(ino);
        ino
    }

    pub(crate) fn inode(&self, ino: Ino) -> &Inode {
        self.inodes.get(&ino).expect("an inode lives while it has a name or a handle")
    }

    pub(crate) fn inode_mut(&mut self, ino: Ino) -> &mut Inode {
        self.inodes.get_mut(&ino).expect("an inode lives while it has a name or a handle")
    }

    pub(crate) fn volume_of(&self, ino: Ino) -> &FakeVolume {
        &self.volumes[self.inode(ino).volume]
    }

    pub(crate) fn dir(&self, ino: Ino) -> Outcome<&DirBody> {
        match &self.inode(ino).body {
            Body::Dir(dir) => Ok(dir),
            Body::Symlink(_) => Err(FsErrorKind::LinkInPath),
            Body::File(_) | Body::Special(_) => Err(FsErrorKind::NotADirectory),
        }
    }

    pub(crate) fn file(&self, ino: Ino) -> Outcome<&FileBody> {
        match &self.inode(ino).body {
            Body::File(file) => Ok(file),
            Body::Dir(_) => Err(FsErrorKind::IsADirectory),
            Body::Symlink(_) => Err(FsErrorKind::LinkInPath),
            Body::Special(_) => Err(FsErrorKind::InvalidInput),
        }
    }

    pub(crate) fn file_mut(&mut self, ino: Ino) -> Outcome<&mut FileBody> {
        self.file(ino)?;
        match &mut self.inode_mut(ino).body {
            Body::File(file) => Ok(file),
            Body::Dir(_) | Body::Symlink(_) | Body::Special(_) => Err(FsErrorKind::InvalidInput),
        }
    }

    /// The inode a name stands for, and the name as stored.
    pub(crate) fn find(&self, dir: Ino, name: &OsStr) -> Outcome<Option<(OsString, Ino)>> {
        check_name(name)?;
        let entries = &self.dir(dir)?.entries;
        self.check_access(dir, SEARCH)?;
        if let Some(ino) = entries.get(name) {
            return Ok(Some((name.to_owned(), *ino)));
        }
        if !self.volume_of(dir).settings.is_case_insensitive {
            return Ok(None);
        }
        let wanted = folded(name);
        let found = entries.iter().find(|(stored, _)| folded(stored) == wanted);
        Ok(found.map(|(stored, ino)| (stored.clone(), *ino)))
    }

    /// The inode a name stands for; fails when there is none.
    pub(crate) fn look_up(&self, dir: Ino, name: &OsStr) -> Outcome<Ino> {
        self.find(dir, name)?.map(|(_, ino)| ino).ok_or(FsErrorKind::NotFound)
    }

    /// Changes names in a directory, all at once; `None` removes one.
    pub(crate) fn set_names(&mut self, dir: Ino, changes: Vec<(OsString, Option<Ino>)>) {
        let now = self.tick_on(self.inode(dir).volume);
        let inode = self.inode_mut(dir);
        inode.content_changed(now);
        if let Body::Dir(body) = &mut inode.body {
            apply_names(&mut body.entries, &changes);
        }
        if let Some(durability) = &mut self.durability {
            durability.names_changed(dir, changes);
        }
    }

    /// Gives an inode a name.
    pub(crate) fn add_name(&mut self, dir: Ino, name: &OsStr, ino: Ino) {
        self.inode_mut(ino).link_count += 1;
        if let Body::Dir(body) = &mut self.inode_mut(ino).body {
            body.parent = dir;
        }
        self.set_names(dir, vec![(name.to_owned(), Some(ino))]);
    }

    /// Takes a name away from an inode that has lost it already, and the inode's room with the
    /// last one.
    pub(crate) fn name_lost(&mut self, ino: Ino) {
        let now = self.tick();
        let inode = self.inode_mut(ino);
        inode.link_count = inode.link_count.saturating_sub(1);
        inode.changed = now;
        self.forget_if_unused(ino);
    }

    /// Frees an inode that has neither name nor handle.
    pub(crate) fn forget_if_unused(&mut self, ino: Ino) {
        let Some(inode) = self.inodes.get(&ino) else { return };
        if inode.link_count > 0 || inode.open_count > 0 || ino == self.root {
            return;
        }
        let (volume, bytes) = (inode.volume, inode.charged_bytes);
        let volume = &mut self.volumes[volume];
        volume.used_bytes = volume.used_bytes.saturating_sub(bytes);
        volume.used_files = volume.used_files.saturating_sub(1);
        if self.durability.is_some() {
            // After a power cut it may have a name again.
            self.inode_mut(ino).charged_bytes = 0;
        } else {
            self.inodes.remove(&ino);
        }
    }

    /// Books the room an inode takes now.
    pub(crate) fn settle_room(&mut self, ino: Ino) {
        let inode = self.inode(ino);
        let after = inode.allocated_bytes().saturating_sub(inode.shared_bytes);
        let (volume, before) = (inode.volume, inode.charged_bytes);
        self.inode_mut(ino).charged_bytes = after;
        let volume = &mut self.volumes[volume];
        volume.used_bytes = (volume.used_bytes + after).saturating_sub(before);
    }

    /// Whether the user may do what these bits stand for.
    pub(crate) fn check_access(&self, ino: Ino, bit: u32) -> Outcome<()> {
        let inode = self.inode(ino);
        let shift = if inode.uid == self.user {
            6
        } else if inode.gid == self.user {
            3
        } else {
            0
        };
        let is_allowed = self.is_privileged || (inode.mode >> shift) & bit == bit;
        if is_allowed { Ok(()) } else { Err(FsErrorKind::PermissionDenied) }
    }

    /// Whether names in a directory may be added or removed.
    pub(crate) fn check_dir_writable(&self, dir: Ino) -> Outcome<()> {
        self.dir(dir)?;
        self.volume_of(dir).check_writable()?;
        if self.inode(dir).is_immutable {
            return Err(FsErrorKind::NotPermitted);
        }
        self.check_access(dir, WRITE | SEARCH)
    }

    /// Whether the user may change metadata.
    pub(crate) fn check_owner(&self, ino: Ino) -> Outcome<()> {
        // As in a kernel, which asks the file system, and it its disk, for the last.
        let volume = self.volume_of(ino);
        if volume.settings.is_read_only {
            return Err(FsErrorKind::ReadOnlyVolume);
        }
        let inode = self.inode(ino);
        let is_allowed = !inode.is_immutable && (self.is_privileged || inode.uid == self.user);
        if is_allowed { volume.check_device() } else { Err(FsErrorKind::NotPermitted) }
    }

    /// The inode an absolute path leads to.
    pub(crate) fn resolve(&self, path: &Path, follow_last: bool) -> Outcome<Ino> {
        let mut left: VecDeque<OsString> = names_of(path).collect();
        let mut at = self.root;
        let mut links = 0;
        while let Some(name) = left.pop_front() {
            if name == ".." {
                self.check_access(at, SEARCH)?;
                at = self.dir(at)?.parent;
                continue;
            }
            let next = self.look_up(at, &name)?;
            match &self.inode(next).body {
                Body::Symlink(text) if follow_last || !left.is_empty() => {
                    links += 1;
                    if links > MAXIMUM_LINKS {
                        return Err(FsErrorKind::LinkInPath);
                    }
                    if Path::new(text).is_absolute() {
                        at = self.root;
                    }
                    for name in names_of(Path::new(text)).collect::<Vec<_>>().into_iter().rev() {
                        left.push_front(name);
                    }
                }
                _ => at = next,
            }
        }
        Ok(at)
    }

    /// The directory that holds the last name of an absolute path, and that name.
    pub(crate) fn resolve_parent<'a>(&self, path: &'a Path) -> Outcome<(Ino, &'a OsStr)> {
        let name = path.file_name().ok_or(FsErrorKind::InvalidInput)?;
        let parent = path.parent().ok_or(FsErrorKind::InvalidInput)?;
        Ok((self.resolve(parent, true)?, name))
    }
}

/// Applies changes of names to a directory.
pub(crate) fn apply_names(
    entries: &mut BTreeMap<OsString, Ino>,
    changes: &[(OsString, Option<Ino>)],
) {
    for (name, ino) in changes {
        match ino {
            Some(ino) => entries.insert(name.clone(), *ino),
            None => entries.remove(name),
        };
    }
}

/// Whether this is one plain name that any volume could hold.
pub(crate) fn check_name(name: &OsStr) -> Outcome<()> {
    let bytes = name.as_encoded_bytes();
    if bytes.len() > 255 {
        return Err(FsErrorKind::NameTooLong);
    }
    let is_plain = !bytes.is_empty() && name != "." && name != ".." && !bytes.contains(&b'/');
    if is_plain && !bytes.contains(&0) { Ok(()) } else { Err(FsErrorKind::InvalidInput) }
}

fn folded(name: &OsStr) -> String {
    name.to_string_lossy().to_lowercase()
}

fn names_of(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    })
}
