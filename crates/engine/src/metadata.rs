//! Giving a target its source's properties, on open handles and before anybody can see it.
//!
//! The order matters: the owner first, because changing it clears set-id bits; permissions next;
//! then attributes and access control lists; times last, because everything else changes them.
//! What cannot be kept is a typed warning, never silence.

use surecopy_fs::{
    FileKind, FileSystem, FsError, FsErrorKind, FsResult, Metadata, Node, Support, Times, Volume,
    Xattr,
};

use crate::policy::Preserve;
use crate::policy::is_same_time;
use crate::report::{LossCause, MetadataLoss, MetadataWarning};

const SET_USER_BIT: u32 = 0o4000;
const SET_GROUP_BIT: u32 = 0o2000;
const SET_ID_BITS: u32 = SET_USER_BIT | SET_GROUP_BIT;
const ACCESS_ACL: &str = "system.posix_acl_access";
const DEFAULT_ACL: &str = "system.posix_acl_default";
const CAPABILITY: &str = "security.capability";

/// What is applied, and from where.
pub(crate) struct Applying<'a, F: FileSystem> {
    pub(crate) fs: &'a F,
    pub(crate) source: Node<'a, F>,
    pub(crate) metadata: &'a Metadata,
    pub(crate) target: Node<'a, F>,
    pub(crate) volume: &'a Volume,
    pub(crate) preserve: Preserve,
    pub(crate) is_privileged: bool,
    /// Bits that nobody gets unless permissions are kept.
    pub(crate) creation_mask: u32,
    /// The permissions of what stood there before, which it keeps unless the source's are kept.
    pub(crate) former_mode: Option<u32>,
    /// Read the result back and compare.
    pub(crate) check: bool,
}

/// Applies everything that is to be kept.
pub(crate) fn apply<F: FileSystem>(applying: &Applying<'_, F>) -> Vec<MetadataWarning> {
    let mut warnings = Vec::new();
    applying.owner(&mut warnings);
    // Setting a user's attribute takes the right to write, which a read-only file's permissions end;
    // access lists are permissions themselves, and are overwritten by them.
    let known = applying.wanted_xattrs(&mut warnings);
    let wanted = known.as_deref().unwrap_or_default();
    applying.xattrs(wanted.iter().filter(|xattr| !is_acl(xattr)), &mut warnings);
    let mode = applying.permissions(&mut warnings);
    applying.xattrs(wanted.iter().filter(|xattr| is_acl(xattr)), &mut warnings);
    if applying.preserve.acls && known.is_some() {
        applying.remove_inherited_acls(wanted, &mut warnings);
    }
    applying.times(&mut warnings);
    if applying.check {
        let has_acl_mask = wanted.iter().any(|xattr| xattr.name == ACCESS_ACL);
        applying.compare(mode, has_acl_mask, &mut warnings);
    }
    warnings
}

