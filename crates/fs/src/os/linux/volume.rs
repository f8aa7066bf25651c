//! What is known of the volume behind a handle.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{StatFs, StatVfsMountFlags, fstat, fstatfs, ioctl_getflags};

use super::call::{must, uninterrupted};
use super::handle::{NativeDir, NativeFile};
use super::process::is_privileged;
use super::{entry, identity, mount_table};
use crate::error::{FsResult, Operation};
use crate::kinds::FilesystemKind;
use crate::volume::{Volume, VolumeKind, VolumeSpace};

/// `FS_CASEFOLD_FL`: names in this directory are compared without regard to case.
const CASE_FOLDING: u32 = 0x4000_0000;

/// `EXT4_INLINE_DATA_FL`: the content is in the inode.
const INLINE_DATA: u32 = 0x1000_0000;

/// File systems whose directories can fold case, each by itself.
const CAN_FOLD_CASE: &[&str] = &["ext4", "ext", "f2fs", "tmpfs", "bcachefs"];

/// Names for the magic numbers of `statfs`, for where no mount table is to be had. What is missing
/// here is unknown, and claims nothing.
const BY_MAGIC: &[(u32, &str)] = &[
    // ext2, ext3 and ext4 alike.
    (0xef53, "ext"),
    (0x5846_5342, "xfs"),
    (0x9123_683e, "btrfs"),
    (0xf2f5_2010, "f2fs"),
    (0xca45_1a4e, "bcachefs"),
    (0x2fc1_2fc1, "zfs"),
    (0x0102_1994, "tmpfs"),
    (0x8584_58f6, "ramfs"),
    (0x794c_7630, "overlay"),
    (0x4d44, "vfat"),
    (0x2011_bab0, "exfat"),
    (0x7366_746e, "ntfs3"),
    (0x6573_5546, "fuse"),
    (0x6969, "nfs"),
    (0xff53_4d42, "cifs"),
    (0xfe53_4d42, "smb3"),
    (0x0102_1997, "9p"),
    (0x00c3_6400, "ceph"),
];

pub(super) fn volume(dir: &NativeDir) -> FsResult<Volume> {
    let operation = Operation::Volume;
    let id = must(operation, || fstat(dir))?.st_dev;
    let stat = must(operation, || fstatfs(dir))?;
    let filesystem = filesystem_of(dir.as_fd(), &stat);
    Ok(Volume {
        id,
        identity: identity::identity(dir, filesystem, id),
        filesystem,
        kind: if filesystem.is_network { VolumeKind::Network } else { VolumeKind::Local },
        is_read_only: mount_flags(&stat).contains(StatVfsMountFlags::RDONLY),
        is_case_insensitive: filesystem.is_case_insensitive || folds_case(dir, filesystem),
        space: space(&stat, is_privileged()),
    })
}

/// The table's row for the file system behind a handle.
pub(super) fn filesystem(
    operation: Operation,
    fd: BorrowedFd<'_>,
) -> FsResult<&'static FilesystemKind> {
    let stat = must(operation, || fstatfs(fd))?;
    Ok(filesystem_of(fd, &stat))
}

fn filesystem_of(fd: BorrowedFd<'_>, stat: &StatFs) -> &'static FilesystemKind {
    let kind = match mount_table::filesystem_name(fd) {
        Some(name) => FilesystemKind::named(&name),
        None => FilesystemKind::named(name_of_magic(magic(stat))),
    };
    let lesser = kind.without_birth_times();
    if std::ptr::eq(kind, lesser) || keeps_birth_times(fd) { kind } else { lesser }
}

/// By the entry at hand: an inode that was made when the volume had no room for a birth time may be
/// the only one of its kind, and then the times of others are trusted less than they could be.
fn keeps_birth_times(fd: BorrowedFd<'_>) -> bool {
    entry::metadata(fd).is_ok_and(|metadata| metadata.created.is_some())
}

/// The number by which a file system is known. Its type differs between architectures, but 32 bits
/// hold every one.
pub(super) fn magic(stat: &StatFs) -> u32 {
    stat.f_type as u32
}

fn name_of_magic(magic: u32) -> &'static str {
    BY_MAGIC.iter().find(|(known, _)| *known == magic).map_or("unknown", |(_, name)| name)
}

