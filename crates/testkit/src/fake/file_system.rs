//! The contract, fulfilled by the fake: each method counts itself and calls what does the work.

use std::ffi::{OsStr, OsString};
use std::ops::{ControlFlow, Range};
use std::path::Path;

use surecopy_fs::{
    FileSystem, FsError, FsErrorKind, FsResult, MappedComparison, Metadata, Node, Operation,
    RelPath, Support, Times, Volume, Xattr,
};

use super::fake_fs::FakeFs;
use super::handles::{Access, FakeDir, FakeFile};
use super::inode::Ino;
use super::state::{Outcome, READ, SEARCH, State};
use crate::intercept::Inner;

fn shown(name: &OsStr) -> String {
    name.to_string_lossy().into_owned()
}

fn ino_of(node: &Node<'_, FakeFs>) -> Ino {
    match node {
        Node::File(file) => file.ino(),
        Node::Dir(dir) => dir.ino(),
    }
}

fn name_of(node: &Node<'_, FakeFs>) -> String {
    match node {
        Node::File(file) => file.name().to_owned(),
        Node::Dir(dir) => dir.name().to_owned(),
    }
}

impl FakeFs {
    /// Counts an operation, carries it out and names it in the error.
    fn carry_out<T>(
        &self,
        operation: Operation,
        name: &str,
        body: impl FnOnce(&mut State) -> Outcome<T>,
    ) -> FsResult<T> {
        let mut state = self.enter(operation, name);
        body(&mut state).map_err(|kind| FsError::of_kind(operation, kind))
    }
}

fn writable(file: &FakeFile) -> Outcome<Ino> {
    if file.access == Access::Write { Ok(file.ino()) } else { Err(FsErrorKind::Other) }
}

impl Inner for FakeFs {
    fn lose_unflushed(&self, file: &FakeFile) {
        self.lock().lose_unflushed(|ino, _| ino == file.ino());
    }

    fn lose_unflushed_volume(&self, dir: &FakeDir) {
        let mut state = self.lock();
        let volume = state.inode(dir.ino()).volume;
        state.lose_unflushed(|_, inode| inode.volume == volume);
    }
}

impl FileSystem for FakeFs {
    type Dir = FakeDir;
    type File = FakeFile;

    fn open_root(&self, path: &Path) -> FsResult<FakeDir> {
        let name = shown(path.as_os_str());
        self.carry_out(Operation::OpenRoot, &name, |state| {
            let ino = state.open_root(path)?;
            if state.check_access(ino, READ).is_ok() {
                return Ok(FakeDir::open(self, state, ino, &name));
            }
            state.check_access(ino, SEARCH)?;
            Ok(FakeDir::pass(self, state, ino, &name))
        })
    }

    fn open_dir(&self, root: &FakeDir, path: &RelPath) -> FsResult<FakeDir> {
        let name = shown(path.as_path().as_os_str());
        self.carry_out(Operation::OpenDir, &name, |state| {
            let ino = state.open_dir(root.ino(), path)?;
            if path.is_root() && root.is_passed {
                return Ok(FakeDir::pass(self, state, ino, &name));
            }
            state.check_access(ino, READ)?;
            Ok(FakeDir::open(self, state, ino, &name))
        })
    }

    fn open_parent(&self, dir: &FakeDir) -> FsResult<FakeDir> {
        self.carry_out(Operation::OpenDir, "..", |state| {
            state.check_access(dir.ino(), SEARCH)?;
            let ino = state.dir(dir.ino())?.parent;
            Ok(FakeDir::pass(self, state, ino, ".."))
        })
    }

    fn create_dir(&self, dir: &FakeDir, name: &OsStr) -> FsResult<()> {
        self.carry_out(Operation::CreateDir, &shown(name), |state| {
            state.create_dir(dir.ino(), name, 0o700).map(|_| ())
        })
    }

    fn remove_dir(&self, dir: &FakeDir, name: &OsStr) -> FsResult<()> {
        self.carry_out(Operation::RemoveDir, &shown(name), |state| {
            state.remove_dir(dir.ino(), name)
        })
    }

    fn remove_file(&self, dir: &FakeDir, name: &OsStr) -> FsResult<()> {
        self.carry_out(Operation::RemoveFile, &shown(name), |state| {
            state.remove_file(dir.ino(), name)
        })
    }

