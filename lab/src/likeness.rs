//! What a tree is, whichever files it is made of: two copies of one source are alike.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// A tree without the numbers of its files, to be compared with another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Likeness(BTreeMap<PathBuf, Entry>);

#[derive(Clone, PartialEq, Eq)]
struct Entry {
    mode: u32,
    owner: (u32, u32),
    modified: (i64, i64),
    content: Content,
}

#[derive(Clone, PartialEq, Eq)]
enum Content {
    Folder,
    File {
        bytes: Vec<u8>,
        /// The first of its names.
        first: PathBuf,
    },
    Link(PathBuf),
    Other,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { mode, owner, modified, content } = self;
        write!(f, "{mode:o} {owner:?} {modified:?} ")?;
        match content {
            Content::Folder => write!(f, "folder"),
            Content::File { bytes, first } => write!(f, "{} bytes of {first:?}", bytes.len()),
            Content::Link(to) => write!(f, "link to {to:?}"),
            Content::Other => write!(f, "neither"),
        }
    }
}

impl Likeness {
    /// Looks at a small tree; content is read whole.
    pub(crate) fn take(top: &Path) -> Result<Self> {
        let mut entries = BTreeMap::new();
        let mut open = vec![top.to_owned()];
        let mut files: BTreeMap<u64, Vec<PathBuf>> = BTreeMap::new();
        while let Some(path) = open.pop() {
            let about = fs::symlink_metadata(&path)
                .with_context(|| format!("look at {}", path.display()))?;
            let name = path.strip_prefix(top)?.to_owned();
            let content = if about.is_dir() {
                for entry in fs::read_dir(&path)? {
                    open.push(entry?.path());
                }
                Content::Folder
            } else if about.is_file() {
                files.entry(about.ino()).or_default().push(name.clone());
                Content::File { bytes: fs::read(&path)?, first: PathBuf::new() }
            } else if about.is_symlink() {
                Content::Link(fs::read_link(&path)?)
            } else {
                Content::Other
            };
            let entry = Entry {
                mode: about.mode(),
                owner: (about.uid(), about.gid()),
                modified: (about.mtime(), about.mtime_nsec()),
                content,
            };
            entries.insert(name, entry);
        }
        for names in files.values() {
            for name in names {
                if let Some(Entry { content: Content::File { first, .. }, .. }) =
                    entries.get_mut(name)
                {
                    *first = names.iter().min().cloned().unwrap_or_default();
                }
            }
        }
        Ok(Self(entries))
    }

    /// Fails, naming what differs, unless the tree is like this one.
    pub(crate) fn ensure_of(&self, top: &Path) -> Result<()> {
        self.ensure_is(&Self::take(top)?, top)
    }

    fn ensure_is(&self, found: &Self, top: &Path) -> Result<()> {
        for name in self.0.keys().chain(found.0.keys()) {
            let (expected, found) = (self.0.get(name), found.0.get(name));
            let path = top.join(name);
            ensure!(expected == found, "{}: {found:?} instead of {expected:?}", path.display());
        }
        Ok(())
    }
}

impl Likeness {
    /// The same without the times of directories, and without what they are: who puts files back in them
    /// changes those.
    pub(crate) fn ensure_files_of(&self, top: &Path) -> Result<()> {
        let without = |likeness: &Self| {
            likeness.with_folders(|folder| {
                (folder.mode, folder.owner, folder.modified) = (0, (0, 0), (0, 0));
            })
        };
        without(self).ensure_is(&without(&Self::take(top)?), top)
    }

    /// The same without the times of directories only.
    pub(crate) fn ensure_all_but_folder_times_of(&self, top: &Path) -> Result<()> {
        let without = |likeness: &Self| likeness.with_folders(|folder| folder.modified = (0, 0));
        without(self).ensure_is(&without(&Self::take(top)?), top)
    }

    fn with_folders(&self, change: impl Fn(&mut Entry)) -> Self {
        let mut entries = self.0.clone();
        entries.values_mut().filter(|entry| entry.content == Content::Folder).for_each(change);
        Self(entries)
    }

    /// Every name in it, the top's is empty.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Path> {
        self.0.keys().map(PathBuf::as_path)
    }

    pub(crate) fn has(&self, name: &Path) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn is_folder(&self, name: &Path) -> bool {
        self.0.get(name).is_some_and(|entry| entry.content == Content::Folder)
    }

    /// Whether a name in this tree shows what another one shows in that tree: whatever further names it has,
    /// and, of a folder, whenever it was changed.
    pub(crate) fn shows(&self, name: &Path, that: &Self, other: &Path) -> bool {
        let (Some(one), Some(other)) = (self.0.get(name), that.0.get(other)) else { return false };
        let is_time_equal = one.content == Content::Folder || one.modified == other.modified;
        let is_content_equal = match (&one.content, &other.content) {
            (Content::File { bytes, .. }, Content::File { bytes: others, .. }) => bytes == others,
            (one, other) => one == other,
        };
        is_content_equal && is_time_equal && (one.mode, one.owner) == (other.mode, other.owner)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn whatever_differs_is_found() {
        let dir = std::env::temp_dir().join(format!("surecopy-likeness-{}", std::process::id()));
        let make = "mkdir -p $0/a/dir; cd $0/a; echo 1 >f; ln f second; ln -s f link; cp -a . ../b";
        let shell = |script: &str| {
            let done = Command::new("bash").args(["-euc", script]).arg(&dir).status();
            assert!(done.expect("bash starts").success(), "{script}");
        };
        shell(make);
        let like = Likeness::take(&dir.join("a")).expect("it is there");
        like.ensure_of(&dir.join("b")).expect("a copy is alike");
        for change in [
            "echo 2 >f; touch -r ../a/f f; touch -r ../a .",
            "touch f",
            "touch dir",
            "touch -h link",
            "chmod 0600 f",
            "ln -sfn other link; touch -hr ../a/link link; touch -r ../a .",
            "cp -p f x; mv x second; touch -r ../a .",
            "rm second; touch -r ../a .",
            "touch more; touch -r ../a .",
        ] {
            shell(&format!("rm -r $0/b; cp -a $0/a $0/b; cd $0/b; {change}"));
            assert!(like.ensure_of(&dir.join("b")).is_err(), "{change}");
        }
        fs::remove_dir_all(&dir).expect("it goes");
    }
}
