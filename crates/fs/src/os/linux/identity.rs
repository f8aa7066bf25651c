//! Which volume it is, whenever it is mounted.
//!
//! The device number does not tell: the next disk at the same port, the next image on the same
//! loop device and the next mount of a btrfs get the number of the last one.
//!
//! What was seen on Linux 6.18, with two images of each kind mounted in turn at one place, so that
//! `st_dev` was the same throughout (for tmpfs, two mounts, which are two volumes):
//!
//! | file system | `FS_IOC_GETFSUUID` | `f_fsid` |
//! |---|---|---|
//! | ext4 | the same at each mount, another for the other image | likewise |
//! | xfs | likewise | the device number: the same for both images |
//! | btrfs | not offered | made of the UUID and the subvolume: stable, and another for each |
//! | tmpfs | another at each mount | another at each mount |
//!
//! On btrfs the subvolume is what counts, since each numbers its files by itself.
#![expect(unsafe_code, reason = "the ioctl has no safe wrapper")]

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, Dir, Mode, OFlags, fstatvfs, open, openat, statat};
use rustix::io::Errno;
use rustix::ioctl::{Getter, Opcode, ioctl, opcode};

use super::call::uninterrupted;
use super::handle::NativeDir;
use crate::kinds::FilesystemKind;
use crate::volume::VolumeIdentity;

/// `struct fsuuid2`: how many of the bytes say something, and the bytes.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct FsUuid {
    length: u8,
    bytes: [u8; 16],
}

/// `FS_IOC_GETFSUUID`, since Linux 6.9.
const GET_UUID: Opcode = opcode::read::<FsUuid>(0x15, 0);

/// File systems whose `f_fsid` is made of their UUID. That of others is the device number, or
/// nothing.
const FSID_FROM_UUID: &[&str] = &["ext4", "ext3", "ext2", "ext", "btrfs", "tmpfs"];

/// Where the names of block devices by the UUID of what is on them are kept.
const BY_UUID: &str = "/dev/disk/by-uuid";

/// Which volume a directory is on; `device` is its device number.
pub(super) fn identity(
    dir: &NativeDir,
    filesystem: &FilesystemKind,
    device: u64,
) -> Option<VolumeIdentity> {
    // Should a kernel come to offer the UUID of a btrfs: it would be that of all its subvolumes.
    if filesystem.name == "btrfs" {
        return fsid(dir.as_fd())?.parse().ok();
    }
    let found = match asked(dir) {
        Ok(uuid) => uuid_text(uuid).or_else(|| known_fsid(dir.as_fd(), filesystem)),
        // The handle cannot be asked, where another of the same volume can: that one's answer is a
        // UUID, so no other kind of answer may be given.
        Err(Errno::BADF | Errno::ACCESS | Errno::PERM) => None,
        // No such call, or nothing to tell.
        Err(_) => known_fsid(dir.as_fd(), filesystem),
    };
    found.or_else(|| by_device(device))?.parse().ok()
}

