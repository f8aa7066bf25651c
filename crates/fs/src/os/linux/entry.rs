//! Single entries: what they are, and links of both kinds.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt;

use rustix::fs::{
    Access, AtFlags, FileType, Mode, OFlags, Statx, StatxAttributes, StatxFlags, StatxTimestamp,
    accessat, linkat, makedev, openat, readlinkat, statx, symlinkat,
};
use rustix::io::Errno;

use super::call::{failed, may, must, plain, uninterrupted};
use super::handle::NativeDir;
use crate::error::{FsError, FsErrorKind, FsResult, Operation};
use crate::metadata::{FileId, FileKind, Metadata, Timestamp};
use crate::support::Support;

/// `st_blocks` counts in these, whatever the block size of the volume.
const STAT_BLOCK_BYTES: u64 = 512;

pub(super) fn metadata_at(dir: &NativeDir, name: &OsStr) -> FsResult<Metadata> {
    let name = plain(Operation::Metadata, name)?;
    read_statx(dir.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW)
}

pub(super) fn metadata(fd: BorrowedFd<'_>) -> FsResult<Metadata> {
    read_statx(fd, OsStr::new(""), AtFlags::EMPTY_PATH)
}

fn read_statx(fd: BorrowedFd<'_>, name: &OsStr, flags: AtFlags) -> FsResult<Metadata> {
    let flags = flags | AtFlags::STATX_SYNC_AS_STAT | AtFlags::NO_AUTOMOUNT;
    let mask = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
    let stat = must(Operation::Metadata, || statx(fd, name, flags, mask))?;
    from_statx(&stat)
}

fn from_statx(stat: &Statx) -> FsResult<Metadata> {
    let mode = u32::from(stat.stx_mode);
    let has_created = stat.stx_mask & StatxFlags::BTIME.bits() != 0;
    Ok(Metadata {
        kind: kind_of(mode)?,
        size: stat.stx_size,
        allocated_bytes: stat.stx_blocks.saturating_mul(STAT_BLOCK_BYTES),
        mode: mode & 0o7777,
        uid: stat.stx_uid,
        gid: stat.stx_gid,
        link_count: u64::from(stat.stx_nlink),
        id: FileId { volume: makedev(stat.stx_dev_major, stat.stx_dev_minor), file: stat.stx_ino },
        modified: timestamp(stat.stx_mtime),
        accessed: timestamp(stat.stx_atime),
        changed: timestamp(stat.stx_ctime),
        created: has_created.then(|| timestamp(stat.stx_btime)),
        is_immutable: stat
            .stx_attributes
            .intersects(StatxAttributes::IMMUTABLE | StatxAttributes::APPEND),
    })
}

fn kind_of(mode: u32) -> FsResult<FileKind> {
    Ok(match FileType::from_raw_mode(mode) {
        FileType::RegularFile => FileKind::File,
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::Symlink,
        FileType::Fifo => FileKind::Fifo,
        FileType::Socket => FileKind::Socket,
        FileType::CharacterDevice | FileType::BlockDevice => FileKind::Device,
        // No such type exists, so the inode is damaged.
        FileType::Unknown => return Err(FsError::of_kind(Operation::Metadata, FsErrorKind::Io)),
    })
}

fn timestamp(stored: StatxTimestamp) -> Timestamp {
    Timestamp { secs: stored.tv_sec, nanos: stored.tv_nsec }
}

