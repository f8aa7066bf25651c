//! Operations on metadata: who may change what, and how coarse the volume stores it.

use std::ffi::OsStr;

use surecopy_fs::{FileKind, FsErrorKind, Support, Times, Xattr};

use super::inode::Ino;
use super::state::{Outcome, State};

impl State {
    pub(crate) fn set_permissions(&mut self, ino: Ino, mode: u32) -> Outcome<()> {
        self.check_owner(ino)?;
        if !self.volume_of(ino).settings.filesystem.has_owners {
            return Ok(());
        }
        let now = self.tick();
        let inode = self.inode_mut(ino);
        inode.mode = mode & 0o7777;
        inode.changed = now;
        Ok(())
    }

    pub(crate) fn set_owner(
        &mut self,
        ino: Ino,
        uid: Option<u32>,
        gid: Option<u32>,
    ) -> Outcome<()> {
        self.check_owner(ino)?;
        let inode = self.inode(ino);
        let is_change =
            uid.is_some_and(|uid| uid != inode.uid) || gid.is_some_and(|gid| gid != inode.gid);
        let has_owners = self.volume_of(ino).settings.filesystem.has_owners;
        if is_change && (!self.is_privileged || !has_owners) {
            return Err(FsErrorKind::NotPermitted);
        }
        let now = self.tick();
        let inode = self.inode_mut(ino);
        inode.uid = uid.unwrap_or(inode.uid);
        inode.gid = gid.unwrap_or(inode.gid);
        if inode.kind() == FileKind::File {
            inode.mode &= !0o6000;
        }
        inode.changed = now;
        Ok(())
    }

    pub(crate) fn set_times(&mut self, ino: Ino, times: Times) -> Outcome<()> {
        self.check_owner(ino)?;
        let volume = self.inode(ino).volume;
        let modified = self.stored_time(volume, times.modified);
        let accessed = times.accessed.map(|time| self.stored_time(volume, time));
        let now = self.tick();
        let inode = self.inode_mut(ino);
        inode.modified = modified;
        inode.accessed = accessed.unwrap_or(inode.accessed);
        inode.changed = now;
        Ok(())
    }

    pub(crate) fn xattrs(&self, ino: Ino) -> Support<Vec<Xattr>> {
        if !self.volume_of(ino).settings.can_store_xattrs {
            return Support::Unsupported;
        }
        let xattrs = self.inode(ino).xattrs.iter();
        Support::Done(
            xattrs
                .map(|(name, value)| Xattr { name: name.clone(), value: value.clone() })
                .collect(),
        )
    }

    pub(crate) fn set_xattr(&mut self, ino: Ino, xattr: &Xattr) -> Outcome<Support<()>> {
        if !self.volume_of(ino).settings.can_store_xattrs {
            return Ok(Support::Unsupported);
        }
        self.check_owner(ino)?;
        let now = self.tick();
        let inode = self.inode_mut(ino);
        inode.xattrs.insert(xattr.name.clone(), xattr.value.clone());
        inode.changed = now;
        Ok(Support::Done(()))
    }

    pub(crate) fn remove_xattr(&mut self, ino: Ino, name: &OsStr) -> Outcome<Support<()>> {
        if !self.volume_of(ino).settings.can_store_xattrs {
            return Ok(Support::Unsupported);
        }
        self.check_owner(ino)?;
        let now = self.tick();
        let inode = self.inode_mut(ino);
        if inode.xattrs.remove(name).is_some() {
            inode.changed = now;
        }
        Ok(Support::Done(()))
    }

    /// The link of this name; other things are refused.
    pub(crate) fn link_named(&self, dir: Ino, name: &OsStr) -> Outcome<Ino> {
        let ino = self.look_up(dir, name)?;
        if self.inode(ino).kind() == FileKind::Symlink {
            Ok(ino)
        } else {
            Err(FsErrorKind::InvalidInput)
        }
    }
}
