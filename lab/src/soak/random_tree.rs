//! A random tree, and random older versions of some of it at the target.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use surecopy_testkit::Random;
use surecopy_testkit::differential::{self, Sight, difference, sight, sight_without_pipes};

use crate::job::Found;
use crate::snapshot::Snapshot;

/// What was replaced, by what replaced it: where it is kept.
pub(super) type Kept = BTreeMap<PathBuf, Vec<PathBuf>>;

/// Files with their new and old contents, beneath a source.
pub(super) struct RandomTree {
    pub(super) source: PathBuf,
    files: BTreeMap<PathBuf, Versions>,
    sight: Sight,
    untouched: Snapshot,
}

struct Versions {
    new: Vec<u8>,
    old: Option<Vec<u8>>,
}

impl RandomTree {
    /// Makes the tree in a new folder.
    pub(super) fn make(random: &mut Random, source: PathBuf) -> Result<Self> {
        fs::create_dir(&source)?;
        let (is_privileged, has_attributes) = (true, true);
        let mut tree = differential::RandomTree::new(random.next(), is_privileged, has_attributes);
        let script = tree.script(8 + random.below(60));
        differential::run_script(&source, &script).map_err(anyhow::Error::msg)?;
        let (sight, mut files) = (sight_without_pipes(&source)?, BTreeMap::new());
        for name in sight.keys() {
            let path = source.join(name);
            if fs::symlink_metadata(&path)?.is_file() {
                let old = (random.below(3) == 0).then(|| content(random));
                files.insert(name.clone(), Versions { new: fs::read(&path)?, old });
            }
        }
        let untouched = Snapshot::take(&source)?;
        Ok(Self { source, files, sight, untouched })
    }

    /// How many files there are.
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// Every path that a copy of it has.
    pub(super) fn targets(&self, target: &Path) -> BTreeSet<PathBuf> {
        self.sight.keys().map(|name| target.join(name)).collect()
    }

    /// A directory that would be new in this target.
    pub(super) fn new_directory(&self, target: &Path) -> Result<PathBuf> {
        let is_new = |name: &&PathBuf| {
            let stands_in = target.join(name.parent().unwrap_or(name));
            !target.join(name).exists() && stands_in.is_dir()
        };
        let mut directories = self.sight.iter().filter(|(_, line)| line.ends_with(DIRECTORY));
        let new = directories.find(|(name, _)| is_new(name)).context("none is new")?.0;
        Ok(new.clone())
    }

    /// Makes the target with the old files.
    pub(super) fn fill(&self, target: &Path) -> Result<()> {
        fs::create_dir(target)?;
        for (name, versions) in &self.files {
            if let Some(old) = &versions.old {
                let path = target.join(name);
                fs::create_dir_all(path.parent().context("it stands in a folder")?)?;
                fs::write(path, old)?;
            }
        }
        Ok(())
    }

    /// Fails unless every target is old or new, and what was told to be done is new.
    pub(super) fn check(&self, target: &Path, done: &BTreeSet<PathBuf>) -> Result<Found> {
        let mut found = Found::default();
        for (name, versions) in &self.files {
            let path = target.join(name);
            let is_new = match fs::read(&path) {
                Ok(content) if content == versions.new => {
                    found.new += 1;
                    true
                }
                Ok(content) if versions.old.as_ref() == Some(&content) => {
                    found.old += 1;
                    false
                }
                Ok(content) => {
                    bail!("{}: neither old nor new, {} bytes", path.display(), content.len())
                }
                Err(error) if error.kind() == ErrorKind::NotFound && versions.old.is_none() => {
                    found.absent += 1;
                    false
                }
                Err(error) => bail!("{}: {error}", path.display()),
            };
            ensure!(is_new || !done.contains(path.as_path()), "{}: told done", path.display());
        }
        Ok(found)
    }

    /// Fails when something is there that neither the source has nor was told, by its path beneath the target.
    pub(super) fn ensure_no_strays(
        &self,
        target: &Path,
        is_told: impl Fn(&Path) -> bool,
    ) -> Result<()> {
        let is_stray = |name: &&PathBuf| !self.sight.contains_key(*name) && !is_told(name);
        match sight(target)?.keys().find(is_stray) {
            Some(stray) => bail!("{} came from nowhere", target.join(stray).display()),
            None => Ok(()),
        }
    }

