//! Operations on names: directories, links and publishing.
//!
//! Each either changes what its contract says or fails having changed nothing.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use surecopy_fs::{FileKind, FsErrorKind, RelPath, Support};

use super::inode::{Body, DirBody, FileBody, Ino};
use super::state::{Outcome, SEARCH, State};

impl State {
    /// Opens a directory as the user typed it.
    pub(crate) fn open_root(&mut self, path: &Path) -> Outcome<Ino> {
        let ino = self.resolve(path, true)?;
        self.dir(ino)?;
        Ok(ino)
    }

    /// Opens a directory beneath another, following no link.
    pub(crate) fn open_dir(&self, root: Ino, path: &RelPath) -> Outcome<Ino> {
        let mut at = root;
        // Even opening the same directory again looks up a name in it.
        self.check_access(root, SEARCH)?;
        for name in path.names() {
            at = self.look_up(at, name)?;
            self.dir(at)?;
        }
        Ok(at)
    }

    /// Fails unless `name` can be added to a directory.
    fn check_free(&self, dir: Ino, name: &OsStr) -> Outcome<()> {
        if self.find(dir, name)?.is_some() {
            return Err(FsErrorKind::AlreadyExists);
        }
        self.check_dir_writable(dir)?;
        self.volume_of(dir).check_new_name(name.as_encoded_bytes())
    }

    fn create(&mut self, dir: Ino, name: &OsStr, body: Body, mode: u32) -> Outcome<Ino> {
        self.check_free(dir, name)?;
        self.volume_of(dir).check_new_entry()?;
        let volume = self.inode(dir).volume;
        let ino = self.new_inode(volume, body, mode);
        self.add_name(dir, name, ino);
        Ok(ino)
    }

    pub(crate) fn create_dir(&mut self, dir: Ino, name: &OsStr, mode: u32) -> Outcome<Ino> {
        let body = Body::Dir(DirBody { parent: dir, entries: BTreeMap::new() });
        self.create(dir, name, body, mode)
    }

    pub(crate) fn create_file(&mut self, dir: Ino, name: &OsStr, mode: u32) -> Outcome<Ino> {
        self.create(dir, name, Body::File(FileBody::default()), mode)
    }

    pub(crate) fn create_special(
        &mut self,
        dir: Ino,
        name: &OsStr,
        kind: FileKind,
    ) -> Outcome<Ino> {
        self.create(dir, name, Body::Special(kind), 0o644)
    }

    pub(crate) fn create_symlink(&mut self, dir: Ino, name: &OsStr, text: &OsStr) -> Outcome<Ino> {
        if !self.volume_of(dir).settings.filesystem.has_symlinks {
            return Err(FsErrorKind::NotPermitted);
        }
        if text.is_empty() {
            return Err(FsErrorKind::NotFound);
        }
        self.create(dir, name, Body::Symlink(text.to_owned()), 0o777)
    }

    pub(crate) fn read_link(&self, dir: Ino, name: &OsStr) -> Outcome<OsString> {
        match &self.inode(self.look_up(dir, name)?).body {
            Body::Symlink(text) => Ok(text.clone()),
            Body::File(_) | Body::Dir(_) | Body::Special(_) => Err(FsErrorKind::InvalidInput),
        }
    }

    pub(crate) fn remove_dir(&mut self, dir: Ino, name: &OsStr) -> Outcome<()> {
        let (stored, ino) = self.find(dir, name)?.ok_or(FsErrorKind::NotFound)?;
        match &self.inode(ino).body {
            Body::Dir(body) if body.entries.is_empty() => {}
            Body::Dir(_) => return Err(FsErrorKind::DirectoryNotEmpty),
            Body::File(_) | Body::Symlink(_) | Body::Special(_) => {
                return Err(FsErrorKind::NotADirectory);
            }
        }
        self.remove(dir, stored, ino)
    }

    pub(crate) fn remove_file(&mut self, dir: Ino, name: &OsStr) -> Outcome<()> {
        let (stored, ino) = self.find(dir, name)?.ok_or(FsErrorKind::NotFound)?;
        if self.inode(ino).kind() == FileKind::Directory {
            return Err(FsErrorKind::IsADirectory);
        }
        self.remove(dir, stored, ino)
    }

