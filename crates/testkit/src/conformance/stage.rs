//! The place where a case plays: an empty directory of its own, and short words for the usual.
//!
//! Everything goes through the file system under test; a failure here is a failure of it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use surecopy_fs::{
    FileId, FileKind, FileSystem, FsErrorKind, FsResult, Metadata, Node, RelPath, Volume,
};

/// An empty directory on the file system under test.
pub struct Stage<'a, F: FileSystem> {
    /// The file system under test.
    pub fs: &'a F,
    /// The directory, open.
    pub dir: F::Dir,
    /// Its path.
    pub path: PathBuf,
    /// Makes a named pipe, where the test has a way to do that.
    pub make_fifo: Option<&'a (dyn Fn(&Path) + Sync)>,
    /// Tells whether a file is locked, where the test has a way to do that.
    pub is_locked: Option<&'a (dyn Fn(&Path) -> bool + Sync)>,
}

/// A name.
pub(super) fn os(name: &str) -> &OsStr {
    OsStr::new(name)
}

/// A path beneath the stage.
pub(super) fn rel(path: &str) -> RelPath {
    RelPath::new(path).expect("the cases use plain paths")
}

/// Bytes that tell positions apart.
pub(super) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8 ^ (at / 4096) as u8).collect()
}

/// Fails the case unless the result is an error of one of these kinds.
#[track_caller]
pub(super) fn refused<T>(what: &str, result: FsResult<T>, kinds: &[FsErrorKind]) {
    match result {
        Ok(_) => panic!("{what}: went through, but should be refused as one of {kinds:?}"),
        Err(error) => assert!(
            kinds.contains(&error.kind),
            "{what}: refused as {:?} ({error}), but should be one of {kinds:?}",
            error.kind,
        ),
    }
}

/// Fails the case unless the result is good.
#[track_caller]
pub(super) fn fine<T>(what: &str, result: FsResult<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error} ({:?})", error.kind),
    }
}

/// Says why a case, or a part of it, does not apply here.
pub(super) fn skip(reason: &str) {
    eprintln!("skipped: {reason}");
}

impl<F: FileSystem> Stage<'_, F> {
    /// Makes a file with this content and gives its open handle.
    #[track_caller]
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> F::File {
        self.put_in(&self.dir, name, bytes)
    }

    #[track_caller]
    pub(super) fn put_in(&self, dir: &F::Dir, name: &str, bytes: &[u8]) -> F::File {
        let file = fine("create a file", self.fs.create_partial(dir, os(name)));
        self.write_all(&file, bytes, 0);
        file
    }

    #[track_caller]
    pub(super) fn write_all(&self, file: &F::File, bytes: &[u8], offset: u64) {
        let mut done = 0;
        while done < bytes.len() {
            let at = offset + done as u64;
            let count = fine("write", self.fs.write_at(file, &bytes[done..], at));
            assert!(count > 0, "a write of {} bytes must not be 0", bytes.len() - done);
            done += count;
        }
    }

    /// All bytes of an open file.
    #[track_caller]
    pub(super) fn read_all(&self, file: &F::File) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut buffer = vec![0u8; 64 * 1024];
        loop {
            let count = fine("read", self.fs.read_at(file, &mut buffer, bytes.len() as u64));
            if count == 0 {
                return bytes;
            }
            bytes.extend_from_slice(&buffer[..count]);
        }
    }

    /// All bytes of a file by name.
    #[track_caller]
    pub(super) fn content(&self, name: &str) -> Vec<u8> {
        let file = fine("open for reading", self.fs.open_source(&self.dir, os(name)));
        self.read_all(&file)
    }

    #[track_caller]
    pub(super) fn make_dir(&self, name: &str) -> F::Dir {
        fine("create a directory", self.fs.create_dir(&self.dir, os(name)));
        self.open(name)
    }

    #[track_caller]
    pub(super) fn open(&self, path: &str) -> F::Dir {
        fine("open a directory", self.fs.open_dir(&self.dir, &rel(path)))
    }

    /// Makes a symbolic link, where the volume has such.
    #[track_caller]
    pub(super) fn make_link(&self, name: &str, text: &str) {
        fine("create a link", self.fs.create_symlink(&self.dir, os(name), os(text)));
    }

    #[track_caller]
    pub(super) fn stat(&self, name: &str) -> Metadata {
        fine("read metadata", self.fs.metadata_at(&self.dir, os(name)))
    }

    #[track_caller]
    pub(super) fn id(&self, name: &str) -> FileId {
        self.stat(name).id
    }

    #[track_caller]
    pub(super) fn dir_id(&self, dir: &F::Dir) -> FileId {
        fine("read metadata", self.fs.metadata(Node::Dir(dir))).id
    }

    #[track_caller]
    pub(super) fn kind(&self, name: &str) -> FileKind {
        self.stat(name).kind
    }

    /// Fails the case if there is anything of that name.
    #[track_caller]
    pub(super) fn is_missing(&self, name: &str) {
        refused(name, self.fs.metadata_at(&self.dir, os(name)), &[FsErrorKind::NotFound]);
    }

    /// The names on the stage, sorted.
    #[track_caller]
    pub(super) fn names(&self) -> Vec<String> {
        let names = fine("list", self.fs.list(&self.dir));
        let mut names: Vec<String> =
            names.iter().map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[track_caller]
    pub(super) fn volume(&self) -> Volume {
        fine("query the volume", self.fs.volume(&self.dir))
    }

    /// Whether the volume has symbolic links; says so if not.
    pub(super) fn has_links(&self) -> bool {
        let has_symlinks = self.volume().filesystem.has_symlinks;
        if !has_symlinks {
            skip("no symbolic links here");
        }
        has_symlinks
    }
}
