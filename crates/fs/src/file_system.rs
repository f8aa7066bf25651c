//! The contract between the engine and an operating system.

use std::ffi::{OsStr, OsString};
use std::ops::{ControlFlow, Range};
use std::path::Path;

use crate::error::FsResult;
use crate::metadata::{FileKind, Metadata, Times, Xattr};
use crate::path::RelPath;
use crate::support::Support;
use crate::volume::Volume;

/// An open file or directory, for the operations that take either.
pub enum Node<'a, F: FileSystem + ?Sized> {
    /// A file.
    File(&'a F::File),
    /// A directory.
    Dir(&'a F::Dir),
}

impl<F: FileSystem + ?Sized> Clone for Node<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F: FileSystem + ?Sized> Copy for Node<'_, F> {}

/// The outcome of comparing one window of two files through memory maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MappedComparison {
    /// Every byte of the window is equal.
    Equal,
    /// The first byte that differs, as an offset into the files.
    DiffersAt(u64),
    /// The caller had seen enough.
    Stopped,
    /// A page could not be read (the file was truncated, or the device failed). Nothing is known
    /// about the window; the caller compares it again with ordinary reads.
    Faulted,
}

/// A file system, in surecopy's words.
///
/// # Contract
/// - **Beneath.** Every name is resolved beneath an open directory handle, one plain name at a
///   time or with the kernel's own "beneath, no links" resolution. No operation follows a
///   symbolic link, except [`open_root`](Self::open_root), which takes the path as the user typed
///   it. A link in the way is [`LinkInPath`](crate::FsErrorKind::LinkInPath) (or `NotADirectory`).
/// - **Interrupted calls** are repeated by the implementation; callers never see `EINTR`.
/// - **Short reads and writes** are passed on: callers loop. A read of 0 bytes is the end of file.
/// - **Nothing is flushed** unless a flush is asked for. A flush that failed has failed for good:
///   a later success of the same call says nothing about data written before.
/// - **Unsupported** is [`Support::Unsupported`] and means that nothing was changed.
/// - Handles may be used from several threads at once.
///
/// `surecopy_testkit::conformance` holds every implementation to as much of this as can be shown
/// through the trait. That a flush reaches the device, or that an interrupted call is repeated, is
/// shown elsewhere.
pub trait FileSystem: Send + Sync + 'static {
    /// An open directory.
    type Dir: Send + Sync + 'static;
    /// An open file. Closing it releases its lock, if it has one.
    type File: Send + Sync + 'static;

    // ---- directories -------------------------------------------------------------------------

    /// Opens the directory at `path`, following links: the path is the user's own words. One that
    /// this user may search and not list is opened to be passed through: what stands in it can be
    /// reached by name, while [`list`](Self::list), [`check_writable`](Self::check_writable) and
    /// flushes refuse such a handle as `PermissionDenied`.
    fn open_root(&self, path: &Path) -> FsResult<Self::Dir>;

    /// Opens a directory beneath `root`. The empty path opens `root` again, as a handle of its
    /// own with its own error cursor for [`flush_volume`](Self::flush_volume), and with no more
    /// rights.
    fn open_dir(&self, root: &Self::Dir, path: &RelPath) -> FsResult<Self::Dir>;

    /// Opens the directory above; the root of the file tree is its own parent. The handle is for
    /// [`metadata`](Self::metadata) and for going further up: the right to list is not needed.
    fn open_parent(&self, dir: &Self::Dir) -> FsResult<Self::Dir>;

    /// Creates a directory with permissions `0o700`.
    fn create_dir(&self, dir: &Self::Dir, name: &OsStr) -> FsResult<()>;

    /// Removes an empty directory.
    fn remove_dir(&self, dir: &Self::Dir, name: &OsStr) -> FsResult<()>;

    /// Removes a name that is not a directory.
    fn remove_file(&self, dir: &Self::Dir, name: &OsStr) -> FsResult<()>;

    /// Hands the names in a directory to `each`, without `.` and `..`, in no particular order, and as
    /// far as `each` wants to go on. Every listing begins at the beginning. `each` may ask for anything
    /// but another listing through the same handle.
    fn list_each(
        &self,
        dir: &Self::Dir,
        each: &mut dyn FnMut(&OsStr) -> ControlFlow<()>,
    ) -> FsResult<()>;

    /// The names in a directory, all at once: see [`list_each`](Self::list_each).
    fn list(&self, dir: &Self::Dir) -> FsResult<Vec<OsString>> {
        let mut names = Vec::new();
        self.list_each(dir, &mut |name| {
            names.push(name.to_owned());
            ControlFlow::Continue(())
        })?;
        Ok(names)
    }

    /// The names of the directories in a directory, as far as that can be told: what is named may be
    /// something else, or be gone, when it is opened.
    fn list_directories(&self, dir: &Self::Dir) -> FsResult<Vec<OsString>> {
        let mut names = self.list(dir)?;
        names.retain(|name| {
            self.metadata_at(dir, name).map_or(true, |found| found.kind == FileKind::Directory)
        });
        Ok(names)
    }

    // ---- entries -----------------------------------------------------------------------------

    /// Metadata of an entry; of a symbolic link, the link's own.
    fn metadata_at(&self, dir: &Self::Dir, name: &OsStr) -> FsResult<Metadata>;

    /// Metadata of an open file or directory.
    fn metadata(&self, node: Node<'_, Self>) -> FsResult<Metadata>;

    /// Fails with `PermissionDenied` when this user may not read the file's content.
    fn check_readable(&self, dir: &Self::Dir, name: &OsStr) -> FsResult<()>;

    /// Fails when this user may not add and remove names in the directory. Success is no promise:
    /// where the OS cannot be asked, nothing is found against it. What can only be passed through is
    /// refused, since names in it could not be made durable.
    fn check_writable(&self, dir: &Self::Dir) -> FsResult<()>;

    /// The text of a symbolic link, byte for byte.
    fn read_link(&self, dir: &Self::Dir, name: &OsStr) -> FsResult<OsString>;

    /// Creates a symbolic link; fails with `AlreadyExists` when the name is taken.
    fn create_symlink(&self, dir: &Self::Dir, name: &OsStr, text: &OsStr) -> FsResult<()>;

    /// Gives a file a second name; fails with `AlreadyExists` when that is taken. A symbolic link
    /// is itself linked, never what it points to.
    fn hard_link(
        &self,
        from_dir: &Self::Dir,
        from: &OsStr,
        to_dir: &Self::Dir,
        to: &OsStr,
    ) -> FsResult<Support<()>>;

    // ---- files -------------------------------------------------------------------------------

    /// Opens a regular file for reading only, without changing its access time where the OS
    /// allows it. Never blocks on a pipe or device; those fail with `InvalidInput`.
    fn open_source(&self, dir: &Self::Dir, name: &OsStr) -> FsResult<Self::File>;

    /// Creates a file that did not exist, readable and writable by its owner only (`0o600`), and
    /// takes an advisory lock on it that lives as long as the handle.
    fn create_partial(&self, dir: &Self::Dir, name: &OsStr) -> FsResult<Self::File>;

    /// Whether some process, this one included, holds the lock that
    /// [`create_partial`](Self::create_partial) takes. Takes the right to read the file, and neither
    /// waits nor leaves a lock behind. What is no regular file is refused with `InvalidInput`.
    /// `Unsupported` where the volume has no locks, so that nothing is known.
    ///
    /// A program that is being started holds the locks of its parent for a moment: "locked" may be
    /// the answer for that much longer than the handle lives, "free" never while it lives.
    fn is_locked(&self, dir: &Self::Dir, name: &OsStr) -> FsResult<Support<bool>>;

    /// Opens a file a second time to read it past the page cache. Reads through such a handle must
    /// start at a multiple of [`DIRECT_ALIGNMENT`](Self::DIRECT_ALIGNMENT), into buffers so
    /// aligned and sized. `Unsupported` where the volume refuses unbuffered access.
    fn open_direct(&self, dir: &Self::Dir, name: &OsStr) -> FsResult<Support<Self::File>>;

    /// The alignment, in bytes, that satisfies unbuffered reads on every device met so far.
    const DIRECT_ALIGNMENT: usize = 4096;

    /// Reads at an offset. May be short; 0 is the end of the file.
    fn read_at(&self, file: &Self::File, buffer: &mut [u8], offset: u64) -> FsResult<usize>;

    /// Writes at an offset. May be short, but never 0 for a buffer that is not empty.
    fn write_at(&self, file: &Self::File, buffer: &[u8], offset: u64) -> FsResult<usize>;

    /// Makes `destination` share all blocks of `source`. All or nothing.
    fn clone_file(&self, source: &Self::File, destination: &Self::File) -> FsResult<Support<()>>;

    /// Copies up to `length` bytes inside the kernel, same offset on both sides. May be short; 0
    /// is the end of the source.
    fn copy_range(
        &self,
        source: &Self::File,
        destination: &Self::File,
        offset: u64,
        length: u64,
    ) -> FsResult<Support<u64>>;

    /// Reserves room for `length` bytes from the start. A file that is shorter grows to that length,
    /// what was never written reading as zeros; one that is longer keeps its own.
    fn preallocate(&self, file: &Self::File, length: u64) -> FsResult<Support<()>>;

    /// Sets the length; growing makes a hole.
    fn set_length(&self, file: &Self::File, length: u64) -> FsResult<()>;

    /// The first range of data at or after `offset`; `None` when only a hole follows. The answer
    /// is a hint: some file systems have called fresh data a hole.
    fn next_data(&self, file: &Self::File, offset: u64) -> FsResult<Support<Option<Range<u64>>>>;

    // ---- durability --------------------------------------------------------------------------

    /// Begins writing a range to the device, and waits until what was begun earlier for `settled`
    /// is there. Makes nothing durable; an error means that the data is lost, as with a failed
    /// flush.
    fn write_back(
        &self,
        file: &Self::File,
        begin: Range<u64>,
        settled: Range<u64>,
    ) -> FsResult<Support<()>>;

    /// Makes a file's content and metadata durable.
    fn flush_file(&self, file: &Self::File) -> FsResult<()>;

    /// Makes the names in a directory durable.
    fn flush_dir(&self, dir: &Self::Dir) -> FsResult<()>;

    /// Makes everything on the volume durable. Reports any write-back error on the volume since
    /// `dir` was opened or last asked; so `dir` must have been opened before the first write, and
    /// must not be shared between those who need to know. `Unsupported` where the volume does not
    /// flush everything or does not report errors this way (see [`GroupFlush`](crate::GroupFlush)),
    /// and where that is not known.
    fn flush_volume(&self, dir: &Self::Dir) -> FsResult<Support<()>>;

    /// Drops a flushed file's pages from memory, as far as the OS will.
    fn drop_cache(&self, file: &Self::File) -> FsResult<Support<()>>;

    /// How many of the first `length` bytes are in memory, in whole pages. `Unsupported` where the
    /// answer would not be true.
    fn resident_bytes(&self, file: &Self::File, length: u64) -> FsResult<Support<u64>>;

    /// Compares a window of two files through memory maps, and hands every stretch of `left` to
    /// `each` in order, as far as they are equal and `each` wants to go on. Survives files that
    /// are truncated meanwhile.
    fn compare_mapped(
        &self,
        left: &Self::File,
        right: &Self::File,
        window: Range<u64>,
        each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> FsResult<Support<MappedComparison>>;

    // ---- publishing --------------------------------------------------------------------------

    /// Renames `partial` to `target` within a directory, atomically, and fails with
    /// `AlreadyExists` when `target` exists.
    fn publish_new(&self, dir: &Self::Dir, partial: &OsStr, target: &OsStr) -> FsResult<()>;

    /// Exchanges two existing names within a directory, atomically.
    fn exchange(&self, dir: &Self::Dir, left: &OsStr, right: &OsStr) -> FsResult<Support<()>>;

    /// Renames over `target` within a directory, atomically: at every instant the name shows the
    /// old file or the new one.
    fn replace(&self, dir: &Self::Dir, from: &OsStr, target: &OsStr) -> FsResult<()>;

    // ---- metadata ----------------------------------------------------------------------------

    /// Sets permission bits, `0o7777`.
    fn set_permissions(&self, node: Node<'_, Self>, mode: u32) -> FsResult<()>;

    /// Sets owner and group; `None` keeps what is there. May clear set-id bits, so it comes before
    /// [`set_permissions`](Self::set_permissions).
    fn set_owner(&self, node: Node<'_, Self>, uid: Option<u32>, gid: Option<u32>) -> FsResult<()>;

    /// Sets timestamps as precisely as the volume stores them.
    fn set_times(&self, node: Node<'_, Self>, times: Times) -> FsResult<()>;

    /// All extended attributes that this user can read, sorted by name.
    fn xattrs(&self, node: Node<'_, Self>) -> FsResult<Support<Vec<Xattr>>>;

    /// Sets one extended attribute.
    fn set_xattr(&self, node: Node<'_, Self>, xattr: &Xattr) -> FsResult<Support<()>>;

    /// Removes one extended attribute. One that is not there is no error.
    fn remove_xattr(&self, node: Node<'_, Self>, name: &OsStr) -> FsResult<Support<()>>;

    /// Sets a symbolic link's own timestamps.
    fn set_link_times(&self, dir: &Self::Dir, name: &OsStr, times: Times) -> FsResult<Support<()>>;

    /// Sets a symbolic link's own owner and group.
    fn set_link_owner(
        &self,
        dir: &Self::Dir,
        name: &OsStr,
        uid: Option<u32>,
        gid: Option<u32>,
    ) -> FsResult<Support<()>>;

    // ---- volumes -----------------------------------------------------------------------------

    /// The volume a directory is on.
    fn volume(&self, dir: &Self::Dir) -> FsResult<Volume>;

    /// Whether files shorter than the file system's inline limit really are stored inline: asks
    /// the file where it can be asked, and answers `true` where it cannot.
    fn may_be_inline(&self, file: &Self::File) -> FsResult<bool>;
}
