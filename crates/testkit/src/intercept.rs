//! A file system that asks a gate before every call to another one.
//!
//! The gate decides whether the call goes through; what the call does is the inner file system's
//! business. Faults and power cuts are gates.

use std::ffi::{OsStr, OsString};
use std::ops::{ControlFlow, Range};
use std::path::Path;

use surecopy_fs::{
    FileSystem, FsError, FsResult, MappedComparison, Metadata, NativeFs, Node, Operation, RelPath,
    Support, Times, Volume, Xattr,
};

/// What becomes of a call.
#[derive(Debug)]
pub enum Verdict {
    /// It is carried out.
    Pass,
    /// It fails without having done anything.
    Fail(FsError),
    /// It answers [`Support::Unsupported`]; only for calls that can.
    Decline,
}

/// A file system that can stand behind a gate.
pub trait Inner: FileSystem {
    /// What a flush of this file was to write will never be written, whatever is asked later: the
    /// flush was made to fail. A real file system is left as it is.
    fn lose_unflushed(&self, _file: &Self::File) {}

    /// The same for everything on the volume of a directory.
    fn lose_unflushed_volume(&self, _dir: &Self::Dir) {}
}

impl Inner for NativeFs {}

impl<F: Inner, G: Gate> Inner for Intercepted<F, G> {
    fn lose_unflushed(&self, file: &F::File) {
        self.inner.lose_unflushed(file);
    }

    fn lose_unflushed_volume(&self, dir: &F::Dir) {
        self.inner.lose_unflushed_volume(dir);
    }
}

/// Decides about calls.
pub trait Gate: Send + Sync + 'static {
    /// A flush that fails is one that the device refused, so that its data is lost. Otherwise
    /// nothing has happened at all.
    const FAILED_FLUSH_LOSES: bool;

    /// Decides about the next call. `can_decline` says whether [`Verdict::Decline`] is possible;
    /// where it is not, that verdict lets the call pass.
    fn decide(&self, operation: Operation, can_decline: bool) -> Verdict;
}

/// A file system behind a gate.
#[derive(Debug)]
pub struct Intercepted<F, G> {
    pub(crate) inner: F,
    pub(crate) gate: G,
}

impl<F: Inner, G: Gate> Intercepted<F, G> {
    fn pass(&self, operation: Operation) -> FsResult<()> {
        match self.gate.decide(operation, false) {
            Verdict::Pass | Verdict::Decline => Ok(()),
            Verdict::Fail(error) => Err(error),
        }
    }

    fn pass_or_decline<T>(
        &self,
        operation: Operation,
        call: impl FnOnce(&F) -> FsResult<Support<T>>,
    ) -> FsResult<Support<T>> {
        match self.gate.decide(operation, true) {
            Verdict::Pass => call(&self.inner),
            Verdict::Fail(error) => Err(error),
            Verdict::Decline => Ok(Support::Unsupported),
        }
    }

    /// Lets what a flush was to write be lost when it was made to fail.
    fn flushed<T>(&self, passed: FsResult<T>, lose: impl FnOnce(&F)) -> FsResult<T> {
        if passed.is_err() && G::FAILED_FLUSH_LOSES {
            lose(&self.inner);
        }
        passed
    }
}

fn inner_node<'a, F: Inner, G: Gate>(node: Node<'a, Intercepted<F, G>>) -> Node<'a, F> {
    match node {
        Node::File(file) => Node::File(file),
        Node::Dir(dir) => Node::Dir(dir),
    }
}

impl<F: Inner, G: Gate> FileSystem for Intercepted<F, G> {
    type Dir = F::Dir;
    type File = F::File;

    const DIRECT_ALIGNMENT: usize = F::DIRECT_ALIGNMENT;

    fn open_root(&self, path: &Path) -> FsResult<F::Dir> {
        self.pass(Operation::OpenRoot)?;
        self.inner.open_root(path)
    }

    fn open_dir(&self, root: &F::Dir, path: &RelPath) -> FsResult<F::Dir> {
        self.pass(Operation::OpenDir)?;
        self.inner.open_dir(root, path)
    }

    fn open_parent(&self, dir: &F::Dir) -> FsResult<F::Dir> {
        self.pass(Operation::OpenDir)?;
        self.inner.open_parent(dir)
    }

    fn create_dir(&self, dir: &F::Dir, name: &OsStr) -> FsResult<()> {
        self.pass(Operation::CreateDir)?;
        self.inner.create_dir(dir, name)
    }

    fn remove_dir(&self, dir: &F::Dir, name: &OsStr) -> FsResult<()> {
        self.pass(Operation::RemoveDir)?;
        self.inner.remove_dir(dir, name)
    }