    fn list_each(
        &self,
        dir: &FakeDir,
        each: &mut dyn FnMut(&OsStr) -> ControlFlow<()>,
    ) -> FsResult<()> {
        let names = self.carry_out(Operation::List, dir.name(), |state| {
            dir.must_be_more_than_passed()?;
            state.list(dir.ino())
        })?;
        // Not while the state is held: `each` may ask for other things.
        let _is_stopped = names.iter().try_for_each(|name| each(name));
        Ok(())
    }

    fn metadata_at(&self, dir: &FakeDir, name: &OsStr) -> FsResult<Metadata> {
        self.carry_out(Operation::Metadata, &shown(name), |state| {
            let ino = state.look_up(dir.ino(), name)?;
            Ok(state.inode(ino).metadata(ino))
        })
    }

    fn metadata(&self, node: Node<'_, Self>) -> FsResult<Metadata> {
        let ino = ino_of(&node);
        self.carry_out(Operation::Metadata, &name_of(&node), |state| {
            Ok(state.inode(ino).metadata(ino))
        })
    }

    fn check_readable(&self, dir: &FakeDir, name: &OsStr) -> FsResult<()> {
        self.carry_out(Operation::CheckReadable, &shown(name), |state| {
            let ino = state.look_up(dir.ino(), name)?;
            state.check_access(ino, READ)
        })
    }

    fn check_writable(&self, dir: &FakeDir) -> FsResult<()> {
        self.carry_out(Operation::CheckWritable, "", |state| {
            dir.must_be_more_than_passed()?;
            state.check_dir_writable(dir.ino())
        })
    }

    fn read_link(&self, dir: &FakeDir, name: &OsStr) -> FsResult<OsString> {
        self.carry_out(Operation::ReadLink, &shown(name), |state| state.read_link(dir.ino(), name))
    }

    fn create_symlink(&self, dir: &FakeDir, name: &OsStr, text: &OsStr) -> FsResult<()> {
        self.carry_out(Operation::CreateSymlink, &shown(name), |state| {
            state.create_symlink(dir.ino(), name, text).map(|_| ())
        })
    }

    fn hard_link(
        &self,
        from_dir: &FakeDir,
        from: &OsStr,
        to_dir: &FakeDir,
        to: &OsStr,
    ) -> FsResult<Support<()>> {
        self.carry_out(Operation::HardLink, &shown(to), |state| {
            state.hard_link((from_dir.ino(), from), (to_dir.ino(), to))
        })
    }

    fn open_source(&self, dir: &FakeDir, name: &OsStr) -> FsResult<FakeFile> {
        let shown = shown(name);
        self.carry_out(Operation::OpenSource, &shown, |state| {
            let ino = state.look_up(dir.ino(), name)?;
            state.file(ino)?;
            state.check_access(ino, READ)?;
            Ok(FakeFile::open(self, state, ino, &shown, Access::Read))
        })
    }

    fn create_partial(&self, dir: &FakeDir, name: &OsStr) -> FsResult<FakeFile> {
        let shown = shown(name);
        self.carry_out(Operation::CreatePartial, &shown, |state| {
            let ino = state.create_file(dir.ino(), name, 0o600)?;
            Ok(FakeFile::open(self, state, ino, &shown, Access::Write))
        })
    }

    fn is_locked(&self, dir: &FakeDir, name: &OsStr) -> FsResult<Support<bool>> {
        self.carry_out(Operation::CheckLock, &shown(name), |state| {
            let ino = state.look_up(dir.ino(), name)?;
            state.file(ino).map_err(|kind| match kind {
                FsErrorKind::IsADirectory => FsErrorKind::InvalidInput,
                kind => kind,
            })?;
            state.check_access(ino, READ)?;
            Ok(match state.volume_of(ino).settings.can_lock {
                true => Support::Done(state.inode(ino).is_locked),
                false => Support::Unsupported,
            })
        })
    }

    fn open_direct(&self, dir: &FakeDir, name: &OsStr) -> FsResult<Support<FakeFile>> {
        let shown = shown(name);
        self.carry_out(Operation::OpenReadBack, &shown, |state| {
            let ino = state.look_up(dir.ino(), name)?;
            state.file(ino)?;
            state.check_access(ino, READ)?;
            if !state.volume_of(ino).settings.can_read_direct {
                return Ok(Support::Unsupported);
            }
            let file = FakeFile::open(self, state, ino, &shown, Access::ReadDirect);
            Ok(Support::Done(file))
        })
    }

