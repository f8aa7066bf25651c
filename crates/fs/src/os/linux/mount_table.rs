//! The mount table: which file system is mounted where a handle leads.
//!
//! The table knows what the magic number of `statfs` does not: which FUSE file system it is.

use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, Statx, StatxFlags, statx};

use super::call::uninterrupted;
use super::pseudo_file;

const TABLE: &str = "/proc/self/mountinfo";

/// The name of the file system behind a handle, as the mount table has it; `None` when there is no
/// table or the handle's mount is not in it.
pub(super) fn filesystem_name(fd: BorrowedFd<'_>) -> Option<String> {
    let mask = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID;
    let stat = uninterrupted(|| statx(fd, "", AtFlags::EMPTY_PATH, mask)).ok()?;
    find(&pseudo_file::text(TABLE)?, &stat).map(str::to_owned)
}

fn find<'a>(table: &'a str, stat: &Statx) -> Option<&'a str> {
    // Kernels before 5.8 do not tell the mount; the device number finds one mount of the same
    // file system, except where a file system has several numbers (btrfs subvolumes).
    let has_id = stat.stx_mask & StatxFlags::MNT_ID.bits() != 0;
    let id = has_id.then(|| stat.stx_mnt_id.to_string());
    let device = format!("{}:{}", stat.stx_dev_major, stat.stx_dev_minor);
    table.lines().filter_map(Row::parse).find_map(|row| {
        let is_it = match &id {
            Some(id) => row.id == id,
            None => row.device == device,
        };
        is_it.then_some(row.filesystem)
    })
}

/// The fields used here: `id parent device root point options [tags]... - filesystem source ...`
#[derive(Debug, PartialEq, Eq)]
struct Row<'a> {
    id: &'a str,
    device: &'a str,
    filesystem: &'a str,
}

impl<'a> Row<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        // Blanks within fields are escaped, so the lone dash is the separator.
        let (mount, filesystem) = line.split_once(" - ")?;
        let mut mount = mount.split(' ');
        let (id, device) = (mount.next()?, mount.nth(1)?);
        Some(Self { id, device, filesystem: filesystem.split(' ').next()? })
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn rows_are_read_with_and_without_tags() {
        let tagged = "36 35 98:0 /a /mnt/x\\040- rw,noatime master:1 shared:2 - fuse.sshfs h: rw";
        let expected = Row { id: "36", device: "98:0", filesystem: "fuse.sshfs" };
        assert_eq!(Row::parse(tagged), Some(expected));
        let plain = "1 1 0:2 / / rw - ext4 /dev/root rw,errors=continue";
        assert_eq!(Row::parse(plain).unwrap().filesystem, "ext4");
        assert_eq!(Row::parse("nonsense"), None);
    }

    #[test]
    fn proc_is_found_to_be_proc() {
        let proc = File::open("/proc").unwrap();
        assert_eq!(filesystem_name(proc.as_fd()).as_deref(), Some("proc"));
    }
}
