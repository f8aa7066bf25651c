//! The mount table: which file system is mounted where a handle leads.
//!
//! The table knows what the magic number of `statfs` does not: which FUSE file system it is.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Statx, StatxFlags, readlink, statx};

use super::beneath::open_root;
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

/// `STATX_MNT_ID_UNIQUE`, since Linux 6.8: a number that no other mount of this boot gets, whereas
/// `STATX_MNT_ID` is given to the next mount as soon as one is gone.
const MOUNT_FOR_GOOD: StatxFlags = StatxFlags::from_bits_retain(0x4000);

/// A number that is another one once something was mounted or unmounted at a path or beneath it;
/// `None` where nothing can be found out. What was unmounted and mounted again between two looks shows
/// at the path itself, on a kernel that tells, and not beneath it.
pub fn mount_state(path: &Path) -> Option<u64> {
    let root = open_root(path).ok()?;
    let mask = StatxFlags::MNT_ID | MOUNT_FOR_GOOD;
    let stat = uninterrupted(|| statx(&root, "", AtFlags::EMPTY_PATH, mask)).ok()?;
    // Mount points are written without links.
    let link = format!("/proc/self/fd/{}", root.as_fd().as_raw_fd());
    let plain = uninterrupted(|| readlink(&link, Vec::new())).ok()?;
    let mut state = DefaultHasher::new();
    stat.stx_mnt_id.hash(&mut state);
    let table = pseudo_file::text(TABLE)?;
    mounts_beneath(&table, &plain.to_string_lossy()).for_each(|line| line.hash(&mut state));
    Some(state.finish())
}

/// The rows of what is mounted beneath a directory, as far as its options.
fn mounts_beneath<'a>(table: &'a str, directory: &str) -> impl Iterator<Item = &'a str> {
    let above = format!("{}/", escaped(directory).trim_end_matches('/'));
    table.lines().filter_map(move |line| {
        let point = line.split(' ').nth(4)?;
        let end = point.as_ptr().addr() + point.len() - line.as_ptr().addr();
        (point.starts_with(&above) && point != "/").then_some(&line[..end])
    })
}

/// A path as it is written in the table.
fn escaped(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for c in path.chars() {
        match c {
            ' ' => escaped.push_str("\\040"),
            '\t' => escaped.push_str("\\011"),
            '\n' => escaped.push_str("\\012"),
            '\\' => escaped.push_str("\\134"),
            c => escaped.push(c),
        }
    }
    escaped
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

    use surecopy_testkit::fuzz::Verdict;

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
    fn fuzz_tables_of_mounts() {
        let row = b"36 35 98:0 /mnt1 /mnt/a\\040b rw,noatime master:1 - ext3 /dev/root rw\n";
        let samples = vec![row.to_vec(), row.repeat(3), std::fs::read(TABLE).unwrap()];
        surecopy_testkit::fuzz::hold("fuzz_tables_of_mounts", 150, samples, |input| {
            let text = String::from_utf8_lossy(input);
            let mut rows = text.lines().map(Row::parse);
            for found in mounts_beneath(&text, "/mnt/") {
                assert!(text.contains(found) && !found.contains('\n'));
            }
            if rows.any(|row| row.is_some()) { Verdict::Taken } else { Verdict::Refused }
        });
    }

    #[test]
    fn what_is_mounted_beneath_a_directory_is_found_by_its_name() {
        let table = "1 1 0:2 / / rw - ext4 /dev/root rw\n\
                     2 1 0:3 / /a rw - tmpfs t rw\n\
                     3 2 0:4 / /a/b\\040c rw - tmpfs t rw\n\
                     4 2 0:5 / /a/b\\040c/d rw,noatime - tmpfs t rw\n\
                     5 1 0:6 / /ab rw - tmpfs t rw";
        let ids = |directory| -> Vec<_> {
            mounts_beneath(table, directory).map(|line| line.split(' ').next().unwrap()).collect()
        };
        assert_eq!(ids("/"), ["2", "3", "4", "5"]);
        assert_eq!(ids("/a"), ["3", "4"]);
        assert_eq!(ids("/a/b c"), ["4"]);
        assert_eq!(ids("/b"), [""; 0]);
        let found: Vec<_> = mounts_beneath(table, "/a/b c").collect();
        assert_eq!(found, ["4 2 0:5 / /a/b\\040c/d"], "options may change");
    }

    #[test]
    fn a_state_is_the_same_as_long_as_nothing_is_mounted() {
        let temp = tempfile::tempdir().unwrap();
        let state = mount_state(temp.path());
        assert!(state.is_some());
        assert_eq!(mount_state(temp.path()), state);
        assert_ne!(mount_state(Path::new("/proc")), state);
        assert_eq!(mount_state(&temp.path().join("none")), None);
    }

    #[test]
    fn proc_is_found_to_be_proc() {
        let proc = File::open("/proc").unwrap();
        assert_eq!(filesystem_name(proc.as_fd()).as_deref(), Some("proc"));
    }
}
