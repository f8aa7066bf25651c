//! Open files and directories of a fake file system.
//!
//! A handle keeps its inode alive after the last name is gone, and holds a lock if it has one.

use std::fmt;

use surecopy_fs::FsErrorKind;

use super::fake_fs::FakeFs;
use super::inode::Ino;
use super::state::{Outcome, State};

/// An open directory.
pub struct FakeDir {
    handle: Handle,
    /// It was opened to be passed through: what stands in it can be reached by name, and no more.
    pub(crate) is_passed: bool,
}

/// An open file.
pub struct FakeFile {
    handle: Handle,
    pub(crate) access: Access,
}

/// What an open file may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Reading through memory.
    Read,
    /// Reading past the cache.
    ReadDirect,
    /// Reading and writing, holding the lock.
    Write,
}

struct Handle {
    fs: FakeFs,
    ino: Ino,
    name: String,
    holds_lock: bool,
}

impl Handle {
    /// Takes the state as an argument, so that nothing can come between finding an inode and
    /// opening it.
    fn open(fs: &FakeFs, state: &mut State, ino: Ino, name: &str, holds_lock: bool) -> Self {
        let inode = state.inode_mut(ino);
        inode.open_count += 1;
        inode.is_locked |= holds_lock;
        Self { fs: fs.clone(), ino, name: name.to_owned(), holds_lock }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut state = self.fs.lock();
        let inode = state.inode_mut(self.ino);
        inode.open_count = inode.open_count.saturating_sub(1);
        inode.is_locked &= !self.holds_lock;
        state.forget_if_unused(self.ino);
    }
}

impl FakeDir {
    /// A directory that can be listed and flushed.
    pub(crate) fn open(fs: &FakeFs, state: &mut State, ino: Ino, name: &str) -> Self {
        Self { handle: Handle::open(fs, state, ino, name, false), is_passed: false }
    }

    /// A directory that can only be passed through.
    pub(crate) fn pass(fs: &FakeFs, state: &mut State, ino: Ino, name: &str) -> Self {
        Self { is_passed: true, ..Self::open(fs, state, ino, name) }
    }

    /// Refuses what takes more than passing through.
    pub(crate) fn must_be_more_than_passed(&self) -> Outcome<()> {
        if self.is_passed { Err(FsErrorKind::PermissionDenied) } else { Ok(()) }
    }

    pub(crate) fn ino(&self) -> Ino {
        self.handle.ino
    }

    /// The name it was opened by, for traces.
    pub(crate) fn name(&self) -> &str {
        &self.handle.name
    }
}

impl FakeFile {
    pub(crate) fn open(
        fs: &FakeFs,
        state: &mut State,
        ino: Ino,
        name: &str,
        access: Access,
    ) -> Self {
        let holds_lock = access == Access::Write && state.volume_of(ino).settings.can_lock;
        Self { handle: Handle::open(fs, state, ino, name, holds_lock), access }
    }

    pub(crate) fn ino(&self) -> Ino {
        self.handle.ino
    }

    /// The name it was opened by, for traces.
    pub(crate) fn name(&self) -> &str {
        &self.handle.name
    }
}

impl fmt::Debug for FakeDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FakeDir").field(&self.handle.name).finish()
    }
}

impl fmt::Debug for FakeFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FakeFile").field(&self.handle.name).finish()
    }
}
