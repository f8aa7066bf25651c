//! A copy that is interrupted, and what must be there then.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use surecopy_testkit::Random;

use crate::snapshot::{PARTIAL_PREFIX, Snapshot};

/// A folder of this name is in every job, and files in it.
const FOLDER: &str = "folder";

/// An empty folder of this name is in jobs with links, and one that is new, with files in it.
const EMPTY: &str = "empty";
const NEW: &str = "new";

/// A symbolic link of this name is in jobs with links, and where it leads.
const LINK: (&str, &str) = ("symbolic-link", "folder/small-4");

/// Files to copy, some over old ones.
pub(crate) struct Job {
    pub(crate) source: PathBuf,
    untouched: Snapshot,
    files: Vec<Planned>,
    has_link: bool,
}

struct Planned {
    /// Beneath the source and beneath the target.
    name: PathBuf,
    new: Vec<u8>,
    old: Option<Vec<u8>>,
}

/// How many files of each kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// Of a few kilobytes; every third one replaces an old file, every fifth is in a folder.
    pub(crate) small: usize,
    /// Of 3 MiB; every second one replaces an old file.
    pub(crate) medium: usize,
}

/// How many targets were found in which state.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) old: usize,
    pub(crate) new: usize,
    /// New ones that are not there yet.
    pub(crate) absent: usize,
}

impl Found {
    pub(crate) fn add(&mut self, other: Self) {
        self.old += other.old;
        self.new += other.new;
        self.absent += other.absent;
    }
}

impl Job {
    /// Makes the files in an empty folder.
    pub(crate) fn new(source: &Path, size: Size) -> Result<Self> {
        fs::create_dir(source.join(FOLDER))?;
        let mut random = Random::new(34);
        let mut files = Vec::new();
        for number in 0..size.small {
            let folder = if number % 5 == 4 { FOLDER } else { "" };
            let name = Path::new(folder).join(format!("small-{number}"));
            let new = random.bytes(200 + number * 379);
            let old = (number % 3 == 1).then(|| random.bytes(5000));
            files.push(Planned { name, new, old });
        }
        for number in 0..size.medium {
            let name = PathBuf::from(format!("medium-{number}"));
            let new = random.bytes(3 << 20);
            let old = (number % 2 == 1).then(|| random.bytes(2 << 20));
            files.push(Planned { name, new, old });
        }
        for file in &files {
            write_long_ago(&source.join(&file.name), &file.new)?;
        }
        let untouched = Snapshot::take(source)?;
        Ok(Self { source: source.to_owned(), untouched, files, has_link: false })
    }

    /// Makes the files, and further names of two of them, a symbolic link, an empty folder and a new one with
    /// files in it.
    pub(crate) fn with_links(source: &Path, size: Size) -> Result<Self> {
        let mut job = Self::new(source, size)?;
        fs::create_dir(source.join(NEW))?;
        for name in ["new/first", "new/second"] {
            write_long_ago(&source.join(name), name.repeat(500).as_bytes())?;
        }
        for (first, further) in [("small-0", "further-0"), ("small-1", "folder/further-1")] {
            fs::hard_link(source.join(first), source.join(further))?;
        }
        for name in ["further-0", "folder/further-1", "new/first", "new/second"] {
            let new = fs::read(source.join(name))?;
            job.files.push(Planned { name: PathBuf::from(name), new, old: None });
        }
        symlink(LINK.1, source.join(LINK.0))?;
        job.has_link = true;
        fs::create_dir(source.join(EMPTY))?;
        for dir in [EMPTY, NEW] {
            fs::set_permissions(source.join(dir), fs::Permissions::from_mode(0o751))?;
        }
        let long_ago = SystemTime::UNIX_EPOCH + Duration::new(1_400_000_000, 5_000);
        for dir in [FOLDER, EMPTY, NEW, ""] {
            fs::File::open(source.join(dir))?.set_modified(long_ago)?;
        }
        job.untouched = Snapshot::take(source)?;
        Ok(job)
    }

    /// How many files there are.
    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// Makes the target with the old files; what was in it is gone.
    pub(crate) fn fill(&self, target: &Path) -> Result<()> {
        if target.exists() {
            fs::remove_dir_all(target)?;
        }
        fs::create_dir_all(target.join(FOLDER))?;
        for file in &self.files {
            if let Some(old) = &file.old {
                fs::write(target.join(&file.name), old)?;
            }
        }
        Ok(())
    }

