//! A copy that is interrupted, and what must be there then.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use surecopy_testkit::Random;

use crate::snapshot::{PARTIAL_PREFIX, Snapshot};

/// A folder of this name is in every job, and files in it.
const FOLDER: &str = "folder";

/// Files to copy, some over old ones.
pub(crate) struct Job {
    pub(crate) source: PathBuf,
    untouched: Snapshot,
    files: Vec<Planned>,
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
            let path = source.join(&file.name);
            fs::write(&path, &file.new)?;
            // Not now, so that a new file whose times were lost is told from one that kept them.
            let long_ago = SystemTime::UNIX_EPOCH + Duration::new(1_500_000_000, 123_456_789);
            fs::File::options().write(true).open(&path)?.set_modified(long_ago)?;
        }
        let untouched = Snapshot::take(source)?;
        Ok(Self { source: source.to_owned(), untouched, files })
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
    pub(crate) fn check(&self, target: &Path, done: &BTreeSet<&Path>) -> Result<Found> {
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
                    "{} is neither old nor new: {} bytes, {} of them zero; new has {}",
                    path.display(),
                    content.len(),
                    content.iter().filter(|byte| **byte == 0).count(),
                    file.new.len()
                ),
            }
        }
        self.ensure_nothing_else(target)?;
        Ok(found)
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
        for dir in [target.to_owned(), target.join(FOLDER)] {
            for entry in fs::read_dir(&dir).with_context(|| format!("list {}", dir.display()))? {
                let entry = entry?;
                let is_partial = entry.file_name().as_encoded_bytes().starts_with(PARTIAL_PREFIX);
                let is_folder = entry.path() == target.join(FOLDER);
                ensure!(
                    is_partial || is_folder || known.contains(&entry.path()),
                    "{} came from nowhere",
                    entry.path().display()
                );
            }
        }
        Ok(())
    }
}
