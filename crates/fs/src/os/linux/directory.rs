//! Directories: create, remove, list.

use std::ffi::{OsStr, OsString};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::sync::PoisonError;

use rustix::fs::{AtFlags, FileType, Mode, RawDir, SeekFrom, mkdirat, seek, statat, unlinkat};
use rustix::io::Errno;

use super::call::{failed, must, plain, uninterrupted};
use super::handle::NativeDir;
use crate::error::{FsResult, Operation};

/// Room for a few hundred to a few thousand names a call; the longest name fits many times over.
const LISTING_BUFFER_BYTES: usize = 64 * 1024;

pub(super) fn create_dir(dir: &NativeDir, name: &OsStr) -> FsResult<()> {
    let name = plain(Operation::CreateDir, name)?;
    must(Operation::CreateDir, || mkdirat(dir, name, Mode::RWXU))
}

pub(super) fn remove_dir(dir: &NativeDir, name: &OsStr) -> FsResult<()> {
    let name = plain(Operation::RemoveDir, name)?;
    must(Operation::RemoveDir, || unlinkat(dir, name, AtFlags::REMOVEDIR))
}

pub(super) fn remove_file(dir: &NativeDir, name: &OsStr) -> FsResult<()> {
    let name = plain(Operation::RemoveFile, name)?;
    must(Operation::RemoveFile, || unlinkat(dir, name, AtFlags::empty()))
}

pub(super) fn list_each(
    dir: &NativeDir,
    each: &mut dyn FnMut(&OsStr) -> ControlFlow<()>,
) -> FsResult<()> {
    list_with_kinds(dir, &mut |name, _| each(name))
}

/// Most file systems keep the kind beside the name; of the others, each entry is asked.
pub(super) fn list_directories(dir: &NativeDir) -> FsResult<Vec<OsString>> {
    let mut names = Vec::new();
    list_with_kinds(dir, &mut |name, kind| {
        let kind = match kind {
            FileType::Unknown => uninterrupted(|| {
                statat(dir, name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT)
            })
            .map_or(FileType::Directory, |stat| FileType::from_raw_mode(stat.st_mode)),
            kind => kind,
        };
        if kind == FileType::Directory {
            names.push(name.to_owned());
        }
        ControlFlow::Continue(())
    })?;
    Ok(names)
}

/// Lists from the beginning on the handle itself. Opening the directory again for each listing
/// would do without the lock, but takes the right to search it, which a listing does not need.
fn list_with_kinds(
    dir: &NativeDir,
    each: &mut dyn FnMut(&OsStr, FileType) -> ControlFlow<()>,
) -> FsResult<()> {
    let operation = Operation::List;
    dir.must_be_more_than_passed(operation)?;
    let _one_at_a_time = dir.listing.lock().unwrap_or_else(PoisonError::into_inner);
    // Also before the first listing: btrfs lists what was there when the handle was opened or set to
    // the beginning, and what has come since is missing.
    must(operation, || seek(dir, SeekFrom::Start(0)))?;
    let mut buffer = Vec::with_capacity(LISTING_BUFFER_BYTES);
    let mut entries = RawDir::new(dir, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        match entry {
            Ok(entry) => {
                let name = entry.file_name().to_bytes();
                let is_dots = name == b"." || name == b"..";
                if !is_dots && each(OsStr::from_bytes(name), entry.file_type()).is_break() {
                    break;
                }
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(failed(operation)(errno)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::os::unix::ffi::OsStringExt;

    use super::super::beneath::open_root;
    use super::*;

    fn list(dir: &NativeDir) -> FsResult<Vec<OsString>> {
        let mut names = Vec::new();
        list_each(dir, &mut |name| {
            names.push(name.to_owned());
            ControlFlow::Continue(())
        })?;
        Ok(names)
    }

    /// More names than one call returns.
    #[test]
    fn every_listing_is_whole_even_when_several_run_at_once() {
        let temp = tempfile::tempdir().unwrap();
        let expected: BTreeSet<OsString> =
            (0..3000).map(|number| format!("{number:0>60}").into()).collect();
        for name in &expected {
            fs::write(temp.path().join(name), "").unwrap();
        }
        let dir = open_root(temp.path()).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let names = list(&dir).unwrap();
                    assert_eq!(names.len(), expected.len());
                    assert_eq!(BTreeSet::from_iter(names), expected);
                });
            }
        });
    }

    #[test]
    fn names_of_any_bytes_are_listed() {
        let temp = tempfile::tempdir().unwrap();
        let name = OsString::from_vec(b"\xff\n\x01".to_vec());
        if fs::write(temp.path().join(&name), "").is_err() {
            return;
        }
        assert_eq!(list(&open_root(temp.path()).unwrap()).unwrap(), [name]);
    }
}