    fn remove(&mut self, dir: Ino, stored: OsString, ino: Ino) -> Outcome<()> {
        self.check_dir_writable(dir)?;
        if self.inode(ino).is_immutable {
            return Err(FsErrorKind::NotPermitted);
        }
        self.set_names(dir, vec![(stored, None)]);
        self.name_lost(ino);
        Ok(())
    }

    pub(crate) fn list(&self, dir: Ino) -> Outcome<Vec<OsString>> {
        // Last first: callers must not lean on an order.
        Ok(self.dir(dir)?.entries.keys().rev().cloned().collect())
    }

    pub(crate) fn hard_link(
        &mut self,
        from: (Ino, &OsStr),
        to: (Ino, &OsStr),
    ) -> Outcome<Support<()>> {
        let ino = self.look_up(from.0, from.1)?;
        self.check_free(to.0, to.1)?;
        if self.inode(ino).kind() == FileKind::Directory {
            return Err(FsErrorKind::NotPermitted);
        }
        if self.inode(ino).volume != self.inode(to.0).volume {
            return Err(FsErrorKind::CrossesVolumes);
        }
        if !self.volume_of(to.0).settings.can_hard_link {
            return Ok(Support::Unsupported);
        }
        self.add_name(to.0, to.1, ino);
        let now = self.tick();
        self.inode_mut(ino).changed = now;
        Ok(Support::Done(()))
    }

    pub(crate) fn publish_new(&mut self, dir: Ino, from: &OsStr, target: &OsStr) -> Outcome<()> {
        let (stored, ino) = self.find(dir, from)?.ok_or(FsErrorKind::NotFound)?;
        self.check_free(dir, target)?;
        self.check_movable(dir, ino)?;
        self.set_names(dir, vec![(stored, None), (target.to_owned(), Some(ino))]);
        self.renamed(ino);
        Ok(())
    }

    pub(crate) fn exchange(
        &mut self,
        dir: Ino,
        left: &OsStr,
        right: &OsStr,
    ) -> Outcome<Support<()>> {
        let (left, left_ino) = self.find(dir, left)?.ok_or(FsErrorKind::NotFound)?;
        let (right, right_ino) = self.find(dir, right)?.ok_or(FsErrorKind::NotFound)?;
        if !self.volume_of(dir).settings.can_exchange {
            return Ok(Support::Unsupported);
        }
        self.check_movable(dir, left_ino)?;
        self.check_movable(dir, right_ino)?;
        if left_ino != right_ino {
            self.set_names(dir, vec![(left, Some(right_ino)), (right, Some(left_ino))]);
            self.renamed(left_ino);
            self.renamed(right_ino);
        }
        Ok(Support::Done(()))
    }

    pub(crate) fn replace(&mut self, dir: Ino, from: &OsStr, target: &OsStr) -> Outcome<()> {
        let (stored, ino) = self.find(dir, from)?.ok_or(FsErrorKind::NotFound)?;
        let Some((target, old)) = self.find(dir, target)? else {
            return self.publish_new(dir, from, target);
        };
        self.check_movable(dir, ino)?;
        self.check_movable(dir, old)?;
        if ino == old {
            return Ok(());
        }
        let is_dir = |ino| self.inode(ino).kind() == FileKind::Directory;
        match (is_dir(ino), is_dir(old)) {
            (false, true) => return Err(FsErrorKind::IsADirectory),
            (true, false) => return Err(FsErrorKind::NotADirectory),
            (true, true) if !self.dir(old)?.entries.is_empty() => {
                return Err(FsErrorKind::DirectoryNotEmpty);
            }
            (true, true) | (false, false) => {}
        }
        self.set_names(dir, vec![(stored, None), (target, Some(ino))]);
        self.renamed(ino);
        self.name_lost(old);
        Ok(())
    }

    fn check_movable(&self, dir: Ino, ino: Ino) -> Outcome<()> {
        self.check_dir_writable(dir)?;
        if self.inode(ino).is_immutable { Err(FsErrorKind::NotPermitted) } else { Ok(()) }
    }

    fn renamed(&mut self, ino: Ino) {
        let now = self.tick();
        self.inode_mut(ino).changed = now;
    }
}
