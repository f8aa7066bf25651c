//! Opening directories: the user's own path as it was typed, and then everything beneath it without
//! ever following a link.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, open, openat, openat2, statat};
use rustix::io::Errno;

use super::call::{failed, failed_as, must, uninterrupted};
use super::handle::NativeDir;
use crate::error::{FsError, FsErrorKind, FsResult, Operation};
use crate::path::RelPath;

/// A directory that is to be listed, flushed and asked about.
const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// A directory that is only passed through, which takes the right to search it and no more.
const PASSED: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);

const BENEATH: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// The longest path given to the kernel at once; its own limit is 4096 with the closing NUL.
const SEGMENT_BYTES: usize = 4000;

/// How often a resolution that raced with a rename is tried again before the path is walked name
/// by name, which cannot race.
const RACED_TRIES: u32 = 16;

/// Opens the user's own path, links and all. A directory that may be searched and not listed is
/// opened to be passed through: what stands in it can be reached all the same.
pub(super) fn open_root(path: &Path) -> FsResult<NativeDir> {
    let operation = Operation::OpenRoot;
    match must(operation, || open(path, DIRECTORY, Mode::empty())) {
        Err(error) if error.kind == FsErrorKind::PermissionDenied => {
            // The dot takes the right to search, and lets a link before it be followed.
            let passed = must(operation, || open(path.join("."), PASSED, Mode::empty()));
            passed.map(NativeDir::passed).map_err(|_| error)
        }
        opened => opened.map(NativeDir::new),
    }
}

/// Opens the directory above, to be asked who it is and to go on upwards: a home directory often
/// stands in one that its owner may pass through and not list.
pub(super) fn open_parent(dir: &NativeDir) -> FsResult<NativeDir> {
    let fd = must(Operation::OpenDir, || openat(dir, "..", PASSED, Mode::empty()))?;
    Ok(NativeDir::passed(fd))
}

/// Opens a directory beneath `root`. `is_openat2_refused` remembers a kernel (or a sandbox) that
/// does not offer `openat2`.
pub(super) fn open_dir(
    root: &NativeDir,
    path: &RelPath,
    is_openat2_refused: &AtomicBool,
) -> FsResult<NativeDir> {
    if path.is_root() {
        return open_again(root);
    }
    let mut segments = segments(path).into_iter().peekable();
    let mut above: Option<OwnedFd> = None;
    while let Some(segment) = segments.next() {
        let flags = if segments.peek().is_some() { PASSED } else { DIRECTORY };
        let from = above.as_ref().map_or(root.as_fd(), AsFd::as_fd);
        above = Some(open_segment(from, &segment, flags, is_openat2_refused)?);
    }
    let fd =
        above.ok_or_else(|| FsError::of_kind(Operation::OpenDir, FsErrorKind::InvalidInput))?;
    Ok(NativeDir::new(fd))
}

/// Opens a directory again, with no more rights than it was opened with.
fn open_again(dir: &NativeDir) -> FsResult<NativeDir> {
    let flags = if dir.is_passed { PASSED } else { DIRECTORY };
    let fd = must(Operation::OpenDir, || openat(dir, ".", flags, Mode::empty()))?;
    Ok(if dir.is_passed { NativeDir::passed(fd) } else { NativeDir::new(fd) })
}

/// A path in pieces that the kernel takes.
fn segments(path: &RelPath) -> Vec<OsString> {
    let mut segments: Vec<Vec<u8>> = Vec::new();
    for name in path.names() {
        let name = name.as_encoded_bytes();
        match segments.last_mut() {
            Some(last) if last.len() + 1 + name.len() <= SEGMENT_BYTES => {
                last.push(b'/');
                last.extend_from_slice(name);
            }
            _ => segments.push(name.to_vec()),
        }
    }
    segments.into_iter().map(OsString::from_vec).collect()
}

fn open_segment(
    from: BorrowedFd<'_>,
    segment: &OsStr,
    flags: OFlags,
    is_openat2_refused: &AtomicBool,
) -> FsResult<OwnedFd> {
    for _ in 0..RACED_TRIES {
        if is_openat2_refused.load(Ordering::Relaxed) {
            break;
        }
        match uninterrupted(|| openat2(from, segment, flags, Mode::empty(), BENEATH)) {
            Ok(fd) => return Ok(fd),
            // A rename elsewhere made the kernel unsure that it stayed beneath.
            Err(Errno::AGAIN) => {}
            Err(Errno::NOSYS) => is_openat2_refused.store(true, Ordering::Relaxed),
            Err(Errno::PERM) if is_call_refused(from) => {
                is_openat2_refused.store(true, Ordering::Relaxed);
            }
            Err(errno) => return Err(failed(Operation::OpenDir)(errno)),
        }
    }
    walk(from, segment, flags)
}

/// Whether a sandbox refuses the call as such: opening an open directory again by `.` needs no
/// rights that could be lacking for another reason.
fn is_call_refused(from: BorrowedFd<'_>) -> bool {
    let again = uninterrupted(|| openat2(from, ".", PASSED, Mode::empty(), BENEATH));
    again.err() == Some(Errno::PERM)
}

/// Opens name by name. Every name is looked up in a directory that is already held open, and a
/// link is never followed, so no rename elsewhere can lead outside.
fn walk(from: BorrowedFd<'_>, segment: &OsStr, flags: OFlags) -> FsResult<OwnedFd> {
    let mut names = Path::new(segment).iter().peekable();
    let mut above: Option<OwnedFd> = None;
    while let Some(name) = names.next() {
        let flags = if names.peek().is_some() { PASSED } else { flags | OFlags::NOFOLLOW };
        let dir = above.as_ref().map_or(from, AsFd::as_fd);
        let opened = uninterrupted(|| openat(dir, name, flags, Mode::empty()));
        above = Some(opened.map_err(|errno| name_link(dir, name, errno))?);
    }
    above.ok_or_else(|| FsError::of_kind(Operation::OpenDir, FsErrorKind::InvalidInput))
}