    fn read_at(&self, file: &FakeFile, buffer: &mut [u8], offset: u64) -> FsResult<usize> {
        self.carry_out(Operation::Read, file.name(), |state| match file.access {
            Access::ReadDirect => state.read_direct(file.ino(), buffer, offset),
            Access::Read | Access::Write => state.read(file.ino(), buffer, offset),
        })
    }

    fn write_at(&self, file: &FakeFile, buffer: &[u8], offset: u64) -> FsResult<usize> {
        self.carry_out(Operation::Write, file.name(), |state| {
            state.write(writable(file)?, buffer, offset)
        })
    }

    fn clone_file(&self, source: &FakeFile, destination: &FakeFile) -> FsResult<Support<()>> {
        self.carry_out(Operation::Clone, destination.name(), |state| {
            state.clone_file(source.ino(), writable(destination)?)
        })
    }

    fn copy_range(
        &self,
        source: &FakeFile,
        destination: &FakeFile,
        offset: u64,
        length: u64,
    ) -> FsResult<Support<u64>> {
        self.carry_out(Operation::CopyRange, destination.name(), |state| {
            let range = offset..offset.saturating_add(length);
            state.copy_range(source.ino(), writable(destination)?, range)
        })
    }

    fn preallocate(&self, file: &FakeFile, length: u64) -> FsResult<Support<()>> {
        self.carry_out(Operation::Preallocate, file.name(), |state| {
            state.preallocate(writable(file)?, length)
        })
    }

    fn set_length(&self, file: &FakeFile, length: u64) -> FsResult<()> {
        self.carry_out(Operation::SetLength, file.name(), |state| {
            state.set_length(writable(file)?, length)
        })
    }

    fn next_data(&self, file: &FakeFile, offset: u64) -> FsResult<Support<Option<Range<u64>>>> {
        self.carry_out(Operation::SeekData, file.name(), |state| {
            state.next_data(file.ino(), offset)
        })
    }

    fn write_back(
        &self,
        file: &FakeFile,
        _begin: Range<u64>,
        _settled: Range<u64>,
    ) -> FsResult<Support<()>> {
        self.carry_out(Operation::WriteBack, file.name(), |_| Ok(Support::Done(())))
    }

    fn flush_file(&self, file: &FakeFile) -> FsResult<()> {
        self.carry_out(Operation::FlushFile, file.name(), |state| {
            state.volume_of(file.ino()).check_device()?;
            state.flush_inode(file.ino());
            Ok(())
        })
    }

    fn flush_dir(&self, dir: &FakeDir) -> FsResult<()> {
        self.carry_out(Operation::FlushDir, dir.name(), |state| {
            dir.must_be_more_than_passed()?;
            state.volume_of(dir.ino()).check_device()?;
            state.flush_names(dir.ino());
            Ok(())
        })
    }

    fn flush_volume(&self, dir: &FakeDir) -> FsResult<Support<()>> {
        self.carry_out(Operation::FlushVolume, dir.name(), |state| {
            dir.must_be_more_than_passed()?;
            state.volume_of(dir.ino()).check_device()?;
            if !state.volume_of(dir.ino()).settings.can_flush_group {
                return Ok(Support::Unsupported);
            }
            let volume = state.inode(dir.ino()).volume;
            state.flush_whole_volume(volume);
            Ok(Support::Done(()))
        })
    }

    fn drop_cache(&self, file: &FakeFile) -> FsResult<Support<()>> {
        self.carry_out(Operation::DropCache, file.name(), |state| {
            let settings = &state.volume_of(file.ino()).settings;
            let (can_drop_cache, is_memory) = (settings.can_drop_cache, settings.is_memory);
            if !can_drop_cache {
                return Ok(Support::Unsupported);
            }
            if !is_memory {
                state.file_mut(file.ino())?.drop_clean_pages();
            }
            Ok(Support::Done(()))
        })
    }

    fn resident_bytes(&self, file: &FakeFile, length: u64) -> FsResult<Support<u64>> {
        self.carry_out(Operation::CountResident, file.name(), |state| {
            state.resident_bytes(file.ino(), length)
        })
    }

