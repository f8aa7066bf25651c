//! A random tree, and random older versions of some of it at the target.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use surecopy_testkit::Random;
use surecopy_testkit::differential::{self, Sight, difference, sight_without_pipes};

use crate::job::Found;
use crate::snapshot::Snapshot;

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

    /// Fails unless the target is like the source in everything, but for the metadata of those of which it was
    /// told that something of it could not be kept. Where old files are kept, they stand there besides.
    pub(super) fn ensure_copied(
        &self,
        target: &Path,
        lacking: &BTreeSet<PathBuf>,
        are_old_kept: bool,
    ) -> Result<()> {
        let (mut wanted, mut found) = (self.sight.clone(), sight_without_pipes(target)?);
        for name in lacking.iter().filter_map(|path| path.strip_prefix(target).ok()) {
            let what = wanted
                .get(name)
                .and_then(|line| line.split_once(SAME))
                .map(|(_, of)| of.to_owned());
            let is_other_name =
                |line: &String| what.as_ref().is_some_and(|of| line.ends_with(of.as_str()));
            wanted.retain(|other, line| other != name && !is_other_name(line));
        }
        if are_old_kept || !lacking.is_empty() {
            found.retain(|name, _| wanted.contains_key(name));
        }
        match difference(&wanted, &found) {
            Some(found) => bail!("source | target:\n{found}"),
            None => Ok(()),
        }
    }

    /// Fails unless every target is what it was, or is not there when it was not.
    pub(super) fn ensure_old(&self, target: &Path) -> Result<()> {
        let had = self.files.values().filter(|versions| versions.old.is_some()).count();
        let found = self.check(target, &BTreeSet::new())?;
        let equal = |versions: &Versions| versions.old.as_ref() == Some(&versions.new);
        let is_old = found.old == had && found.new == 0;
        ensure!(is_old || self.files.values().any(equal), "not as it was: {found:?}, {had} old");
        Ok(())
    }

    /// Fails unless the source is as it was.
    pub(super) fn ensure_untouched(&self) -> Result<()> {
        self.untouched.ensure_unchanged(&self.source)
    }
}

/// Behind it stands which file has another name here.
const SAME: &str = ", the same as ";

/// As often small as large.
fn content(random: &mut Random) -> Vec<u8> {
    let most = 1 << random.below(22);
    let length = usize::try_from(random.below(most)).unwrap_or_default();
    random.bytes(length)
}