impl<F: FileSystem> Applying<'_, F> {
    fn owner(&self, warnings: &mut Vec<MetadataWarning>) {
        let (preserve, is_privileged) = (self.preserve, self.is_privileged);
        let keeping = OwnerKeeping { preserve, is_privileged, volume: self.volume };
        let found = || self.fs.metadata(self.target);
        let Some((uid, gid)) = keeping.wanted(self.metadata, found, warnings) else { return };
        if let Err(error) = self.fs.set_owner(self.target, uid, gid) {
            warnings.push(self.failed(MetadataLoss::Owner, &error));
        }
    }

    /// A step that failed, and whether that was to be expected.
    fn failed(&self, loss: MetadataLoss, error: &FsError) -> MetadataWarning {
        failed(loss, error, self.is_privileged, self.volume)
    }

    /// Sets the permissions, and returns them; `None` when they could not be set.
    fn permissions(&self, warnings: &mut Vec<MetadataWarning>) -> Option<u32> {
        let done = self.fs.metadata(self.target).and_then(|found| {
            let mode = self.allowed_mode(self.wanted_mode(), &found, warnings);
            self.fs.set_permissions(self.target, mode)?;
            Ok(mode)
        });
        done.inspect_err(|error| warnings.push(self.failed(MetadataLoss::Permissions, error))).ok()
    }

    /// The source's bits; when those are not kept, what was there before, or for something new what
    /// the user's mask leaves of the source's.
    fn wanted_mode(&self) -> u32 {
        match self.former_mode {
            _ if self.preserve.permissions => self.metadata.mode,
            Some(former) => former,
            None => self.metadata.mode & 0o777 & !self.creation_mask | 0o600,
        }
    }

    /// Set-id bits are a right to act as the file's owner or group. They are given only when asked
    /// for, and only to a file that has got its source's owner and group: otherwise whoever wrote
    /// the content would act as somebody else. Directories keep those they have.
    fn allowed_mode(
        &self,
        wanted: u32,
        found: &Metadata,
        warnings: &mut Vec<MetadataWarning>,
    ) -> u32 {
        let plain = wanted & !SET_ID_BITS;
        if !self.preserve.set_id || !self.preserve.permissions {
            let is_directory = self.metadata.kind == FileKind::Directory;
            return if is_directory { plain | found.mode & SET_ID_BITS } else { plain };
        }
        let mut allowed = wanted;
        if found.uid != self.metadata.uid {
            allowed &= !SET_USER_BIT;
        }
        if found.gid != self.metadata.gid {
            allowed &= !SET_GROUP_BIT;
        }
        if allowed != wanted {
            let message = "set-id bits are dropped, because the owner or group is another one";
            warnings.push(warning(MetadataLoss::Permissions, message.to_owned()));
        }
        allowed
    }

    /// What the source has that is to be kept; `None` when that is not asked for, or not known.
    fn wanted_xattrs(&self, warnings: &mut Vec<MetadataWarning>) -> Option<Vec<Xattr>> {
        if !self.preserve.xattrs && !self.preserve.acls {
            return None;
        }
        match self.fs.xattrs(self.source) {
            Ok(Support::Done(mut xattrs)) => {
                xattrs.retain(|xattr| self.keeps(xattr));
                Some(xattrs)
            }
            Ok(Support::Unsupported) => None,
            Err(error) => {
                warnings.push(self.failed(MetadataLoss::Xattrs, &error));
                None
            }
        }
    }

    fn xattrs<'x>(
        &self,
        wanted: impl Iterator<Item = &'x Xattr>,
        warnings: &mut Vec<MetadataWarning>,
    ) {
        for xattr in wanted {
            let answer = self.fs.set_xattr(self.target, xattr);
            let name = xattr.name.to_string_lossy();
            let mut lost = match answer {
                Ok(Support::Done(())) => continue,
                Ok(Support::Unsupported) => {
                    let room = format!("{} has no room for it", self.volume.filesystem.name);
                    warning(loss_of(xattr), room)
                }
                Err(error) => self.failed(loss_of(xattr), &error),
            };
            lost.message = format!("{name}: {}", lost.message);
            warnings.push(lost);
        }
    }

    /// A directory's default list is inherited by what is created in it; a source without a list
    /// has none at the destination either.
    fn remove_inherited_acls(&self, wanted: &[Xattr], warnings: &mut Vec<MetadataWarning>) {
        let found = match self.fs.xattrs(self.target) {
            Ok(Support::Done(found)) => found,
            Ok(Support::Unsupported) => return,
            // Whoever an inherited list lets in may have stayed.
            Err(error) => return warnings.push(self.failed(MetadataLoss::Acls, &error)),
        };
        let inherited = found.iter().filter(|found| {
            is_acl(found) && !wanted.iter().any(|wanted| wanted.name == found.name)
        });
        for acl in inherited {
            let name = acl.name.to_string_lossy();
            let mut lost = match self.fs.remove_xattr(self.target, &acl.name) {
                Ok(Support::Done(())) => continue,
                Ok(Support::Unsupported) => {
                    let stays = format!("{} does not take it away", self.volume.filesystem.name);
                    warning(MetadataLoss::Acls, stays)
                }
                Err(error) => self.failed(MetadataLoss::Acls, &error),
            };
            lost.message = format!("inherited {name}: {}", lost.message);
            warnings.push(lost);
        }
    }

    fn keeps(&self, xattr: &Xattr) -> bool {
        let name = xattr.name.to_string_lossy();
        match name.split_once('.').map_or("", |(namespace, _)| namespace) {
            _ if is_acl(xattr) => self.preserve.acls,
            _ if name == CAPABILITY => {
                self.preserve.set_id && self.preserve.owner && self.is_privileged
            }
            "user" => self.preserve.xattrs,
            "trusted" | "security" => self.preserve.xattrs && self.is_privileged,
            // The kernel's own views of a file, which are not the file's to carry.
            _ => false,
        }
    }

    fn times(&self, warnings: &mut Vec<MetadataWarning>) {
        if !self.preserve.timestamps {
            return;
        }
        let times = Times {
            accessed: Some(self.metadata.accessed),
            modified: self.metadata.modified,
            created: self.metadata.created,
        };
        if let Err(error) = self.fs.set_times(self.target, times) {
            warnings.push(self.failed(MetadataLoss::Timestamps, &error));
        }
    }

    /// Reads back what was set. Losses that were announced already are not announced again. Where an
    /// access list is kept, its mask is what the group's bits show.
    fn compare(&self, mode: Option<u32>, has_acl_mask: bool, warnings: &mut Vec<MetadataWarning>) {
        let found = match self.fs.metadata(self.target) {
            Ok(found) => found,
            Err(error) => return warnings.push(self.failed(MetadataLoss::Permissions, &error)),
        };
        // Where it is stored and shown as it was set, another answer is a fault.
        let is_fault = is_shown_as_set(self.volume);
        let mut note = |loss, message: String| {
            if warnings.iter().all(|known| known.loss != loss) {
                let is_fault = is_fault && loss != MetadataLoss::TimestampPrecision;
                let cause = if is_fault { LossCause::Failed } else { LossCause::NotPossible };
                warnings.push(MetadataWarning { loss, message, cause });
            }
        };
        if let Some(wanted) = mode
            && found.mode != wanted
            && !(has_acl_mask && found.mode & !0o070 == wanted & !0o070)
        {
            note(
                MetadataLoss::Permissions,
                format!("the mode is {:o} instead of {wanted:o}", found.mode),
            );
        }
        if self.preserve.timestamps && found.modified != self.metadata.modified {
            let step = self.volume.filesystem.time_step_nanos;
            let loss = if is_same_time(found.modified, self.metadata.modified, step.max(2)) {
                MetadataLoss::TimestampPrecision
            } else {
                MetadataLoss::Timestamps
            };
            note(loss, "the modification time is not what was set".to_owned());
        }
        let owner_differs = self.is_privileged
            && (self.preserve.owner && found.uid != self.metadata.uid
                || self.preserve.group && found.gid != self.metadata.gid);
        if owner_differs {
            note(MetadataLoss::Owner, format!("the owner is {}:{}", found.uid, found.gid));
        }
    }
}