/// Asks the kernel. What was opened to be passed through cannot be asked itself.
fn asked(dir: &NativeDir) -> Result<FsUuid, Errno> {
    if !dir.is_passed {
        return ask(dir.as_fd());
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let again = uninterrupted(|| openat(dir, ".", flags, Mode::empty()))?;
    ask(again.as_fd())
}

fn ask(fd: BorrowedFd<'_>) -> Result<FsUuid, Errno> {
    uninterrupted(|| {
        // SAFETY: for this number the kernel writes a `struct fsuuid2`, and nothing else.
        let call = unsafe { Getter::<GET_UUID, FsUuid>::new() };
        // SAFETY: the call only writes its answer.
        unsafe { ioctl(fd, call) }
    })
}

/// `None` for what is no identity: zeros are what an image has that was never given one.
fn uuid_text(uuid: FsUuid) -> Option<String> {
    let said = uuid.bytes.get(..usize::from(uuid.length))?;
    if said.iter().all(|byte| *byte == 0) {
        return None;
    }
    let hex: Vec<String> = said.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = match said.len() {
        // As it is written everywhere, and in the names of devices by UUID.
        16 => [0..4, 4..6, 6..8, 8..10, 10..16].map(|part| hex[part].concat()).join("-"),
        _ => hex.concat(),
    };
    Some(format!("uuid:{text}"))
}

fn known_fsid(fd: BorrowedFd<'_>, filesystem: &FilesystemKind) -> Option<String> {
    if FSID_FROM_UUID.contains(&filesystem.name) { fsid(fd) } else { None }
}

fn fsid(fd: BorrowedFd<'_>) -> Option<String> {
    let fsid = uninterrupted(|| fstatvfs(fd)).ok()?.f_fsid;
    (fsid != 0).then(|| format!("fsid:{fsid:016x}"))
}

/// The UUID by which the device manager knows a block device.
fn by_device(device: u64) -> Option<String> {
    named_for(BY_UUID, device).map(|name| format!("uuid:{name}"))
}

/// The name in a folder of links to devices that leads to this one.
fn named_for(folder: &str, device: u64) -> Option<String> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = uninterrupted(|| open(folder, flags, Mode::empty())).ok()?;
    let links = Dir::read_from(&folder).ok()?;
    let leads_there = |name: &str| {
        uninterrupted(|| statat(&folder, name, AtFlags::empty()))
            .is_ok_and(|stat| stat.st_rdev == device)
    };
    let names = links.filter_map(|link| link.ok()?.file_name().to_str().ok().map(str::to_owned));
    // A directory's own device number is 0, as that of the dots is.
    names.filter(|name| device != 0 && leads_there(name)).min()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use rustix::fs::stat;

    use super::super::beneath::{open_parent, open_root};
    use super::super::volume::volume;
    use super::*;

    fn uuid(length: u8, bytes: [u8; 16]) -> FsUuid {
        FsUuid { length, bytes }
    }

    #[test]
    fn a_uuid_is_written_as_it_is_everywhere() {
        let bytes = [
            0x59, 0x43, 0x35, 0xe0, 0x88, 0x4d, 0x49, 0xc2, 0x96, 0x8a, 0x13, 0x4c, 0x73, 0x33,
            0x5c, 0x08,
        ];
        let text = uuid_text(uuid(16, bytes));
        assert_eq!(text.as_deref(), Some("uuid:594335e0-884d-49c2-968a-134c73335c08"));
        assert_eq!(uuid_text(uuid(4, bytes)).as_deref(), Some("uuid:594335e0"));
    }

    #[test]
    fn what_says_nothing_is_no_identity() {
        let mut late = [0; 16];
        late[8] = 1;
        for said in [uuid(16, [0; 16]), uuid(0, [1; 16]), uuid(17, [1; 16]), uuid(8, late)] {
            assert_eq!(uuid_text(said), None, "{said:?}");
        }
    }

    #[test]
    fn only_kinds_that_make_their_fsid_of_a_uuid_are_known_by_it() {
        let proc = open_root(Path::new("/proc")).unwrap();
        assert_eq!(known_fsid(proc.as_fd(), FilesystemKind::named("xfs")), None);
        assert_eq!(volume(&proc).unwrap().identity, None, "proc has no UUID");
        for name in FSID_FROM_UUID {
            assert_eq!(FilesystemKind::named(name).name, *name);
        }
    }

    #[test]
    fn a_device_is_found_by_the_name_that_leads_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        symlink("/dev/zero", at("1111-1111")).unwrap();
        symlink("/dev/null", at("2222-2222")).unwrap();
        symlink("/dev/none", at("3333-3333")).unwrap();
        fs::write(at("no device"), "").unwrap();
        let found = |device| named_for(folder.path().to_str().unwrap(), device);
        let null = stat("/dev/null").unwrap().st_rdev;
        assert_eq!(found(null).as_deref(), Some("2222-2222"));
        assert_eq!(found(stat("/dev/full").unwrap().st_rdev), None);
        assert_eq!(found(0), None, "what is no device has this number");
        assert_eq!(named_for("/no/such/folder", null), None);
    }

    #[test]
    fn a_volume_is_the_same_however_it_is_opened() {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir(temp.path().join("beneath")).unwrap();
        let identity = |dir: &NativeDir| volume(dir).unwrap().identity;
        let expected = identity(&open_root(temp.path()).unwrap());
        let beneath = open_root(&temp.path().join("beneath")).unwrap();
        assert_eq!(identity(&beneath), expected);
        assert_eq!(identity(&open_parent(&beneath).unwrap()), expected, "passed through");
        if expected.is_none() {
            eprintln!("skipped: nothing is known of the volume for temporary files");
        }
    }
}
