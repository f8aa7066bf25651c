//! The contract, operation by operation, and where each is carried out.

use std::ffi::{OsStr, OsString};
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::handle::{NativeDir, NativeFile, node_fd};
use super::{
    beneath, bytes, directory, durability, entry, mapped, metadata, open, page_cache, publish,
    volume,
};
use crate::error::FsResult;
use crate::file_system::{FileSystem, MappedComparison, Node};
use crate::metadata::{Metadata, Times, Xattr};
use crate::path::RelPath;
use crate::support::Support;
use crate::volume::Volume;

/// The file systems of this machine.
#[derive(Debug, Clone, Default)]
pub struct NativeFs {
    /// Found out once, and shared by all clones: this kernel or sandbox has no `openat2`.
    is_openat2_refused: Arc<AtomicBool>,
}

impl NativeFs {
    /// The file systems of this machine.
    pub fn new() -> Self {
        Self::default()
    }
}

impl FileSystem for NativeFs {
    type Dir = NativeDir;
    type File = NativeFile;

    // ---- directories -------------------------------------------------------------------------

    fn open_root(&self, path: &Path) -> FsResult<Self::Dir> {
        beneath::open_root(path)
    }

    fn open_dir(&self, root: &Self::Dir, path: &RelPath) -> FsResult<Self::Dir> {
        beneath::open_dir(root, path, &self.is_openat2_refused)
    }

    fn open_parent(&self, dir: &Self::Dir) -> FsResult<Self::Dir> {
        beneath::open_parent(dir)
    }

    fn create_dir(&self, dir: &Self::Dir, name: &OsStr) -> FsResult<()> {
        directory::create_dir(dir, name)
    }

    fn remove_dir(&self, dir: &Self::Dir, name: &OsStr) -> FsResult<()> {
        directory::remove_dir(dir, name)
    }

    fn remove_file(&self, dir: &Self::Dir, name: &OsStr) -> FsResult<()> {
        directory::remove_file(dir, name)
    }

    fn list_each(
        &self,
        dir: &Self::Dir,
        each: &mut dyn FnMut(&OsStr) -> ControlFlow<()>,
    ) -> FsResult<()> {
        directory::list_each(dir, each)
    }

    fn list_directories(&self, dir: &NativeDir) -> FsResult<Vec<OsString>> {
        directory::list_directories(dir)
    }

    // ---- entries -----------------------------------------------------------------------------

    fn metadata_at(&self, dir: &Self::Dir, name: &OsStr) -> FsResult<Metadata> {
        entry::metadata_at(dir, name)
    }

    fn metadata(&self, node: Node<'_, Self>) -> FsResult<Metadata> {
        entry::metadata(node_fd(&node))
    }

    fn check_readable(&self, dir: &Self::Dir, name: &OsStr) -> FsResult<()> {
        entry::check_readable(dir, name)
    }

    fn check_writable(&self, dir: &Self::Dir) -> FsResult<()> {
        entry::check_writable(dir)
    }

    fn read_link(&self, dir: &Self::Dir, name: &OsStr) -> FsResult<OsString> {
        entry::read_link(dir, name)
    }

    fn create_symlink(&self, dir: &Self::Dir, name: &OsStr, text: &OsStr) -> FsResult<()> {
        entry::create_symlink(dir, name, text)
    }

    fn hard_link(
        &self,
        from_dir: &Self::Dir,
        from: &OsStr,
        to_dir: &Self::Dir,
        to: &OsStr,
    ) -> FsResult<Support<()>> {
        entry::hard_link(from_dir, from, to_dir, to)
    }

    // ---- files -------------------------------------------------------------------------------

    fn open_source(&self, dir: &Self::Dir, name: &OsStr) -> FsResult<Self::File> {
        open::open_source(dir, name)
    }

    fn create_partial(&self, dir: &Self::Dir, name: &OsStr) -> FsResult<Self::File> {
        open::create_partial(dir, name)
    }

    fn is_locked(&self, dir: &Self::Dir, name: &OsStr) -> FsResult<Support<bool>> {
        open::is_locked(dir, name)
    }

    fn open_direct(&self, dir: &Self::Dir, name: &OsStr) -> FsResult<Support<Self::File>> {
        open::open_direct(dir, name)
    }

    fn read_at(&self, file: &Self::File, buffer: &mut [u8], offset: u64) -> FsResult<usize> {
        bytes::read_at(file, buffer, offset)
    }

    fn write_at(&self, file: &Self::File, buffer: &[u8], offset: u64) -> FsResult<usize> {
        bytes::write_at(file, buffer, offset)
    }

