//! What a test does to a fake file system from outside: building trees, editing files behind the
//! engine's back, and ordering damage.
//!
//! Nothing here is counted as an operation. Parent directories are made as needed; whatever is
//! impossible is a panic, since the test itself is wrong.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use surecopy_fs::{FileKind, FsErrorKind, Timestamp, Xattr};

use super::fake_fs::FakeFs;
use super::inode::{Body, FileBody, Ino};
use super::state::{Corruption, Outcome, State};
use super::volume::{FakeVolume, VolumeSettings};

impl State {
    /// The directory at an absolute path, made with all its parents if it is not there.
    fn make_dirs(&mut self, path: &Path) -> Outcome<Ino> {
        match self.resolve(path, true) {
            Ok(ino) => self.dir(ino).map(|_| ino),
            Err(FsErrorKind::NotFound) => {
                let name = path.file_name().ok_or(FsErrorKind::InvalidInput)?;
                let parent = self.make_dirs(path.parent().unwrap_or(Path::new("/")))?;
                self.create_dir(parent, name, 0o755)
            }
            Err(kind) => Err(kind),
        }
    }

    /// Where a new entry is to stand.
    fn make_parent<'a>(&mut self, path: &'a Path) -> Outcome<(Ino, &'a OsStr)> {
        let name = path.file_name().ok_or(FsErrorKind::InvalidInput)?;
        Ok((self.make_dirs(path.parent().unwrap_or(Path::new("/")))?, name))
    }

    fn remove_tree(&mut self, dir: Ino, name: &OsStr) -> Outcome<()> {
        let ino = self.look_up(dir, name)?;
        if let Ok(body) = self.dir(ino) {
            for child in body.entries.keys().cloned().collect::<Vec<_>>() {
                self.remove_tree(ino, &child)?;
            }
        }
        self.set_names(dir, vec![(name.to_owned(), None)]);
        self.name_lost(ino);
        Ok(())
    }
}

impl FakeFs {
    /// Makes a directory and all above it.
    #[track_caller]
    pub fn dir(&self, path: impl AsRef<Path>) -> &Self {
        self.change("make a directory", |state| state.make_dirs(path.as_ref()));
        self
    }

