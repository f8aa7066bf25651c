//! What can be known about one item before it is copied.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use surecopy_fs::{FileKind, Metadata, Volume};

use super::names::name_refusal;
use crate::error::{ErrorCode, ItemError};
use crate::spec::CopySpec;

/// Everything that speaks against copying one file or link. Paths are for what is told, so they are made
/// when there is something to tell.
pub(crate) fn check_item(
    spec: &CopySpec,
    source: &Metadata,
    source_path: &dyn Fn() -> PathBuf,
    target: Option<&Metadata>,
    target_path: &dyn Fn() -> PathBuf,
    name: &OsStr,
    volume: &Volume,
) -> Option<ItemError> {
    let at_source = |code, message: String| ItemError::new(code, source_path(), message);
    let at_target = |code, message: String| ItemError::new(code, target_path(), message);

    if let Some(error) = check_name(name, target_path, volume) {
        return Some(error);
    }
    if source.kind == FileKind::Symlink && !volume.filesystem.has_symlinks {
        let message = format!("{} cannot hold symbolic links", volume.filesystem.name);
        return Some(at_target(ErrorCode::LinksNotSupported, message));
    }
    if source.kind == FileKind::File {
        if let Some(limit) = spec.limits.maximum_copy_file_size_bytes
            && source.size > limit
        {
            let message = format!(
                "the file has {} bytes, more than maximum_copy_file_size_bytes ({limit})",
                source.size
            );
            return Some(at_source(ErrorCode::FileTooLarge, message));
        }
        if let Some(limit) = volume.filesystem.max_file_size_bytes
            && source.size > limit
        {
            let message = format!(
                "the file has {} bytes; {} holds files of up to {limit}",
                source.size, volume.filesystem.name
            );
            return Some(at_target(ErrorCode::FileTooLargeForVolume, message));
        }
    }
    let in_the_way = match target?.kind {
        FileKind::File | FileKind::Symlink => return None,
        FileKind::Directory => "a directory",
        FileKind::Fifo => "a named pipe",
        FileKind::Socket => "a socket",
        FileKind::Device => "a device",
    };
    Some(at_target(ErrorCode::TargetKindDiffers, format!("{in_the_way} has the target's name")))
}

/// What speaks against a target's name, of whatever kind it is.
pub(crate) fn check_name(
    name: &OsStr,
    target_path: &dyn Fn() -> PathBuf,
    volume: &Volume,
) -> Option<ItemError> {
    let reason = name_refusal(name, volume.filesystem.name_rules)?;
    Some(ItemError::new(ErrorCode::NameNotAllowed, target_path(), reason))
}

/// What speaks against replacing a target. One that stays as it is may be as protected as it likes:
/// read-only files that have been copied are skipped by the next run, not refused.
pub(crate) fn check_replacement(
    spec: &CopySpec,
    target: &Metadata,
    target_path: &Path,
) -> Option<ItemError> {
    let is_write_protected = target.kind == FileKind::File && target.mode & 0o222 == 0;
    let message = if target.is_immutable {
        "the target is immutable or append-only"
    } else if is_write_protected && !spec.replace_read_only {
        "the target is read-only"
    } else {
        return None;
    };
    Some(ItemError::new(ErrorCode::TargetReadOnly, target_path.to_owned(), message))
}

/// What speaks against replacing a target in a sticky directory that belongs to `sticky_owner`: there,
/// like in `/tmp`, others may add names but not take them away.
pub(crate) fn check_sticky(
    spec: &CopySpec,
    target: &Metadata,
    target_path: &Path,
    sticky_owner: Option<u32>,
) -> Option<ItemError> {
    let (user, owner) = (spec.user?, sticky_owner?);
    let may_replace = spec.is_privileged || user == owner || user == target.uid;
    (!may_replace).then(|| {
        let message = "the target belongs to another user, and its directory (sticky) lets nobody \
                       else replace it";
        ItemError::new(ErrorCode::TargetReadOnly, target_path.to_owned(), message)
    })
}
