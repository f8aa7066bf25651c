//! What a directory looks like, to be compared with what it looks like later.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// How the names of partial files begin.
pub(crate) const PARTIAL_PREFIX: &[u8] = b".surecopy-";

/// Everything that must not change in an entry. Files by content, too.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    mode: u32,
    owner: (u32, u32),
    inode: u64,
    modified: (i64, i64),
    content: Vec<u8>,
}

/// A directory and all beneath it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot(BTreeMap<PathBuf, Seen>);

impl Snapshot {
    /// Looks at a small tree; content is read whole.
    pub(crate) fn take(top: &Path) -> Result<Self> {
        let mut entries = BTreeMap::new();
        let mut open = vec![top.to_owned()];
        while let Some(path) = open.pop() {
            let about = fs::symlink_metadata(&path)
                .with_context(|| format!("look at {}", path.display()))?;
            let mut content = Vec::new();
            if about.is_dir() {
                for entry in fs::read_dir(&path)? {
                    open.push(entry?.path());
                }
            } else if about.is_file() {
                content = fs::read(&path)?;
            }
            let seen = Seen {
                mode: about.mode(),
                owner: (about.uid(), about.gid()),
                inode: about.ino(),
                modified: (about.mtime(), about.mtime_nsec()),
                content,
            };
            entries.insert(path, seen);
        }
        Ok(Self(entries))
    }

    /// Fails, naming what differs, unless the tree is still as it was.
    pub(crate) fn ensure_unchanged(&self, top: &Path) -> Result<()> {
        let now = Self::take(top)?;
        for (path, seen) in &now.0 {
            let before = self.0.get(path);
            ensure!(before.is_some(), "{} was not there before", path.display());
            ensure!(
                before.is_some_and(|before| before == seen),
                "{} changed: {:?}, before {:?}",
                path.display(),
                Self::summary(seen),
                before.map(Self::summary)
            );
        }
        for path in self.0.keys() {
            ensure!(now.0.contains_key(path), "{} is gone", path.display());
        }
        Ok(())
    }

    fn summary(seen: &Seen) -> (String, (u32, u32), u64, (i64, i64), usize) {
        (format!("{:o}", seen.mode), seen.owner, seen.inode, seen.modified, seen.content.len())
    }
}

/// Fails when partial files or backups lie anywhere beneath a directory.
pub(crate) fn ensure_no_partials(top: &Path) -> Result<()> {
    let mut open = vec![top.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).with_context(|| format!("list {}", dir.display()))? {
            let entry = entry?;
            let name: &OsStr = &entry.file_name();
            ensure!(
                !name.as_bytes().starts_with(PARTIAL_PREFIX),
                "{} was left behind",
                entry.path().display()
            );
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            }
        }
    }
    Ok(())
}