    fn compare_mapped(
        &self,
        left: &FakeFile,
        right: &FakeFile,
        window: Range<u64>,
        each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> FsResult<Support<MappedComparison>> {
        // `each` runs without the lock: it belongs to the caller.
        let compared = self.carry_out(Operation::CompareMapped, left.name(), |state| {
            state.compare(left.ino(), right.ino(), window)
        })?;
        Ok(match compared {
            Support::Unsupported => Support::Unsupported,
            Support::Done((comparison, stretches)) => {
                for stretch in &stretches {
                    if each(stretch).is_break() {
                        return Ok(Support::Done(MappedComparison::Stopped));
                    }
                }
                Support::Done(comparison)
            }
        })
    }

    fn publish_new(&self, dir: &FakeDir, partial: &OsStr, target: &OsStr) -> FsResult<()> {
        self.carry_out(Operation::PublishNew, &shown(target), |state| {
            state.publish_new(dir.ino(), partial, target)
        })
    }

    fn exchange(&self, dir: &FakeDir, left: &OsStr, right: &OsStr) -> FsResult<Support<()>> {
        self.carry_out(Operation::Exchange, &shown(right), |state| {
            state.exchange(dir.ino(), left, right)
        })
    }

    fn replace(&self, dir: &FakeDir, from: &OsStr, target: &OsStr) -> FsResult<()> {
        self.carry_out(Operation::Replace, &shown(target), |state| {
            state.replace(dir.ino(), from, target)
        })
    }

    fn set_permissions(&self, node: Node<'_, Self>, mode: u32) -> FsResult<()> {
        self.carry_out(Operation::SetPermissions, &name_of(&node), |state| {
            state.set_permissions(ino_of(&node), mode)
        })
    }

    fn set_owner(&self, node: Node<'_, Self>, uid: Option<u32>, gid: Option<u32>) -> FsResult<()> {
        self.carry_out(Operation::SetOwner, &name_of(&node), |state| {
            state.set_owner(ino_of(&node), uid, gid)
        })
    }

    fn set_times(&self, node: Node<'_, Self>, times: Times) -> FsResult<()> {
        self.carry_out(Operation::SetTimes, &name_of(&node), |state| {
            state.set_times(ino_of(&node), times)
        })
    }

    fn xattrs(&self, node: Node<'_, Self>) -> FsResult<Support<Vec<Xattr>>> {
        self.carry_out(Operation::ListXattrs, &name_of(&node), |state| {
            Ok(state.xattrs(ino_of(&node)))
        })
    }

    fn set_xattr(&self, node: Node<'_, Self>, xattr: &Xattr) -> FsResult<Support<()>> {
        self.carry_out(Operation::SetXattr, &name_of(&node), |state| {
            state.set_xattr(ino_of(&node), xattr)
        })
    }

    fn remove_xattr(&self, node: Node<'_, Self>, name: &OsStr) -> FsResult<Support<()>> {
        self.carry_out(Operation::SetXattr, &name_of(&node), |state| {
            state.remove_xattr(ino_of(&node), name)
        })
    }

    fn set_link_times(&self, dir: &FakeDir, name: &OsStr, times: Times) -> FsResult<Support<()>> {
        self.carry_out(Operation::SetTimes, &shown(name), |state| {
            let ino = state.link_named(dir.ino(), name)?;
            state.set_times(ino, times).map(Support::Done)
        })
    }

    fn set_link_owner(
        &self,
        dir: &FakeDir,
        name: &OsStr,
        uid: Option<u32>,
        gid: Option<u32>,
    ) -> FsResult<Support<()>> {
        self.carry_out(Operation::SetOwner, &shown(name), |state| {
            let ino = state.link_named(dir.ino(), name)?;
            state.set_owner(ino, uid, gid).map(Support::Done)
        })
    }

    fn volume(&self, dir: &FakeDir) -> FsResult<Volume> {
        self.carry_out(Operation::Volume, dir.name(), |state| {
            let volume = state.inode(dir.ino()).volume;
            Ok(state.volumes[volume].describe(volume as u64 + 1))
        })
    }

    fn may_be_inline(&self, file: &FakeFile) -> FsResult<bool> {
        self.carry_out(Operation::Metadata, file.name(), |state| {
            let limit = state.volume_of(file.ino()).settings.filesystem.inline_data_limit_bytes;
            Ok(state.inode(file.ino()).size() < limit && state.inline_is_on)
        })
    }
}
