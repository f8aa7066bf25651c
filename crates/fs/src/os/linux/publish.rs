//! Making a partial file visible. Every step here is a single rename or link, so that a name shows
//! either what was there before or the whole new file.

use std::ffi::OsStr;

use rustix::fs::{AtFlags, RenameFlags, linkat, renameat, renameat_with, statat, unlinkat};
use rustix::io::Errno;

use super::call::{failed, may, must, plain, uninterrupted};
use super::handle::NativeDir;
use crate::error::{FsResult, Operation};
use crate::support::Support;

/// A kernel without `renameat2`, or a file system without the flag asked for.
const NO_SUCH_RENAME: &[Errno] = &[Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP];

/// Renames to a name that must be free, by the strongest means the volume offers.
pub(super) fn publish_new(dir: &NativeDir, partial: &OsStr, target: &OsStr) -> FsResult<()> {
    let operation = Operation::PublishNew;
    let (partial, target) = (plain(operation, partial)?, plain(operation, target)?);
    let renamed = may(operation, NO_SUCH_RENAME, || {
        renameat_with(dir, partial, dir, target, RenameFlags::NOREPLACE)
    })?;
    match renamed {
        Support::Done(()) => Ok(()),
        Support::Unsupported => publish_by_link(dir, partial, target),
    }
}

/// A link fails when the name is taken, as atomically as a rename would. For a moment the file has
/// both names; should the first then refuse to go, the error is reported although the target is
/// there, whole and right.
fn publish_by_link(dir: &NativeDir, partial: &OsStr, target: &OsStr) -> FsResult<()> {
    let operation = Operation::PublishNew;
    const NO_LINKS: &[Errno] = &[Errno::PERM, Errno::OPNOTSUPP, Errno::NOSYS, Errno::MLINK];
    let linked = may(operation, NO_LINKS, || linkat(dir, partial, dir, target, AtFlags::empty()))?;
    match linked {
        Support::Done(()) => must(operation, || unlinkat(dir, partial, AtFlags::empty())),
        Support::Unsupported => publish_after_look(dir, partial, target),
    }
}

/// The weakest rung, for exFAT and the like behind old kernels: between the look and the rename
/// another program could create the name, and its file would be replaced.
fn publish_after_look(dir: &NativeDir, partial: &OsStr, target: &OsStr) -> FsResult<()> {
    let operation = Operation::PublishNew;
    match uninterrupted(|| statat(dir, target, AtFlags::SYMLINK_NOFOLLOW)) {
        Err(Errno::NOENT) => must(operation, || renameat(dir, partial, dir, target)),
        Err(errno) => Err(failed(operation)(errno)),
        Ok(_) => Err(failed(operation)(Errno::EXIST)),
    }
}

pub(super) fn exchange(dir: &NativeDir, left: &OsStr, right: &OsStr) -> FsResult<Support<()>> {
    let operation = Operation::Exchange;
    let (left, right) = (plain(operation, left)?, plain(operation, right)?);
    may(operation, NO_SUCH_RENAME, || renameat_with(dir, left, dir, right, RenameFlags::EXCHANGE))
}

pub(super) fn replace(dir: &NativeDir, from: &OsStr, target: &OsStr) -> FsResult<()> {
    let operation = Operation::Replace;
    let (from, target) = (plain(operation, from)?, plain(operation, target)?);
    must(operation, || renameat(dir, from, dir, target))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::beneath::open_root;
    use super::*;
    use crate::error::FsErrorKind;

    type Rung = fn(&NativeDir, &OsStr, &OsStr) -> FsResult<()>;

    const RUNGS: [(&str, Rung); 3] =
        [("rename", publish_new), ("link", publish_by_link), ("look", publish_after_look)];

    #[test]
    fn every_rung_publishes_to_a_free_name() {
        for (rung, publish) in RUNGS {
            let temp = tempfile::tempdir().unwrap();
            let dir = open_root(temp.path()).unwrap();
            fs::write(temp.path().join("partial"), "new").unwrap();
            publish(&dir, OsStr::new("partial"), OsStr::new("target")).unwrap();
            assert_eq!(fs::read(temp.path().join("target")).unwrap(), b"new", "{rung}");
            assert!(!temp.path().join("partial").exists(), "{rung}");
        }
    }

    #[test]
    fn no_rung_replaces_what_is_there() {
        for (rung, publish) in RUNGS {
            let temp = tempfile::tempdir().unwrap();
            let dir = open_root(temp.path()).unwrap();
            fs::write(temp.path().join("partial"), "new").unwrap();
            // A link that leads nowhere is there, too.
            std::os::unix::fs::symlink("nowhere", temp.path().join("link")).unwrap();
            fs::write(temp.path().join("file"), "old").unwrap();
            for taken in ["link", "file"] {
                let error = publish(&dir, OsStr::new("partial"), OsStr::new(taken)).unwrap_err();
                assert_eq!(error.kind, FsErrorKind::AlreadyExists, "{rung} {taken}");
            }
            assert_eq!(fs::read(temp.path().join("file")).unwrap(), b"old", "{rung}");
            assert_eq!(fs::read(temp.path().join("partial")).unwrap(), b"new", "{rung}");
        }
    }

    #[test]
    fn exchanging_needs_both_names() {
        let temp = tempfile::tempdir().unwrap();
        let dir = open_root(temp.path()).unwrap();
        let (left, right) = (OsStr::new("left"), OsStr::new("right"));
        fs::write(temp.path().join(left), "1").unwrap();
        let error = exchange(&dir, left, right).unwrap_err();
        assert_eq!(error.kind, FsErrorKind::NotFound);
        fs::write(temp.path().join(right), "2").unwrap();
        if exchange(&dir, left, right).unwrap().is_done() {
            assert_eq!(fs::read(temp.path().join(left)).unwrap(), b"2");
            assert_eq!(fs::read(temp.path().join(right)).unwrap(), b"1");
        }
    }
}
