//! A random tree, and random older versions of some of it at the target.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use surecopy_testkit::Random;

use crate::job::Found;
use crate::snapshot::Snapshot;

/// Beginnings of names, some of them hard to show.
const STEMS: &[&[u8]] =
    &[b"file", b"with space", b"new\nline", "📷".as_bytes(), b"-rf", b"\xff\xfe"];

/// Files with their new and old contents, beneath a source.
pub(super) struct RandomTree {
    pub(super) source: PathBuf,
    files: BTreeMap<PathBuf, Versions>,
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
        let directories = directories(random, &source)?;
        let mut files = BTreeMap::new();
        for number in 0..5 + random.below(120) {
            let name = [*random.pick(STEMS), format!("-{number}").as_bytes()].concat();
            let name = random.pick(&directories).join(OsStr::from_bytes(&name));
            let path = source.join(&name);
            if random.below(12) == 0 {
                symlink(random.pick(&["nowhere", "..", "/etc/hostname"]), &path)?;
                continue;
            }
            let known: Vec<&PathBuf> = files.keys().collect();
            if random.below(12) == 0 && !known.is_empty() {
                let other = (*random.pick(&known)).clone();
                fs::hard_link(source.join(&other), &path)?;
                let new = fs::read(&path)?;
                files.insert(name, Versions { new, old: None });
                continue;
            }
            let old = (random.below(3) == 0).then(|| content(random));
            write(random, &path)?;
            files.insert(name, Versions { new: fs::read(&path)?, old });
        }
        for directory in directories.iter().rev() {
            let path = source.join(directory);
            fs::set_permissions(&path, Permissions::from_mode(*random.pick(&[0o755, 0o700])))?;
            File::open(path)?.set_modified(time(random))?;
        }
        let untouched = Snapshot::take(&source)?;
        Ok(Self { source, files, untouched })
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
    pub(super) fn check(&self, target: &Path, done: &BTreeSet<&Path>) -> Result<Found> {
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

/// Makes some directories; the first is the top.
fn directories(random: &mut Random, source: &Path) -> Result<Vec<PathBuf>> {
    let mut all = vec![PathBuf::new()];
    for number in 0..random.below(12) {
        let name = random.pick(&all).join(format!("folder {number}"));
        fs::create_dir(source.join(&name))?;
        all.push(name);
    }
    Ok(all)
}

fn time(random: &mut Random) -> SystemTime {
    let nanos = u32::try_from(random.below(1_000_000_000)).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::new(random.below(1_700_000_000), nanos)
}

/// As often small as large.
fn content(random: &mut Random) -> Vec<u8> {
    let most = 1 << random.below(22);
    let length = usize::try_from(random.below(most)).unwrap_or_default();
    random.bytes(length)
}

fn write(random: &mut Random, path: &Path) -> Result<()> {
    let bytes = content(random);
    let file = File::create_new(path)?;
    if random.below(6) == 0 {
        // With a hole before it, and one behind.
        let before = random.below(1 << 20);
        file.write_all_at(&bytes, before)?;
        file.set_len(before + bytes.len() as u64 + random.below(1 << 20))?;
    } else {
        file.write_all_at(&bytes, 0)?;
    }
    let modes = [0o644, 0o600, 0o755, 0o444];
    file.set_permissions(Permissions::from_mode(*random.pick(&modes)))?;
    file.set_modified(time(random))?;
    Ok(())
}