    fn remove_file(&self, dir: &F::Dir, name: &OsStr) -> FsResult<()> {
        self.pass(Operation::RemoveFile)?;
        self.inner.remove_file(dir, name)
    }

    fn list_each(
        &self,
        dir: &F::Dir,
        each: &mut dyn FnMut(&OsStr) -> ControlFlow<()>,
    ) -> FsResult<()> {
        self.pass(Operation::List)?;
        self.inner.list_each(dir, each)
    }

    fn metadata_at(&self, dir: &F::Dir, name: &OsStr) -> FsResult<Metadata> {
        self.pass(Operation::Metadata)?;
        self.inner.metadata_at(dir, name)
    }

    fn metadata(&self, node: Node<'_, Self>) -> FsResult<Metadata> {
        self.pass(Operation::Metadata)?;
        self.inner.metadata(inner_node(node))
    }

    fn check_readable(&self, dir: &F::Dir, name: &OsStr) -> FsResult<()> {
        self.pass(Operation::CheckReadable)?;
        self.inner.check_readable(dir, name)
    }

    fn check_writable(&self, dir: &F::Dir) -> FsResult<()> {
        self.pass(Operation::CheckWritable)?;
        self.inner.check_writable(dir)
    }

    fn read_link(&self, dir: &F::Dir, name: &OsStr) -> FsResult<OsString> {
        self.pass(Operation::ReadLink)?;
        self.inner.read_link(dir, name)
    }

    fn create_symlink(&self, dir: &F::Dir, name: &OsStr, text: &OsStr) -> FsResult<()> {
        self.pass(Operation::CreateSymlink)?;
        self.inner.create_symlink(dir, name, text)
    }

    fn hard_link(
        &self,
        from_dir: &F::Dir,
        from: &OsStr,
        to_dir: &F::Dir,
        to: &OsStr,
    ) -> FsResult<Support<()>> {
        self.pass_or_decline(Operation::HardLink, |fs| fs.hard_link(from_dir, from, to_dir, to))
    }

    fn open_source(&self, dir: &F::Dir, name: &OsStr) -> FsResult<F::File> {
        self.pass(Operation::OpenSource)?;
        self.inner.open_source(dir, name)
    }

    fn create_partial(&self, dir: &F::Dir, name: &OsStr) -> FsResult<F::File> {
        self.pass(Operation::CreatePartial)?;
        self.inner.create_partial(dir, name)
    }

    fn is_locked(&self, dir: &F::Dir, name: &OsStr) -> FsResult<Support<bool>> {
        self.pass_or_decline(Operation::CheckLock, |fs| fs.is_locked(dir, name))
    }

    fn open_direct(&self, dir: &F::Dir, name: &OsStr) -> FsResult<Support<F::File>> {
        self.pass_or_decline(Operation::OpenReadBack, |fs| fs.open_direct(dir, name))
    }

    fn read_at(&self, file: &F::File, buffer: &mut [u8], offset: u64) -> FsResult<usize> {
        self.pass(Operation::Read)?;
        self.inner.read_at(file, buffer, offset)
    }

    fn write_at(&self, file: &F::File, buffer: &[u8], offset: u64) -> FsResult<usize> {
        self.pass(Operation::Write)?;
        self.inner.write_at(file, buffer, offset)
    }

    fn clone_file(&self, source: &F::File, destination: &F::File) -> FsResult<Support<()>> {
        self.pass_or_decline(Operation::Clone, |fs| fs.clone_file(source, destination))
    }

    fn copy_range(
        &self,
        source: &F::File,
        destination: &F::File,
        offset: u64,
        length: u64,
    ) -> FsResult<Support<u64>> {
        self.pass_or_decline(Operation::CopyRange, |fs| {
            fs.copy_range(source, destination, offset, length)
        })
    }

    fn preallocate(&self, file: &F::File, length: u64) -> FsResult<Support<()>> {
        self.pass_or_decline(Operation::Preallocate, |fs| fs.preallocate(file, length))
    }

    fn set_length(&self, file: &F::File, length: u64) -> FsResult<()> {
        self.pass(Operation::SetLength)?;
        self.inner.set_length(file, length)
    }

    fn next_data(&self, file: &F::File, offset: u64) -> FsResult<Support<Option<Range<u64>>>> {
        self.pass_or_decline(Operation::SeekData, |fs| fs.next_data(file, offset))
    }

