//! What comes of a copy and of a preparation when the index is not what there is any more, or is no index.

mod changed;
mod faults;
mod smooth;

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::program::Folder;

/// One entry as a copy has to make it: mode, time, and its bytes or its text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    mode: u32,
    modified: Option<(i64, i64)>,
    content: Option<Vec<u8>>,
    /// The first path under which the same file was met.
    same_as: Option<PathBuf>,
}

/// Everything beneath a directory.
fn tree(root: &Path) -> BTreeMap<PathBuf, Entry> {
    let (mut found, mut files) = (BTreeMap::new(), BTreeMap::new());
    let mut pending = vec![root.to_owned()];
    while let Some(folder) = pending.pop() {
        let mut names: Vec<PathBuf> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        for path in names {
            let metadata = fs::symlink_metadata(&path).unwrap();
            let below = path.strip_prefix(root).unwrap().to_owned();
            found.insert(below.clone(), entry(&path, &below, &metadata, &mut files));
            if metadata.is_dir() {
                pending.push(path);
            }
        }
    }
    found
}

fn entry(
    path: &Path,
    below: &Path,
    metadata: &Metadata,
    files: &mut BTreeMap<u64, PathBuf>,
) -> Entry {
    let content = if metadata.is_symlink() {
        Some(fs::read_link(path).unwrap().into_os_string().into_encoded_bytes())
    } else {
        metadata.is_file().then(|| fs::read(path).unwrap())
    };
    let first = files.entry(metadata.ino()).or_insert_with(|| below.to_owned());
    Entry {
        mode: metadata.permissions().mode(),
        modified: (!metadata.is_symlink()).then(|| (metadata.mtime(), metadata.mtime_nsec())),
        content,
        same_as: (metadata.nlink() > 1 && metadata.is_file()).then(|| first.clone()),
    }
}

/// Sets the time of modification, as `touch -d` does.
fn date(path: &Path, modified: SystemTime) {
    File::open(path).unwrap().set_modified(modified).unwrap();
}

fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

const DAY: Duration = Duration::from_secs(86_400);

/// Makes the index of what is there.
fn index(folder: &Folder, sources: &[&str]) {
    folder.let_age();
    let mut arguments = vec!["prepare", "--index", "index.db"];
    arguments.extend(sources);
    folder.run(&arguments).all_done();
}

/// The same index under another name, so that what uses it leaves it as it was for the next.
fn copy_of_index(folder: &Folder, name: &str) {
    for suffix in ["", ".lock"] {
        let bytes = fs::read(folder.path(format!("index.db{suffix}"))).unwrap();
        fs::write(folder.path(format!("{name}{suffix}")), bytes).unwrap();
    }
}
