//! Where a test's files are, and what is in them. Nothing here copies anything.

use std::fs::{self, File, FileTimes};
use std::io::Write;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

/// Who has the machine: many at once, or one who measures.
static MACHINE: RwLock<()> = RwLock::new(());

/// For tests that measure time or memory, or that fill both cores.
pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}

/// For all others.
pub(crate) fn alongside() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

/// A temporary folder.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    /// On whatever volume temporary files are on.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// In memory if there is a volume in memory with this much room, since tests of memory should
    /// not wait for disks.
    pub(crate) fn roomy(bytes: u64) -> Self {
        let in_memory = Path::new("/dev/shm");
        let has_room = rustix::fs::statvfs(in_memory)
            .is_ok_and(|volume| volume.f_bavail * volume.f_frsize > 2 * bytes);
        match tempfile::tempdir_in(in_memory) {
            Ok(folder) if has_room => Self { folder },
            _ => Self::new(),
        }
    }

    /// A path in it.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// A new directory in it, with those above.
    pub(crate) fn dir(&self, path: &str) -> PathBuf {
        let path = self.at(path);
        fs::create_dir_all(&path).expect("a directory");
        path
    }

    /// A new file in it, of this many bytes that do not repeat.
    pub(crate) fn file(&self, path: &str, bytes: u64) -> PathBuf {
        let path = self.at(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fill(&path, bytes);
        path
    }
}

/// Writes this many bytes, of which no two blocks are the same.
pub(crate) fn fill(path: &Path, bytes: u64) {
    const BLOCK: usize = 1 << 16;
    let mut block = Vec::with_capacity(BLOCK);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ bytes;
    while block.len() < BLOCK {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        block.extend_from_slice(&state.to_le_bytes());
    }
    let mut file = File::create(path).expect("a new file");
    let mut written = 0;
    while written < bytes {
        block[..8].copy_from_slice(&written.to_le_bytes());
        let count = BLOCK.min(usize::try_from(bytes - written).unwrap_or(BLOCK));
        file.write_all(&block[..count]).expect("room for a test's file");
        written += count as u64;
    }
}

/// A moment this many seconds after 2001 began, with nanoseconds.
pub(crate) fn long_ago(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::new(978_307_200 + seconds, 123_456_789)
}

/// Sets both times of a file or directory.
pub(crate) fn set_times(path: &Path, time: SystemTime) {
    let times = FileTimes::new().set_modified(time).set_accessed(time);
    File::open(path).and_then(|file| file.set_times(times)).expect("times can be set");
}

/// The partial file or backup in a directory, if there is one.
pub(crate) fn partial_in(dir: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(dir).ok()?;
    entries.flatten().map(|entry| entry.path()).find(|path| {
        path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".surecopy-"))
    })
}

/// Why a test did not run.
pub(crate) fn skipped(reason: &str) {
    println!("SKIPPED: {reason}");
}

/// Runs something when it goes out of scope, panics included: for threads that work until told.
pub(crate) struct AtEnd<T, E: FnMut(&mut T)> {
    value: T,
    end: E,
}

impl<T, E: FnMut(&mut T)> AtEnd<T, E> {
    pub(crate) fn new(value: T, end: E) -> Self {
        Self { value, end }
    }
}

impl<T, E: FnMut(&mut T)> Drop for AtEnd<T, E> {
    fn drop(&mut self) {
        (self.end)(&mut self.value);
    }
}

impl<T, E: FnMut(&mut T)> Deref for AtEnd<T, E> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T, E: FnMut(&mut T)> DerefMut for AtEnd<T, E> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}