/// Whether a target gets its source's owner and group, be it a file, a directory or a link.
pub(crate) struct OwnerKeeping<'a> {
    pub(crate) preserve: Preserve,
    pub(crate) is_privileged: bool,
    pub(crate) volume: &'a Volume,
}

impl OwnerKeeping<'_> {
    /// The owner and group to give to a target; `None` for neither. `found` looks at the target.
    pub(crate) fn wanted(
        &self,
        source: &Metadata,
        found: impl FnOnce() -> FsResult<Metadata>,
        warnings: &mut Vec<MetadataWarning>,
    ) -> Option<(Option<u32>, Option<u32>)> {
        // Without privilege, a group can be given if the user is in it; an owner never.
        let uid = (self.preserve.owner && self.is_privileged).then_some(source.uid);
        let gid = self.preserve.group.then_some(source.gid);
        if self.preserve.owner && !self.is_privileged {
            match found() {
                Ok(found) if found.uid == source.uid => {}
                Ok(_) => warnings.push(warning(
                    MetadataLoss::Owner,
                    format!("only root can give a file to user {}", source.uid),
                )),
                Err(error) => {
                    let lost = failed(MetadataLoss::Owner, &error, self.is_privileged, self.volume);
                    warnings.push(lost);
                }
            }
        }
        (uid.is_some() || gid.is_some()).then_some((uid, gid))
    }
}