/// Asks for the rights in force (the effective user's), not those of the user who started the
/// program.
pub(super) fn check_readable(dir: &NativeDir, name: &OsStr) -> FsResult<()> {
    let operation = Operation::CheckReadable;
    let name = plain(operation, name)?;
    let flags = AtFlags::EACCESS | AtFlags::SYMLINK_NOFOLLOW;
    // Kernels before 5.8 cannot be asked with these flags, and old sandboxes refuse the call with
    // EPERM, which a check of read access never gives by itself.
    match uninterrupted(|| accessat(dir, name, Access::READ_OK, flags)) {
        Err(Errno::NOSYS | Errno::INVAL | Errno::PERM) => {}
        answer => return answer.map_err(failed(operation)),
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    must(operation, || openat(dir, name, flags, Mode::empty())).map(drop)
}

/// The same question about a directory and what is to stand in it. Who cannot be asked finds nothing
/// against it; trying it will show. A directory that can only be passed through is refused whatever
/// its permissions: names in it could be made, and never flushed.
pub(super) fn check_writable(dir: &NativeDir) -> FsResult<()> {
    dir.must_be_more_than_passed(Operation::CheckWritable)?;
    let rights = Access::WRITE_OK | Access::EXEC_OK;
    match uninterrupted(|| accessat(dir, ".", rights, AtFlags::EACCESS)) {
        Err(Errno::NOSYS | Errno::INVAL | Errno::PERM) => Ok(()),
        answer => answer.map_err(failed(Operation::CheckWritable)),
    }
}

pub(super) fn read_link(dir: &NativeDir, name: &OsStr) -> FsResult<OsString> {
    let name = plain(Operation::ReadLink, name)?;
    let text = must(Operation::ReadLink, || readlinkat(dir, name, Vec::new()))?;
    Ok(OsString::from_vec(text.into_bytes()))
}

pub(super) fn create_symlink(dir: &NativeDir, name: &OsStr, text: &OsStr) -> FsResult<()> {
    let name = plain(Operation::CreateSymlink, name)?;
    must(Operation::CreateSymlink, || symlinkat(text, dir, name))
}

/// Without `AT_SYMLINK_FOLLOW` a symbolic link is linked itself.
pub(super) fn hard_link(
    from_dir: &NativeDir,
    from: &OsStr,
    to_dir: &NativeDir,
    to: &OsStr,
) -> FsResult<Support<()>> {
    let operation = Operation::HardLink;
    let (from, to) = (plain(operation, from)?, plain(operation, to)?);
    // EPERM is how Linux says "this file system has no hard links". It also says so for an
    // immutable file and, under `protected_hardlinks`, for other people's files: in every case a
    // link cannot be had, and a copy can.
    may(operation, &[Errno::PERM, Errno::OPNOTSUPP, Errno::NOSYS], || {
        linkat(from_dir, from, to_dir, to, AtFlags::empty())
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::super::beneath::open_root;
    use super::*;

    /// What the standard library reads is what is read here.
    #[test]
    fn metadata_is_that_of_the_entry_itself() {
        let temp = tempfile::tempdir().unwrap();
        let dir = open_root(temp.path()).unwrap();
        fs::write(temp.path().join("file"), "12345").unwrap();
        symlink("file", temp.path().join("link")).unwrap();
        for (name, kind) in [("file", FileKind::File), ("link", FileKind::Symlink)] {
            let found = metadata_at(&dir, OsStr::new(name)).unwrap();
            let expected = fs::symlink_metadata(temp.path().join(name)).unwrap();
            assert_eq!(found.kind, kind);
            assert_eq!(found.id, FileId { volume: expected.dev(), file: expected.ino() });
            assert_eq!(found.mode, expected.mode() & 0o7777);
            assert_eq!(found.size, expected.size());
            assert_eq!(found.allocated_bytes, expected.blocks() * 512);
            assert_eq!(found.modified.secs, expected.mtime());
            assert_eq!(i64::from(found.modified.nanos), expected.mtime_nsec());
            assert_eq!(found.changed.secs, expected.ctime());
            assert!(!found.is_immutable);
        }
    }

    #[test]
    fn a_symbolic_link_is_linked_itself() {
        let temp = tempfile::tempdir().unwrap();
        let dir = open_root(temp.path()).unwrap();
        create_symlink(&dir, OsStr::new("link"), OsStr::new("no where/..")).unwrap();
        let linked = hard_link(&dir, OsStr::new("link"), &dir, OsStr::new("second")).unwrap();
        if linked.is_done() {
            assert_eq!(read_link(&dir, OsStr::new("second")).unwrap(), "no where/..");
            assert_eq!(metadata_at(&dir, OsStr::new("link")).unwrap().link_count, 2);
        }
    }
}
