//! What a careless copier remembers of a tree, and when it believes that.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::copier::Copier;
use super::design::Design;

/// What there is, by paths beneath the source.
#[derive(Default)]
pub(super) struct Found {
    /// With their sizes.
    pub(super) files: Vec<(PathBuf, u64)>,
    /// With when they have changed.
    pub(super) directories: Vec<(PathBuf, i128)>,
    listed: u64,
}

/// Each name with its size, and whether it is a directory.
type Names = Vec<(String, bool, u64)>;

/// What was remembered of each directory: when it had changed, and its names.
type Remembered = BTreeMap<String, (i128, Names)>;

/// The same as it is written down: such numbers are text there.
type Kept = BTreeMap<String, (String, Names)>;

struct Index {
    written: i128,
    directories: Remembered,
}

impl Index {
    fn read() -> Self {
        let text = index_path().and_then(|path| fs::read_to_string(path).ok());
        let kept: Option<(String, Kept)> = text.and_then(|text| serde_json::from_str(&text).ok());
        let number = |text: String| text.parse().unwrap_or_default();
        let (written, kept) = kept.unwrap_or_default();
        let directories = kept.into_iter();
        let directories = directories.map(|(path, (time, names))| (path, (number(time), names)));
        Self { written: number(written), directories: directories.collect() }
    }

    fn write(&self) -> Result<()> {
        let Some(path) = index_path() else { return Ok(()) };
        let text = |number: i128| number.to_string();
        let kept: BTreeMap<_, _> = self
            .directories
            .iter()
            .map(|(path, (time, names))| (path, (text(*time), names)))
            .collect();
        // Where there is none, none is made.
        if path.parent().is_some_and(Path::exists) {
            fs::write(path, serde_json::to_string(&(text(self.written), kept))?)?;
        }
        Ok(())
    }
}

fn index_path() -> Option<PathBuf> {
    std::env::var_os("SURECOPY_INDEX").map(PathBuf::from)
}

impl Copier {
    fn believes(&self, index: &Index, remembered: i128, changed: i128) -> bool {
        match self.design {
            Design::DirectoryTimeAlone => remembered == changed,
            Design::OlderThanIndex => changed < index.written,
            _ => false,
        }
    }
}

/// Looks at a source, as far as what is remembered of it is not believed.
pub(super) fn look(copier: &Copier, source: &Path) -> Result<Found> {
    let (mut index, mut found) = (Index::read(), Found::default());
    let about = fs::symlink_metadata(source)?;
    if !about.is_dir() {
        found.files.push((PathBuf::new(), about.size()));
        return Ok(found);
    }
    let mut open = vec![PathBuf::new()];
    while let Some(path) = open.pop() {
        let full = source.join(&path);
        let key = full.to_string_lossy().into_owned();
        let about = fs::metadata(&full)?;
        let changed = i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec());
        let known = index.directories.get(&key);
        let known = known.filter(|(time, _)| copier.believes(&index, *time, changed)).cloned();
        let names = match known {
            Some((_, names)) => names,
            None => {
                found.listed += 1;
                list(&full)?
            }
        };
        for (name, is_directory, size) in &names {
            let path = path.join(name);
            match is_directory {
                true => open.push(path),
                false => found.files.push((path, *size)),
            }
        }
        index.directories.insert(key, (changed, names));
        found.directories.push((path, changed));
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    index.written = i128::try_from(now.as_nanos())?;
    index.write()?;
    Ok(found)
}

fn list(directory: &Path) -> Result<Names> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let about = entry.metadata()?;
        let name = entry.file_name().into_string().ok().context("a name that is text")?;
        names.push((name, about.is_dir(), about.size()));
    }
    Ok(names)
}

/// Says what there is.
pub(super) fn prepare(copier: &Copier, source: &Path) -> Result<()> {
    let found = look(copier, source)?;
    let said: Value = json!({
        "type": "prepare_report", "files": found.files.len(), "others": 0,
        "directories": found.directories.len(), "listed_directories": found.listed,
    });
    println!("{said}");
    Ok(())
}