    /// Fails unless the target is like the source in everything, but for the metadata and further names of those
    /// of which it was told that something of it could not be kept. Besides, what was told to be kept stands
    /// there, and nothing else.
    pub(super) fn ensure_copied(
        &self,
        target: &Path,
        lacking: &BTreeSet<PathBuf>,
        kept: &Kept,
    ) -> Result<()> {
        let (mut wanted, mut found) = (self.sight.clone(), sight(target)?);
        for (of, backups) in kept {
            self.ensure_kept(target, of, backups)?;
            for backup in backups {
                found.remove(&beneath(target, backup)?);
            }
        }
        for name in lacking.iter().filter_map(|path| path.strip_prefix(target).ok()) {
            // Its further names lack the same, and may be files of their own.
            let first = wanted.get(name).and_then(|line| line.split_once(SAME));
            let names: Vec<PathBuf> = match first.map(|(_, of)| format!("{SAME}{of}")) {
                Some(end) => keys(&wanted, |line| line.ends_with(&end)),
                None => vec![name.to_owned()],
            };
            for name in names {
                for sight in [&mut wanted, &mut found] {
                    if let Some(line) = sight.get_mut(&name) {
                        *line = without_metadata(line);
                    }
                }
            }
        }
        match difference(&wanted, &found) {
            Some(found) => bail!("source | target:\n{found}"),
            None => Ok(()),
        }
    }

    /// Fails unless one backup of a target is what was old there, and what else was replaced under its name is
    /// what the job itself had made: a copy that became a further name later.
    fn ensure_kept(&self, target: &Path, of: &Path, backups: &[PathBuf]) -> Result<()> {
        let versions = self.files.get(&beneath(target, of)?);
        let versions = versions.with_context(|| format!("{} replaced nothing", of.display()))?;
        let mut old = 0;
        for backup in backups {
            let found = fs::read(backup).with_context(|| format!("read {}", backup.display()))?;
            let is_old = versions.old.as_ref() == Some(&found);
            ensure!(is_old || found == versions.new, "{}: neither", backup.display());
            old += usize::from(is_old);
        }
        let had = usize::from(versions.old.is_some());
        ensure!(
            old == had || versions.old.as_ref() == Some(&versions.new),
            "of what was at {} {old} are kept: {backups:?}",
            of.display()
        );
        Ok(())
    }

    /// Fails unless every target is what it was, or is not there when it was not, and nothing else is there.
    /// Directories of the source may stay of which the job does not know, with what they stand in, if it is
    /// said which those are that it knows.
    pub(super) fn ensure_old(
        &self,
        target: &Path,
        known: Option<&BTreeSet<PathBuf>>,
    ) -> Result<()> {
        for (name, versions) in &self.files {
            let path = target.join(name);
            let is_old = fs::read(&path).ok() == versions.old;
            ensure!(is_old, "{} is not as it was", path.display());
        }
        let found = sight(target)?;
        let is_directory =
            |name: &&PathBuf| self.sight.get(*name).is_some_and(|line| line.ends_with(DIRECTORY));
        let unknown = found.keys().filter(|name| {
            is_directory(name) && known.is_some_and(|known| !known.contains(name.as_path()))
        });
        let old = self.files.iter().filter(|(_, versions)| versions.old.is_some());
        let may_stay: BTreeSet<&Path> =
            old.map(|(name, _)| name).chain(unknown).flat_map(|name| name.ancestors()).collect();
        let is_left = |name: &&PathBuf| *name != "" && !may_stay.contains(name.as_path());
        match found.keys().find(is_left) {
            Some(left) => bail!("{} is still there", target.join(left).display()),
            None => Ok(()),
        }
    }

    /// Fails unless the source is as it was.
    pub(super) fn ensure_untouched(&self) -> Result<()> {
        self.untouched.ensure_unchanged(&self.source)
    }
}

/// How a directory's line ends.
const DIRECTORY: &str = " directory";

/// Behind it stands which file has another name here.
const SAME: &str = ", the same as ";

/// What is not content: mode, owner and time come first, and which file it is comes last.
fn without_metadata(line: &str) -> String {
    let what = line.splitn(4, ' ').nth(3).unwrap_or_default();
    what.split_once(SAME).map_or(what, |(what, _)| what).to_owned()
}

fn keys(sight: &Sight, is_meant: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    sight.iter().filter(|(_, line)| is_meant(line)).map(|(name, _)| name.clone()).collect()
}

fn beneath(target: &Path, path: &Path) -> Result<PathBuf> {
    let name = path.strip_prefix(target);
    Ok(name.with_context(|| format!("{} is elsewhere", path.display()))?.to_owned())
}

/// As often small as large.
fn content(random: &mut Random) -> Vec<u8> {
    let most = 1 << random.below(22);
    let length = usize::try_from(random.below(most)).unwrap_or_default();
    random.bytes(length)
}