    fn write_back(
        &self,
        file: &F::File,
        begin: Range<u64>,
        settled: Range<u64>,
    ) -> FsResult<Support<()>> {
        let done =
            self.pass_or_decline(Operation::WriteBack, |fs| fs.write_back(file, begin, settled));
        self.flushed(done, |fs| fs.lose_unflushed(file))
    }

    fn flush_file(&self, file: &F::File) -> FsResult<()> {
        self.flushed(self.pass(Operation::FlushFile), |fs| fs.lose_unflushed(file))?;
        self.inner.flush_file(file)
    }

    fn flush_dir(&self, dir: &F::Dir) -> FsResult<()> {
        self.pass(Operation::FlushDir)?;
        self.inner.flush_dir(dir)
    }

    fn flush_volume(&self, dir: &F::Dir) -> FsResult<Support<()>> {
        let done = self.pass_or_decline(Operation::FlushVolume, |fs| fs.flush_volume(dir));
        self.flushed(done, |fs| fs.lose_unflushed_volume(dir))
    }

    fn drop_cache(&self, file: &F::File) -> FsResult<Support<()>> {
        self.pass_or_decline(Operation::DropCache, |fs| fs.drop_cache(file))
    }

    fn resident_bytes(&self, file: &F::File, length: u64) -> FsResult<Support<u64>> {
        self.pass_or_decline(Operation::CountResident, |fs| fs.resident_bytes(file, length))
    }

    fn compare_mapped(
        &self,
        left: &F::File,
        right: &F::File,
        window: Range<u64>,
        each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> FsResult<Support<MappedComparison>> {
        self.pass_or_decline(Operation::CompareMapped, |fs| {
            fs.compare_mapped(left, right, window, each)
        })
    }

    fn publish_new(&self, dir: &F::Dir, partial: &OsStr, target: &OsStr) -> FsResult<()> {
        self.pass(Operation::PublishNew)?;
        self.inner.publish_new(dir, partial, target)
    }

    fn exchange(&self, dir: &F::Dir, left: &OsStr, right: &OsStr) -> FsResult<Support<()>> {
        self.pass_or_decline(Operation::Exchange, |fs| fs.exchange(dir, left, right))
    }

    fn replace(&self, dir: &F::Dir, from: &OsStr, target: &OsStr) -> FsResult<()> {
        self.pass(Operation::Replace)?;
        self.inner.replace(dir, from, target)
    }

    fn set_permissions(&self, node: Node<'_, Self>, mode: u32) -> FsResult<()> {
        self.pass(Operation::SetPermissions)?;
        self.inner.set_permissions(inner_node(node), mode)
    }

    fn set_owner(&self, node: Node<'_, Self>, uid: Option<u32>, gid: Option<u32>) -> FsResult<()> {
        self.pass(Operation::SetOwner)?;
        self.inner.set_owner(inner_node(node), uid, gid)
    }

    fn set_times(&self, node: Node<'_, Self>, times: Times) -> FsResult<()> {
        self.pass(Operation::SetTimes)?;
        self.inner.set_times(inner_node(node), times)
    }

    fn xattrs(&self, node: Node<'_, Self>) -> FsResult<Support<Vec<Xattr>>> {
        self.pass_or_decline(Operation::ListXattrs, |fs| fs.xattrs(inner_node(node)))
    }

    fn set_xattr(&self, node: Node<'_, Self>, xattr: &Xattr) -> FsResult<Support<()>> {
        self.pass_or_decline(Operation::SetXattr, |fs| fs.set_xattr(inner_node(node), xattr))
    }

    fn remove_xattr(&self, node: Node<'_, Self>, name: &OsStr) -> FsResult<Support<()>> {
        self.pass_or_decline(Operation::SetXattr, |fs| fs.remove_xattr(inner_node(node), name))
    }

    fn set_link_times(&self, dir: &F::Dir, name: &OsStr, times: Times) -> FsResult<Support<()>> {
        self.pass_or_decline(Operation::SetTimes, |fs| fs.set_link_times(dir, name, times))
    }

    fn set_link_owner(
        &self,
        dir: &F::Dir,
        name: &OsStr,
        uid: Option<u32>,
        gid: Option<u32>,
    ) -> FsResult<Support<()>> {
        self.pass_or_decline(Operation::SetOwner, |fs| fs.set_link_owner(dir, name, uid, gid))
    }

    fn volume(&self, dir: &F::Dir) -> FsResult<Volume> {
        self.pass(Operation::Volume)?;
        self.inner.volume(dir)
    }

    fn may_be_inline(&self, file: &F::File) -> FsResult<bool> {
        self.pass(Operation::Metadata)?;
        self.inner.may_be_inline(file)
    }
}
