//! What a tree is, one line of text for each entry, whichever files it is made of.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// Entries by their names, and in words what each is.
pub type Sight = BTreeMap<PathBuf, String>;

/// What is beneath a directory, without what is never copied.
///
/// # Errors
/// When something cannot be looked at.
pub fn sight_without_pipes(top: &Path) -> io::Result<Sight> {
    let mut found = sight(top)?;
    found.retain(|_, line| !line.ends_with(" pipe"));
    Ok(found)
}

/// Every entry beneath a directory, the directory itself among them. Everything counts that a copy can keep,
/// but extended attributes.
///
/// # Errors
/// When something cannot be looked at.
pub fn sight(top: &Path) -> io::Result<Sight> {
    let (mut found, mut open) = (BTreeMap::new(), vec![top.to_owned()]);
    let mut names: HashMap<u64, Vec<PathBuf>> = HashMap::new();
    while let Some(path) = open.pop() {
        let about = fs::symlink_metadata(&path)?;
        let name = path.strip_prefix(top).unwrap_or(&path).to_owned();
        let kind = about.file_type();
        let what = if kind.is_dir() {
            for entry in fs::read_dir(&path)? {
                open.push(entry?.path());
            }
            "directory".to_owned()
        } else if kind.is_file() {
            names.entry(about.ino()).or_default().push(name.clone());
            let mut hasher = DefaultHasher::new();
            fs::read(&path)?.hash(&mut hasher);
            format!("file of {} bytes {:016x}", about.len(), hasher.finish())
        } else if kind.is_symlink() {
            format!("link to {}", fs::read_link(&path)?.as_os_str().as_bytes().escape_ascii())
        } else if kind.is_fifo() {
            "pipe".to_owned()
        } else {
            format!("special {}", about.rdev())
        };
        let (secs, nanos) = (about.mtime(), about.mtime_nsec());
        let (mode, uid, gid) = (about.mode(), about.uid(), about.gid());
        found.insert(name, format!("{mode:o} {uid}:{gid} {secs}.{nanos:09} {what}"));
    }
    for mut group in names.into_values().filter(|group| group.len() > 1) {
        group.sort();
        for name in &group {
            if let Some(line) = found.get_mut(name) {
                line.push_str(&format!(", the same as {:?}", group[0]));
            }
        }
    }
    Ok(found)
}

/// The first entries in which two trees differ, as text; `None` when they are alike.
pub fn difference(one: &Sight, other: &Sight) -> Option<String> {
    let absent = "nothing".to_owned();
    let names = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
    let differing = names.filter_map(|name| {
        let (left, right) = (one.get(name).unwrap_or(&absent), other.get(name).unwrap_or(&absent));
        (left != right).then(|| format!("{name:?}: {left} | {right}"))
    });
    let lines: Vec<String> = differing.take(5).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}