fn mount_flags(stat: &StatFs) -> StatVfsMountFlags {
    StatVfsMountFlags::from_bits_retain(u64::try_from(stat.f_flags).unwrap_or(0))
}

fn folds_case(dir: &NativeDir, filesystem: &FilesystemKind) -> bool {
    CAN_FOLD_CASE.contains(&filesystem.name)
        && inode_flags(dir.as_fd()).is_some_and(|flags| flags & CASE_FOLDING != 0)
}

fn inode_flags(fd: BorrowedFd<'_>) -> Option<u32> {
    uninterrupted(|| ioctl_getflags(fd)).ok().map(|flags| flags.bits())
}

/// Part of a volume is set aside for the superuser; it is room for nobody else.
fn space(stat: &StatFs, is_privileged: bool) -> VolumeSpace {
    let blocks = if is_privileged { stat.f_bfree } else { stat.f_bavail };
    let fragment = u64::try_from(stat.f_frsize).unwrap_or(0);
    let block = u64::try_from(stat.f_bsize).unwrap_or(0);
    let block_bytes = if fragment > 0 { fragment } else { block };
    VolumeSpace {
        free_bytes: (stat.f_blocks > 0).then(|| blocks.saturating_mul(block_bytes)),
        free_files: (stat.f_files > 0).then_some(stat.f_ffree),
    }
}

/// ext4 says of each file where its content is. btrfs keeps inline no more than one of its sectors,
/// which is the block size it states. The others are not asked: they do not say.
pub(super) fn may_be_inline(file: &NativeFile) -> FsResult<bool> {
    let operation = Operation::Metadata;
    match filesystem(operation, file.as_fd())?.name {
        "ext4" | "ext" => {
            Ok(inode_flags(file.as_fd()).is_none_or(|flags| flags & INLINE_DATA != 0))
        }
        "btrfs" => {
            let stat = must(operation, || fstat(file))?;
            Ok(stat.st_size <= stat.st_blksize)
        }
        _ => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    fn stat_of(path: &str) -> StatFs {
        fstatfs(File::open(path).unwrap()).unwrap()
    }

    #[test]
    fn magic_numbers_and_the_mount_table_agree() {
        let dir = tempfile::tempdir().unwrap();
        let dir = File::open(dir.path()).unwrap();
        let stat = fstatfs(&dir).unwrap();
        let by_table = filesystem_of(dir.as_fd(), &stat).name;
        let by_magic = FilesystemKind::named(name_of_magic(magic(&stat))).name;
        if BY_MAGIC.iter().any(|(_, name)| *name == by_table) {
            assert_eq!(by_table, by_magic);
        }
        assert_eq!(name_of_magic(0xff53_4d42), "cifs");
        assert_eq!(name_of_magic(0xef53), "ext", "which of the three it is, it does not tell");
    }

    #[test]
    fn every_name_is_in_the_table_of_kinds() {
        for (_, name) in BY_MAGIC {
            assert_eq!(FilesystemKind::named(name).name, *name);
        }
    }

    #[test]
    fn a_volume_without_numbers_states_none() {
        let space = space(&stat_of("/proc"), false);
        assert_eq!(space, VolumeSpace { free_bytes: None, free_files: None });
    }

    #[test]
    fn reserved_room_is_for_the_superuser() {
        let mut stat = stat_of("/proc");
        stat.f_blocks = 100;
        stat.f_bfree = 50;
        stat.f_bavail = 40;
        stat.f_bsize = 4096;
        stat.f_frsize = 1024;
        assert_eq!(space(&stat, false).free_bytes, Some(40 * 1024));
        assert_eq!(space(&stat, true).free_bytes, Some(50 * 1024));
        stat.f_frsize = 0;
        assert_eq!(space(&stat, false).free_bytes, Some(40 * 4096));
    }
}
