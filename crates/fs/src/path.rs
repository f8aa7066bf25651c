//! Paths beneath a root.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Component, MAIN_SEPARATOR_STR, Path, PathBuf};

/// A path relative to a root, made of plain names only: no `..`, no `.`, no root, no prefix.
///
/// The empty path is the root itself. Its length is not limited: a path may be longer than the
/// OS's `PATH_MAX`, since roots are walked handle by handle.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct RelPath(PathBuf);

/// The path given is absolute or contains `..`, so it is not beneath anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a path beneath a root: {}", .path.display())]
pub struct InvalidRelPath {
    /// The offending path.
    pub path: PathBuf,
}

impl RelPath {
    /// The root itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// Checks that `path` has plain names only. `.` components are dropped.
    pub fn new(path: impl AsRef<Path>) -> Result<Self, InvalidRelPath> {
        let path = path.as_ref();
        let mut clean = PathBuf::new();
        for component in path.components() {
            match component {
                Component::Normal(name) => clean.push(name),
                Component::CurDir => {}
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                    return Err(InvalidRelPath { path: path.to_owned() });
                }
            }
        }
        Ok(Self(clean))
    }

    /// This path with one more name.
    ///
    /// # Panics
    /// When `name` is empty, `.`, `..` or contains a separator: names come from directory
    /// listings, which cannot contain such a thing.
    pub fn join(&self, name: &OsStr) -> Self {
        assert!(is_plain_name(name), "a directory entry is a plain name: {name:?}");
        let above = self.0.as_os_str();
        // Once for every entry of a tree, so the room is taken once.
        let mut joined = OsString::with_capacity(above.len() + 1 + name.len());
        if !above.is_empty() {
            joined.push(above);
            joined.push(MAIN_SEPARATOR_STR);
        }
        joined.push(name);
        Self(joined.into())
    }

    /// The same, of a name that may be anything: `None` when it is no plain one.
    pub fn plain_name(name: OsString) -> Option<OsString> {
        is_plain_name(&name).then_some(name)
    }

    /// This path with `other` appended.
    pub fn join_path(&self, other: &RelPath) -> Self {
        if other.is_root() { self.clone() } else { Self(self.0.join(&other.0)) }
    }

    /// The path of the directory that holds this entry, or `None` for the root.
    pub fn parent(&self) -> Option<RelPath> {
        if self.is_root() {
            return None;
        }
        self.0.parent().map(|parent| Self(parent.to_owned()))
    }

    /// The last name, or `None` for the root.
    pub fn name(&self) -> Option<&OsStr> {
        self.0.file_name()
    }

    /// The names from the root down.
    pub fn names(&self) -> impl Iterator<Item = &OsStr> {
        self.0.iter()
    }

    /// Whether this is the root itself.
    pub fn is_root(&self) -> bool {
        self.0.as_os_str().is_empty()
    }

    /// How many names the path has.
    pub fn depth(&self) -> usize {
        self.0.iter().count()
    }

    /// Whether this path is `other` or lies beneath it.
    pub fn starts_with(&self, other: &RelPath) -> bool {
        self.0.starts_with(&other.0)
    }

    /// As a standard path.
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// The path's bytes, in the platform's own encoding.
    pub fn as_encoded_bytes(&self) -> &[u8] {
        self.0.as_os_str().as_encoded_bytes()
    }

    /// Splits off the last name: the directory it stands in, and the name.
    pub fn split(&self) -> Option<(RelPath, OsString)> {
        Some((self.parent()?, self.name()?.to_owned()))
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

fn is_plain_name(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    // Whatever the platform, what begins with none of these and holds none is one plain name.
    let may_mean_more = |byte: &u8| matches!(byte, b'/' | b'\\' | b':');
    if !bytes.starts_with(b".") && !bytes.is_empty() && !bytes.iter().any(may_mean_more) {
        return true;
    }
    let mut components = Path::new(name).components();
    matches!(
        (components.next(), components.next()),
        (Some(Component::Normal(only)), None) if only == name
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::new(text).unwrap()
    }

    #[test]
    fn only_plain_names_make_a_relative_path() {
        for bad in ["/etc", "..", "a/../b", "a/.."] {
            assert!(RelPath::new(bad).is_err(), "{bad}");
        }
        assert_eq!(RelPath::new("./a/./b").unwrap().as_path(), Path::new("a/b"));
        assert!(RelPath::new("").unwrap().is_root());
        assert!(RelPath::new(".").unwrap().is_root());
    }

    #[test]
    fn splitting_and_joining_are_inverse() {
        let path = RelPath::new("a/b/c").unwrap();
        let (parent, name) = path.split().unwrap();
        assert_eq!(parent.join(&name), path);
        assert_eq!(path.depth(), 3);
        assert_eq!(RelPath::root().split(), None);
    }

    #[test]
    fn a_prefix_of_the_text_is_not_a_parent() {
        let ab = RelPath::new("ab").unwrap();
        assert!(!ab.starts_with(&RelPath::new("a").unwrap()));
        assert!(ab.starts_with(&RelPath::root()));
    }

    #[test]
    fn a_name_is_joined_as_the_standard_library_does() {
        for above in ["", "a", "a/b"] {
            for name in ["c", ".c", "...", "c:", "c\\d", "c d"] {
                let joined = path(above).join(OsStr::new(name));
                assert_eq!(joined.as_path().as_os_str(), Path::new(above).join(name).as_os_str());
            }
        }
        for name in ["", ".", "..", "/", "a/b", "a/", "./a"] {
            assert!(!is_plain_name(OsStr::new(name)), "{name}");
        }
    }

    /// The scan leans on it: see `plan/scan` in the engine.
    #[test]
    fn paths_are_in_the_order_of_their_names_one_by_one() {
        let mut paths = ["a-b", "a/b", "a", "a.", "a/-", "b", "a/b/c", "B"].map(path);
        paths.sort();
        let sorted = ["B", "a", "a/-", "a/b", "a/b/c", "a-b", "a.", "b"].map(path);
        assert_eq!(paths, sorted);
    }

    #[test]
    #[should_panic(expected = "plain name")]
    fn joining_a_parent_reference_is_refused() {
        RelPath::root().join(OsStr::new(".."));
    }
}