    /// Makes a file with mode `0o644`, or replaces the whole content of one that exists (same
    /// inode). It stands on the device already, and none of it in memory.
    #[track_caller]
    pub fn file(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> &Self {
        self.change("make a file", |state| {
            let (dir, name) = state.make_parent(path.as_ref())?;
            let ino = match state.find(dir, name)? {
                Some((_, ino)) => ino,
                None => state.create_file(dir, name, 0o644)?,
            };
            *state.file_mut(ino)? = FileBody::of(bytes.as_ref());
            let now = state.tick_on(state.inode(ino).volume);
            state.inode_mut(ino).content_changed(now);
            state.settle_room(ino);
            state.flush_inode(ino);
            Ok(())
        });
        self
    }

    /// Makes a symbolic link.
    #[track_caller]
    pub fn symlink(&self, path: impl AsRef<Path>, text: impl AsRef<OsStr>) -> &Self {
        self.change("make a link", |state| {
            let (dir, name) = state.make_parent(path.as_ref())?;
            state.create_symlink(dir, name, text.as_ref())
        });
        self
    }

    /// Gives a file a second name.
    #[track_caller]
    pub fn link(&self, existing: impl AsRef<Path>, new: impl AsRef<Path>) -> &Self {
        self.change("make a hard link", |state| {
            let ino = state.resolve(existing.as_ref(), false)?;
            let (dir, name) = state.make_parent(new.as_ref())?;
            state.add_name(dir, name, ino);
            Ok(())
        });
        self
    }

    /// Makes a named pipe.
    #[track_caller]
    pub fn fifo(&self, path: impl AsRef<Path>) -> &Self {
        self.special(path, FileKind::Fifo)
    }

    /// Makes a pipe, socket or device.
    #[track_caller]
    pub fn special(&self, path: impl AsRef<Path>, kind: FileKind) -> &Self {
        self.change("make a special file", |state| {
            let (dir, name) = state.make_parent(path.as_ref())?;
            state.create_special(dir, name, kind)
        });
        self
    }

    /// Writes into a file as another program would, growing it as needed.
    #[track_caller]
    pub fn write(&self, path: impl AsRef<Path>, offset: u64, bytes: impl AsRef<[u8]>) -> &Self {
        self.change("write", |state| {
            let ino = state.resolve(path.as_ref(), true)?;
            state.write(ino, bytes.as_ref(), offset)
        });
        self
    }

    /// Sets a file's length as another program would.
    #[track_caller]
    pub fn truncate(&self, path: impl AsRef<Path>, length: u64) -> &Self {
        self.change("set a length", |state| {
            let ino = state.resolve(path.as_ref(), true)?;
            state.set_length(ino, length)
        });
        self
    }

    /// Removes an entry with everything beneath it, whatever its permissions.
    #[track_caller]
    pub fn remove(&self, path: impl AsRef<Path>) -> &Self {
        self.change("remove", |state| {
            let (dir, name) = state.resolve_parent(path.as_ref())?;
            state.remove_tree(dir, name)
        });
        self
    }

    /// Moves an entry, replacing what has the new name.
    #[track_caller]
    pub fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> &Self {
        self.change("rename", |state| {
            let (from_dir, from_name) = state.resolve_parent(from.as_ref())?;
            let (to_dir, to_name) = state.resolve_parent(to.as_ref())?;
            let ino = state.look_up(from_dir, from_name)?;
            if state.find(to_dir, to_name)?.is_some() {
                state.remove_tree(to_dir, to_name)?;
            }
            state.add_name(to_dir, to_name, ino);
            state.set_names(from_dir, vec![(from_name.to_owned(), None)]);
            state.name_lost(ino);
            Ok(())
        });
        self
    }

    #[track_caller]
    fn change_inode(&self, path: &Path, body: impl FnOnce(&mut State, Ino)) -> &Self {
        self.change("change an entry", |state| {
            let ino = state.resolve(path, false)?;
            body(state, ino);
            Ok(())
        });
        self
    }

    /// Sets permission bits.
    #[track_caller]
    pub fn mode(&self, path: impl AsRef<Path>, mode: u32) -> &Self {
        self.change_inode(path.as_ref(), |state, ino| state.inode_mut(ino).mode = mode)
    }

    /// Sets owner and group.
    #[track_caller]
    pub fn owner(&self, path: impl AsRef<Path>, uid: u32, gid: u32) -> &Self {
        self.change_inode(path.as_ref(), |state, ino| {
            let inode = state.inode_mut(ino);
            (inode.uid, inode.gid) = (uid, gid);
        })
    }

    /// Sets the time of last modification.
    #[track_caller]
    pub fn modified(&self, path: impl AsRef<Path>, time: Timestamp) -> &Self {
        self.change_inode(path.as_ref(), |state, ino| {
            let volume = state.inode(ino).volume;
            state.inode_mut(ino).modified = state.stored_time(volume, time);
        })
    }

    /// Sets an extended attribute.
    #[track_caller]
    pub fn xattr(&self, path: impl AsRef<Path>, xattr: Xattr) -> &Self {
        self.change_inode(path.as_ref(), |state, ino| {
            state.inode_mut(ino).xattrs.insert(xattr.name, xattr.value);
        })
    }

    /// Sets or clears the immutable flag.
    #[track_caller]
    pub fn immutable(&self, path: impl AsRef<Path>, is_immutable: bool) -> &Self {
        self.change_inode(path.as_ref(), |state, ino| {
            state.inode_mut(ino).is_immutable = is_immutable;
        })
    }

    /// Makes a directory, which must be empty, a volume of its own.
    #[track_caller]
    pub fn mount(&self, path: impl AsRef<Path>, settings: VolumeSettings) -> &Self {
        self.change("mount", |state| {
            let ino = state.make_dirs(path.as_ref())?;
            if !state.dir(ino)?.entries.is_empty() {
                return Err(FsErrorKind::DirectoryNotEmpty);
            }
            let volume = state.volumes.len();
            state.volumes.push(FakeVolume::new(volume as u64 + 1, settings));
            state.inode_mut(ino).volume = volume;
            Ok(())
        });
        self
    }

    /// Changes what the volume of a directory offers, while it is in use.
    #[track_caller]
    pub fn remount(
        &self,
        path: impl AsRef<Path>,
        change: impl FnOnce(&mut VolumeSettings),
    ) -> &Self {
        self.change_inode(path.as_ref(), |state, ino| {
            let volume = state.inode(ino).volume;
            change(&mut state.volumes[volume].settings);
        })
    }

    /// Sets the time of day, as a user may; it moves on by a microsecond with each change.
    pub fn set_clock(&self, now: Timestamp) -> &Self {
        self.lock().now = now;
        self
    }

    /// Lets each change move the clocks on by this much instead of a microsecond: 0 makes changes that
    /// happen at the same time.
    pub fn set_tick(&self, nanos: u32) -> &Self {
        self.lock().tick_nanos = nanos;
        self
    }

    /// Lets time pass.
    pub fn pass(&self, duration: Duration) -> &Self {
        self.lock().pass(duration);
        self
    }

    /// Lets the machine be started anew, with all volumes as they were.
    pub fn reboot(&self) -> &Self {
        let mut state = self.lock();
        state.boot += 1;
        state.since_boot = Duration::ZERO;
        drop(state);
        self
    }

    /// Whether the user who asks is privileged: may read everything and give files away.
    pub fn privileged(&self, is_privileged: bool) -> &Self {
        self.lock().is_privileged = is_privileged;
        self
    }

    /// Lets every read and write end after this many bytes.
    pub fn limit_transfers(&self, bytes: usize) -> &Self {
        self.lock().transfer_limit = bytes.max(1);
        self
    }

    /// Whether small files are stored inside metadata where the file system can do that.
    pub fn store_inline(&self, is_on: bool) -> &Self {
        self.lock().inline_is_on = is_on;
        self
    }

    /// Lets the device store the next write over this offset, in whatever file, with a bit
    /// flipped. Reads from memory show the good bytes until they are dropped.
    pub fn corrupt_next_write(&self, offset: u64) -> &Self {
        self.lock().corruptions.push(Corruption::Flip(offset));
        self
    }

    /// Lets the device ignore the page with this offset in the next write over it.
    pub fn drop_next_write(&self, offset: u64) -> &Self {
        self.lock().corruptions.push(Corruption::Drop(offset));
        self
    }

    /// Flips a bit of a stored file on the device only.
    #[track_caller]
    pub fn corrupt_device(&self, path: impl AsRef<Path>, offset: u64) -> &Self {
        self.change_inode(path.as_ref(), |state, ino| {
            if let Body::File(file) = &mut state.inode_mut(ino).body {
                file.flip_device_bit(offset);
            }
        })
    }

    /// Lets the device be unable to read a file, while memory has what it had of it.
    #[track_caller]
    pub fn spoil(&self, path: impl AsRef<Path>) -> &Self {
        self.change_inode(path.as_ref(), |state, ino| {
            if let Body::File(file) = &mut state.inode_mut(ino).body {
                file.is_bad = true;
            }
        })
    }
}
