//! A tree as it is, in memory: everything that a copy should keep. Written with standard functions
//! only, so that the code under test has no part in it.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::Read;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{OFlags, SeekFrom};

/// What an entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    Directory,
    File(Vec<u8>),
    Link(PathBuf),
    Other,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) content: Content,
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    pub(crate) modified: (i64, i64),
    pub(crate) accessed: (i64, i64),
    pub(crate) xattrs: BTreeMap<OsString, Vec<u8>>,
    /// Where a file has data.
    pub(crate) data: Vec<Range<u64>>,
    /// The first name of the same file, if it has another one.
    pub(crate) first_name: Option<PathBuf>,
}

/// Entries by path beneath the top; the top itself has the empty path.
pub(crate) type Tree = BTreeMap<PathBuf, Entry>;

/// Reads a tree, whatever the length of its paths, leaving access times alone where it may.
pub(crate) fn tree(top: &Path) -> Tree {
    let mut reading = Reading { tree: Tree::new(), first_names: HashMap::new() };
    let metadata = fs::symlink_metadata(top).expect("the top of a tree");
    reading.entry(top, Path::new(""), &metadata);
    reading.tree
}

struct Reading {
    tree: Tree,
    first_names: HashMap<(u64, u64), PathBuf>,
}

impl Reading {
    /// `here` is a short way to the entry; `path` is its name in the tree.
    fn entry(&mut self, here: &Path, path: &Path, metadata: &Metadata) {
        let mut entry = Entry {
            content: Content::Other,
            mode: metadata.mode(),
            owner: (metadata.uid(), metadata.gid()),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            accessed: (metadata.atime(), metadata.atime_nsec()),
            xattrs: BTreeMap::new(),
            data: Vec::new(),
            first_name: None,
        };
        let mut dir = None;
        if metadata.is_dir() {
            let opened = open_quietly(here);
            entry.xattrs = xattrs(&opened);
            entry.content = Content::Directory;
            dir = Some(opened);
        } else if metadata.is_file() {
            let mut file = open_quietly(here);
            let mut bytes = Vec::new();
            entry.data = data_ranges(&file, metadata.len());
            file.read_to_end(&mut bytes).expect("a readable file");
            entry.xattrs = xattrs(&file);
            entry.content = Content::File(bytes);
            if metadata.nlink() > 1 {
                let id = (metadata.dev(), metadata.ino());
                let first = self.first_names.entry(id).or_insert_with(|| path.to_owned());
                entry.first_name = Some(first.clone());
            }
        } else if metadata.is_symlink() {
            entry.content = Content::Link(fs::read_link(here).expect("a link"));
        }
        self.tree.insert(path.to_owned(), entry);
        if let Some(dir) = dir {
            self.below(&dir, path);
        }
    }

    fn below(&mut self, dir: &File, path: &Path) {
        let here = by_handle(dir);
        let entries = fs::read_dir(&here).expect("a directory");
        let mut names: Vec<OsString> =
            entries.map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        for name in names {
            let near = here.join(&name);
            let metadata = fs::symlink_metadata(&near).expect("an entry");
            self.entry(&near, &path.join(&name), &metadata);
        }
    }
}

/// A short path to an open file or directory, so that no path is ever too long.
pub(crate) fn by_handle(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

fn open_quietly(path: &Path) -> File {
    let quiet = (OFlags::NOATIME | OFlags::NOFOLLOW).bits().cast_signed();
    let opened = OpenOptions::new().read(true).custom_flags(quiet).open(path);
    opened.or_else(|_| File::open(path)).expect("an entry that can be read")
}

fn data_ranges(file: &File, length: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    let mut offset = 0;
    while offset < length {
        let Ok(start) = rustix::fs::seek(file, SeekFrom::Data(offset)) else { break };
        let end = rustix::fs::seek(file, SeekFrom::Hole(start)).unwrap_or(length);
        ranges.push(start..end);
        offset = end;
    }
    rustix::fs::seek(file, SeekFrom::Start(0)).expect("a file can be rewound");
    ranges
}

fn xattrs(file: &impl AsFd) -> BTreeMap<OsString, Vec<u8>> {
    let mut names = vec![0; 1 << 16];
    let Ok(length) = rustix::fs::flistxattr(file, &mut names[..]) else { return BTreeMap::new() };
    let names = names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names
        .filter_map(|name| {
            let name = OsStr::from_bytes(name);
            let mut value = vec![0; 1 << 16];
            let length = rustix::fs::fgetxattr(file, name, &mut value[..]).ok()?;
            value.truncate(length);
            Some((name.to_owned(), value))
        })
        .collect()
}

/// What differs between two trees, one line each. Access times are not compared: looking at a tree
/// may change them.
pub(crate) fn differences(left: &Tree, right: &Tree) -> Vec<String> {
    let mut lines = Vec::new();
    for (path, entry) in left {
        match right.get(path) {
            None => lines.push(format!("{path:?} is missing")),
            Some(other) => {
                lines.extend(entry.differs_from(other).map(|what| format!("{path:?}: {what}")))
            }
        }
    }
    let added = right.keys().filter(|path| !left.contains_key(*path));
    lines.extend(added.map(|path| format!("{path:?} was not there")));
    lines
}

/// Two trees are the same.
pub(crate) fn assert_same(left: &Tree, right: &Tree) {
    let lines = differences(left, right);
    assert!(lines.is_empty(), "{} differences, the first:\n{}", lines.len(), {
        lines[..lines.len().min(12)].join("\n")
    });
}

impl Entry {
    fn differs_from(&self, other: &Entry) -> Option<String> {
        if self.content != other.content {
            return Some(match (&self.content, &other.content) {
                (Content::File(left), Content::File(right)) => {
                    format!("{} bytes against {} other bytes", left.len(), right.len())
                }
                (left, right) => format!("{left:?} against {right:?}"),
            });
        }
        let of = |entry: &Entry| {
            (entry.mode, entry.owner, entry.modified, entry.xattrs.clone(), entry.data.clone())
        };
        if of(self) != of(other) {
            return Some(format!("{:?} against {:?}", of(self), of(other)));
        }
        (self.first_name != other.first_name)
            .then(|| format!("linked to {:?} against {:?}", self.first_name, other.first_name))
    }
}