/// The kernel calls a link "not a directory" when it was asked for one; says which it was.
fn name_link(dir: BorrowedFd<'_>, name: &OsStr, errno: Errno) -> FsError {
    let is_link = errno == Errno::NOTDIR
        && uninterrupted(|| statat(dir, name, AtFlags::SYMLINK_NOFOLLOW))
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink);
    if is_link {
        failed_as(Operation::OpenDir, FsErrorKind::LinkInPath, errno)
    } else {
        failed(Operation::OpenDir)(errno)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, RenameFlags, fstat, mkdirat, renameat_with};

    use super::*;

    /// Resolution by the kernel, and name by name.
    fn both_ways() -> [AtomicBool; 2] {
        [AtomicBool::new(false), AtomicBool::new(true)]
    }

    fn path(text: &str) -> RelPath {
        RelPath::new(text).unwrap()
    }

    #[test]
    fn segments_are_short_enough_and_lose_nothing() {
        let name = "n".repeat(255);
        let long = path(&vec![name.as_str(); 40].join("/"));
        let segments = segments(&long);
        assert!(segments.len() > 1);
        assert!(segments.iter().all(|segment| segment.len() <= SEGMENT_BYTES));
        let joined = segments.join(OsStr::new("/"));
        assert_eq!(joined, long.as_path());
    }

    #[test]
    fn paths_longer_than_the_kernel_takes_are_opened() {
        let temp = tempfile::tempdir().unwrap();
        let root = open_root(temp.path()).unwrap();
        let name = "d".repeat(200);
        let mut long = RelPath::root();
        let mut deepest = open_root(temp.path()).unwrap();
        for _ in 0..50 {
            mkdirat(&deepest, &*name, Mode::RWXU).unwrap();
            long = long.join(OsStr::new(&name));
            deepest = open_dir(&deepest, &path(&name), &AtomicBool::new(false)).unwrap();
        }
        assert!(long.as_encoded_bytes().len() > 2 * 4096);
        let expected = fstat(&deepest).unwrap().st_ino;
        for refused in both_ways() {
            let opened = open_dir(&root, &long, &refused).unwrap();
            assert_eq!(fstat(&opened).unwrap().st_ino, expected);
        }
    }

    #[test]
    fn links_are_never_followed() {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir_all(temp.path().join("real/inner")).unwrap();
        symlink("real", temp.path().join("link")).unwrap();
        symlink("..", temp.path().join("real/up")).unwrap();
        let root = open_root(temp.path()).unwrap();
        for refused in both_ways() {
            for text in ["link", "link/inner", "real/up", "real/up/real"] {
                let error = open_dir(&root, &path(text), &refused).unwrap_err();
                assert_eq!(error.kind, FsErrorKind::LinkInPath, "{text}");
            }
            assert!(open_dir(&root, &path("real/inner"), &refused).is_ok());
        }
        assert!(open_root(&temp.path().join("link")).is_ok());
    }

    #[test]
    fn what_is_not_a_directory_or_not_there_is_said_so() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("file"), "").unwrap();
        let root = open_root(temp.path()).unwrap();
        for refused in both_ways() {
            let kind = |text| open_dir(&root, &path(text), &refused).unwrap_err().kind;
            assert_eq!(kind("file"), FsErrorKind::NotADirectory);
            assert_eq!(kind("file/x"), FsErrorKind::NotADirectory);
            assert_eq!(kind("none/x"), FsErrorKind::NotFound);
        }
    }

    #[test]
    fn a_working_call_is_not_taken_for_a_refused_one() {
        let temp = tempfile::tempdir().unwrap();
        let root = open_root(temp.path()).unwrap();
        assert!(!is_call_refused(root.as_fd()));
    }

    /// Somebody swaps a directory for a link that leads outside, over and over.
    #[test]
    fn no_race_leads_outside() {
        let temp = tempfile::tempdir().unwrap();
        let (inside, outside) = (temp.path().join("inside"), temp.path().join("outside"));
        fs::create_dir_all(inside.join("swapped/target")).unwrap();
        fs::create_dir_all(outside.join("target")).unwrap();
        symlink(&outside, inside.join("link")).unwrap();
        let forbidden = fstat(open_root(&outside.join("target")).unwrap()).unwrap().st_ino;
        let root = open_root(&inside).unwrap();
        let is_over = AtomicBool::new(false);
        let leads_outside = |dir: &NativeDir| fstat(dir).is_ok_and(|stat| stat.st_ino == forbidden);
        // Judged when both threads have ended: a panic here would leave the other at work for ever.
        let led_outside = std::thread::scope(|scope| {
            scope.spawn(|| {
                let (left, right) = (inside.join("swapped"), inside.join("link"));
                while !is_over.load(Ordering::Relaxed) {
                    renameat_with(CWD, &left, CWD, &right, RenameFlags::EXCHANGE).unwrap();
                }
            });
            let target = path("swapped/target");
            let led_outside = both_ways().map(|refused| {
                let mut tries = (0..3000).filter_map(|_| open_dir(&root, &target, &refused).ok());
                tries.any(|dir| leads_outside(&dir))
            });
            is_over.store(true, Ordering::Relaxed);
            led_outside
        });
        assert_eq!(led_outside, [false; 2], "by the kernel, and name by name");
    }
}