fn is_acl(xattr: &Xattr) -> bool {
    xattr.name == ACCESS_ACL || xattr.name == DEFAULT_ACL
}

fn loss_of(xattr: &Xattr) -> MetadataLoss {
    if is_acl(xattr) { MetadataLoss::Acls } else { MetadataLoss::Xattrs }
}

/// What nobody could have kept there.
fn warning(loss: MetadataLoss, message: String) -> MetadataWarning {
    MetadataWarning { loss, message, cause: LossCause::NotPossible }
}

/// What was lost because a step failed. That a user has no right to a step, or a volume does not know it, is no
/// fault; root has every right, where owners are kept.
pub(crate) fn failed(
    loss: MetadataLoss,
    error: &FsError,
    is_privileged: bool,
    volume: &Volume,
) -> MetadataWarning {
    let cause = match error.kind {
        FsErrorKind::NotSupported => LossCause::NotPossible,
        FsErrorKind::PermissionDenied | FsErrorKind::NotPermitted
            if !is_privileged || !is_shown_as_set(volume) =>
        {
            LossCause::NotPossible
        }
        _ => LossCause::Failed,
    };
    MetadataWarning { loss, message: error.to_string(), cause }
}

/// Whether the volume has owners and permissions of its own, and nobody else has a say in them.
fn is_shown_as_set(volume: &Volume) -> bool {
    volume.filesystem.has_owners && !volume.filesystem.is_network
}

#[cfg(test)]
mod tests {
    use surecopy_fs::{FileSystem, Operation};
    use surecopy_testkit::{FakeFs, VolumeSettings};

    use super::*;

    #[test]
    fn only_what_could_have_been_done_has_failed() {
        use FsErrorKind as Kind;
        for (filesystem, is_privileged, kind, expected) in [
            ("ext4", true, Kind::Io, LossCause::Failed),
            ("ext4", false, Kind::NoSpace, LossCause::Failed),
            ("vfat", true, Kind::Io, LossCause::Failed),
            ("ext4", true, Kind::NotPermitted, LossCause::Failed),
            ("ext4", false, Kind::NotPermitted, LossCause::NotPossible),
            ("ext4", false, Kind::PermissionDenied, LossCause::NotPossible),
            ("ext4", true, Kind::NotSupported, LossCause::NotPossible),
            ("vfat", true, Kind::NotPermitted, LossCause::NotPossible),
            ("nfs4", true, Kind::NotPermitted, LossCause::NotPossible),
        ] {
            let fs = FakeFs::new();
            fs.mount("/dst", VolumeSettings::of(filesystem));
            let dir = fs.open_root(std::path::Path::new("/dst")).expect("it is there");
            let volume = fs.volume(&dir).expect("it is one");
            let error = FsError::of_kind(Operation::SetOwner, kind);
            let lost = failed(MetadataLoss::Owner, &error, is_privileged, &volume);
            assert_eq!(lost.cause, expected, "{filesystem} {is_privileged} {kind:?}");
        }
    }
}