    /// Fails unless every target is old or new, and what was reported as done, by its path, is new.
    /// Whatever else is there must have a name of partial files.
    pub(crate) fn check(&self, target: &Path, done: &BTreeSet<PathBuf>) -> Result<Found> {
        let mut found = Found::default();
        for file in &self.files {
            let path = target.join(&file.name);
            let is_done = done.contains(path.as_path());
            match fs::read(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    ensure!(file.old.is_none(), "{} is gone", path.display());
                    ensure!(!is_done, "{}, reported as done, is not there", path.display());
                    found.absent += 1;
                }
                Err(error) => bail!("read {}: {error}", path.display()),
                Ok(content) if content == file.new => {
                    self.ensure_complete(file, &path)?;
                    found.new += 1;
                }
                Ok(content) if file.old.as_ref() == Some(&content) => {
                    ensure!(!is_done, "{}, reported as done, is old", path.display());
                    found.old += 1;
                }
                Ok(content) => bail!(
                    "{}{} is neither old nor new: {} bytes, {} of them zero; new has {}",
                    path.display(),
                    if is_done { ", reported as done," } else { "" },
                    content.len(),
                    content.iter().filter(|byte| **byte == 0).count(),
                    file.new.len()
                ),
            }
        }
        let link = target.join(LINK.0);
        match fs::read_link(&link) {
            Ok(leads) => ensure!(leads == Path::new(LINK.1), "{} leads elsewhere", link.display()),
            Err(_) => ensure!(!done.contains(link.as_path()), "{} is not there", link.display()),
        }
        self.ensure_nothing_else(target)?;
        Ok(found)
    }

    /// Every target that is not a directory.
    pub(crate) fn targets(&self, target: &Path) -> BTreeSet<PathBuf> {
        let link = self.has_link.then_some(Path::new(LINK.0));
        let names = self.files.iter().map(|file| file.name.as_path()).chain(link);
        names.map(|name| target.join(name)).collect()
    }

    /// The numbers of those targets that are new, by path.
    pub(crate) fn new_ones(&self, target: &Path) -> BTreeMap<PathBuf, u64> {
        let mut numbers = BTreeMap::new();
        for file in &self.files {
            let path = target.join(&file.name);
            if fs::read(&path).is_ok_and(|content| content == file.new)
                && let Ok(about) = fs::symlink_metadata(&path)
            {
                numbers.insert(path, about.ino());
            }
        }
        numbers
    }

    /// Fails unless the old content of each file that was to be replaced is there under its name, or under
    /// that of a backup beside it; those that are done may be without.
    pub(crate) fn ensure_old_ones_reachable(
        &self,
        target: &Path,
        done: &BTreeSet<PathBuf>,
    ) -> Result<usize> {
        let mut under_backups = 0;
        for file in &self.files {
            let path = target.join(&file.name);
            let Some(old) = &file.old else { continue };
            if done.contains(path.as_path()) || fs::read(&path)? == *old {
                continue;
            }
            let dir = path.parent().context("it is in a folder")?;
            let mut is_there = false;
            for entry in fs::read_dir(dir)? {
                let name = entry?.file_name();
                let is_backup = name.as_encoded_bytes().starts_with(PARTIAL_PREFIX)
                    && name.as_encoded_bytes().ends_with(b".backup");
                is_there |= is_backup && fs::read(dir.join(name))? == *old;
            }
            ensure!(is_there, "what {} was is nowhere, and it is not done", path.display());
            under_backups += 1;
        }
        Ok(under_backups)
    }

    /// Fails unless all is new.
    pub(crate) fn ensure_finished(&self, target: &Path) -> Result<()> {
        let found = self.check(target, &BTreeSet::new())?;
        ensure!(found.new == self.len(), "not all is new: {found:?}");
        Ok(())
    }

    /// Fails unless the source is as it was, in every respect.
    pub(crate) fn ensure_source_untouched(&self) -> Result<()> {
        self.untouched.ensure_unchanged(&self.source)
    }

    /// A new file has its times and permissions before it has its name.
    fn ensure_complete(&self, file: &Planned, path: &Path) -> Result<()> {
        let about = |path: &Path| -> Result<_> {
            let about = fs::symlink_metadata(path)?;
            Ok((about.mode(), about.mtime(), about.mtime_nsec()))
        };
        let (source, target) = (about(&self.source.join(&file.name))?, about(path)?);
        ensure!(source == target, "{}: {target:?} instead of {source:?}", path.display());
        Ok(())
    }

    fn ensure_nothing_else(&self, target: &Path) -> Result<()> {
        let known: BTreeSet<PathBuf> =
            self.files.iter().map(|file| target.join(&file.name)).collect();
        for dir in [target.to_owned(), target.join(FOLDER), target.join(EMPTY), target.join(NEW)] {
            if !dir.exists() {
                continue;
            }
            for entry in fs::read_dir(&dir).with_context(|| format!("list {}", dir.display()))? {
                let entry = entry?;
                let is_partial = entry.file_name().as_encoded_bytes().starts_with(PARTIAL_PREFIX);
                let is_other = [FOLDER, EMPTY, NEW, LINK.0].map(|name| target.join(name));
                ensure!(
                    is_partial || is_other.contains(&entry.path()) || known.contains(&entry.path()),
                    "{} came from nowhere",
                    entry.path().display()
                );
            }
        }
        Ok(())
    }
}

/// Not now, so that a new file whose times were lost is told from one that kept them.
fn write_long_ago(path: &Path, content: &[u8]) -> Result<()> {
    fs::write(path, content)?;
    let long_ago = SystemTime::UNIX_EPOCH + Duration::new(1_500_000_000, 123_456_789);
    fs::File::options().write(true).open(path)?.set_modified(long_ago)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_replaced_before_it_is_done_has_to_be_in_a_backup() {
        let top = std::env::temp_dir().join(format!("surecopy-job-{}", std::process::id()));
        let (source, target) = (top.join("source"), top.join("target"));
        fs::create_dir_all(&source).expect("it is new");
        let job = Job::with_links(&source, Size { small: 5, medium: 0 }).expect("there is room");
        job.fill(&target).expect("there is room");
        let file = target.join("small-1");
        let old = fs::read(&file).expect("it was filled");
        let reachable = |done: &[&Path]| {
            job.ensure_old_ones_reachable(
                &target,
                &done.iter().map(|path| path.to_path_buf()).collect(),
            )
            .ok()
        };
        assert_eq!(reachable(&[]), Some(0));
        fs::write(&file, "another").expect("there is room");
        assert_eq!(reachable(&[]), None);
        assert_eq!(reachable(&[&file]), Some(0));
        fs::write(target.join(".surecopy-1.backup"), old).expect("there is room");
        assert_eq!(reachable(&[]), Some(1));
        fs::remove_dir_all(&top).expect("it goes");
    }
}