    fn clone_file(&self, source: &Self::File, destination: &Self::File) -> FsResult<Support<()>> {
        bytes::clone_file(source, destination)
    }

    fn copy_range(
        &self,
        source: &Self::File,
        destination: &Self::File,
        offset: u64,
        length: u64,
    ) -> FsResult<Support<u64>> {
        bytes::copy_range(source, destination, offset, length)
    }

    fn preallocate(&self, file: &Self::File, length: u64) -> FsResult<Support<()>> {
        bytes::preallocate(file, length)
    }

    fn set_length(&self, file: &Self::File, length: u64) -> FsResult<()> {
        bytes::set_length(file, length)
    }

    fn next_data(&self, file: &Self::File, offset: u64) -> FsResult<Support<Option<Range<u64>>>> {
        bytes::next_data(file, offset)
    }

    // ---- durability --------------------------------------------------------------------------

    fn write_back(
        &self,
        file: &Self::File,
        begin: Range<u64>,
        settled: Range<u64>,
    ) -> FsResult<Support<()>> {
        durability::write_back(file, begin, settled)
    }

    fn flush_file(&self, file: &Self::File) -> FsResult<()> {
        durability::flush_file(file)
    }

    fn flush_dir(&self, dir: &Self::Dir) -> FsResult<()> {
        durability::flush_dir(dir)
    }

    fn flush_volume(&self, dir: &Self::Dir) -> FsResult<Support<()>> {
        durability::flush_volume(dir)
    }

    fn drop_cache(&self, file: &Self::File) -> FsResult<Support<()>> {
        page_cache::drop_cache(file)
    }

    fn resident_bytes(&self, file: &Self::File, length: u64) -> FsResult<Support<u64>> {
        page_cache::resident_bytes(file, length)
    }

    fn compare_mapped(
        &self,
        left: &Self::File,
        right: &Self::File,
        window: Range<u64>,
        each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> FsResult<Support<MappedComparison>> {
        mapped::compare_mapped(left, right, window, each)
    }

    // ---- publishing --------------------------------------------------------------------------

    fn publish_new(&self, dir: &Self::Dir, partial: &OsStr, target: &OsStr) -> FsResult<()> {
        publish::publish_new(dir, partial, target)
    }

    fn exchange(&self, dir: &Self::Dir, left: &OsStr, right: &OsStr) -> FsResult<Support<()>> {
        publish::exchange(dir, left, right)
    }

    fn replace(&self, dir: &Self::Dir, from: &OsStr, target: &OsStr) -> FsResult<()> {
        publish::replace(dir, from, target)
    }

    // ---- metadata ----------------------------------------------------------------------------

    fn set_permissions(&self, node: Node<'_, Self>, mode: u32) -> FsResult<()> {
        metadata::set_permissions(node_fd(&node), mode)
    }

    fn set_owner(&self, node: Node<'_, Self>, uid: Option<u32>, gid: Option<u32>) -> FsResult<()> {
        metadata::set_owner(node_fd(&node), uid, gid)
    }

    fn set_times(&self, node: Node<'_, Self>, times: Times) -> FsResult<()> {
        metadata::set_times(node_fd(&node), times)
    }

    fn xattrs(&self, node: Node<'_, Self>) -> FsResult<Support<Vec<Xattr>>> {
        metadata::xattrs(node_fd(&node))
    }

    fn set_xattr(&self, node: Node<'_, Self>, xattr: &Xattr) -> FsResult<Support<()>> {
        metadata::set_xattr(node_fd(&node), xattr)
    }

    fn remove_xattr(&self, node: Node<'_, Self>, name: &OsStr) -> FsResult<Support<()>> {
        metadata::remove_xattr(node_fd(&node), name)
    }

    fn set_link_times(&self, dir: &Self::Dir, name: &OsStr, times: Times) -> FsResult<Support<()>> {
        metadata::set_link_times(dir, name, times)
    }

    fn set_link_owner(
        &self,
        dir: &Self::Dir,
        name: &OsStr,
        uid: Option<u32>,
        gid: Option<u32>,
    ) -> FsResult<Support<()>> {
        metadata::set_link_owner(dir, name, uid, gid)
    }

    // ---- volumes -----------------------------------------------------------------------------

    fn volume(&self, dir: &Self::Dir) -> FsResult<Volume> {
        volume::volume(dir)
    }

    fn may_be_inline(&self, file: &Self::File) -> FsResult<bool> {
        volume::may_be_inline(file)
    }
}
