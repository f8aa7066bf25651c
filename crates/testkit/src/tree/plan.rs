//! What a tree is made of. Nothing here touches a file system.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use surecopy_fs::{FileKind, Timestamp};

use crate::random::Random;

/// How large a tree is to be, and how odd.
#[derive(Debug, Clone, Copy)]
pub struct TreeShape {
    /// How many entries, without the top. From [`TreeShape::COMPLETE`] on, every oddity occurs.
    pub entries: usize,
    /// The largest file drawn at random; sizes around a page occur anyhow.
    pub max_file_bytes: u64,
    /// Names that few programs get right.
    pub has_odd_names: bool,
    /// Symbolic links: relative, absolute, dangling, to directories.
    pub has_symlinks: bool,
}

impl TreeShape {
    /// This many entries suffice for every oddity to occur, whatever the seed.
    pub const COMPLETE: usize = 48;
}

impl Default for TreeShape {
    fn default() -> Self {
        Self {
            entries: Self::COMPLETE,
            max_file_bytes: 100_000,
            has_odd_names: true,
            has_symlinks: true,
        }
    }
}

/// What one entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlannedContent {
    /// A directory.
    Directory,
    /// A file with these bytes.
    File(Vec<u8>),
    /// A link with this text.
    Symlink(OsString),
}

/// One entry of a planned tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedEntry {
    /// What it holds.
    pub content: PlannedContent,
    /// Permission bits; links have none of their own.
    pub mode: u32,
    /// Last content change; links are not given one.
    pub modified: Timestamp,
}

impl PlannedEntry {
    /// What kind of entry it is.
    pub fn kind(&self) -> FileKind {
        match self.content {
            PlannedContent::Directory => FileKind::Directory,
            PlannedContent::File(_) => FileKind::File,
            PlannedContent::Symlink(_) => FileKind::Symlink,
        }
    }
}

/// A tree, by path relative to its top, which is not an entry itself. Parents sort before what is
/// in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreePlan {
    /// The entries.
    pub entries: BTreeMap<PathBuf, PlannedEntry>,
}

/// Sizes at which copying loops go wrong.
const EDGE_SIZES: [u64; 9] = [0, 1, 4095, 4096, 4097, 65_535, 65_536, 65_537, 2];

/// Names that programs trip over. Each is used with a number in front of it or behind it, so that
/// it stays what makes it odd.
const ODD_NAMES: [(&[u8], Place); 14] = [
    ("\u{1f980}\u{200d}".as_bytes(), Place::InFront),
    (b"new\nline", Place::InFront),
    (b"\xff\xfe\x80", Place::InFront),
    (b"-rf", Place::InFront),
    (b"--help", Place::InFront),
    (b" leading", Place::InFront),
    (b"trailing ", Place::Behind),
    (b"quote'\"`$(x)", Place::Behind),
    (b"\x1b[31mred", Place::InFront),
    (b"back\\slash", Place::Behind),
    (b"...", Place::InFront),
    (b"*?[a-z]", Place::Behind),
    ("e\u{301}".as_bytes(), Place::InFront),
    (b"%s%n", Place::Behind),
];

#[derive(Clone, Copy)]
enum Place {
    InFront,
    Behind,
}

const FILE_MODES: [u32; 6] = [0o644, 0o600, 0o755, 0o444, 0o640, 0o711];
const DIR_MODES: [u32; 3] = [0o755, 0o700, 0o750];

/// Draws one entry after the other.
struct Draft {
    random: Random,
    shape: TreeShape,
    /// Directories so far; the first is the top.
    dirs: Vec<PathBuf>,
    entries: BTreeMap<PathBuf, PlannedEntry>,
}

impl TreePlan {
    /// The tree of a seed. A failing test should print the seed.
    pub fn random(seed: u64, shape: TreeShape) -> Self {
        let dirs = vec![PathBuf::new()];
        let mut draft = Draft { random: Random::new(seed), shape, dirs, entries: BTreeMap::new() };
        for number in 0..shape.entries {
            draft.add(number);
        }
        Self { entries: draft.entries }
    }

    /// How many bytes all files hold.
    pub fn total_bytes(&self) -> u64 {
        self.files().map(|(_, bytes)| bytes.len() as u64).sum()
    }

    /// The files and their bytes.
    pub fn files(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        self.entries.iter().filter_map(|(path, entry)| match &entry.content {
            PlannedContent::File(bytes) => Some((path.as_path(), bytes.as_slice())),
            PlannedContent::Directory | PlannedContent::Symlink(_) => None,
        })
    }
}

impl Draft {
    fn add(&mut self, number: usize) {
        let parent = self.random.pick(&self.dirs).clone();
        let path = parent.join(self.name(number));
        let content = self.content(number);
        let mode = match content {
            PlannedContent::Directory => *self.random.pick(&DIR_MODES),
            PlannedContent::File(_) => *self.random.pick(&FILE_MODES),
            PlannedContent::Symlink(_) => 0o777,
        };
        // Deeper than this, paths of long names would be too long for programs that use paths. A
        // directory that takes no entries stays empty, which is an oddity too.
        let is_deep = path.components().count() > 6 || path.as_os_str().len() > 1500;
        if content == PlannedContent::Directory && !is_deep && !number.is_multiple_of(16) {
            self.dirs.push(path.clone());
        }
        let modified = self.time();
        self.entries.insert(path, PlannedEntry { content, mode, modified });
    }

    /// A name that contains the number, so that no two are the same, not even in another case.
    fn name(&mut self, number: usize) -> OsString {
        if !self.shape.has_odd_names || number.is_multiple_of(3) {
            return OsString::from(format!("entry-{number}"));
        }
        if number % 24 == 1 {
            return OsString::from(format!("{number:n>255}"));
        }
        let (odd, place) = ODD_NAMES[(number / 3 * 2 + number % 3) % ODD_NAMES.len()];
        let digits = number.to_string();
        let bytes = match place {
            Place::InFront => [odd, digits.as_bytes()].concat(),
            Place::Behind => [digits.as_bytes(), odd].concat(),
        };
        OsStr::from_bytes(&bytes).to_owned()
    }

    fn content(&mut self, number: usize) -> PlannedContent {
        match number % 4 {
            0 => PlannedContent::Directory,
            1 if self.shape.has_symlinks && number % 8 == 1 => {
                PlannedContent::Symlink(self.link_text(number))
            }
            _ => {
                let size = match EDGE_SIZES.get(number / 4) {
                    Some(size) => *size,
                    None => self.random.below(self.shape.max_file_bytes + 1),
                };
                let size = usize::try_from(size).expect("planned files fit into memory");
                PlannedContent::File(self.random.bytes(size))
            }
        }
    }

    fn link_text(&mut self, number: usize) -> OsString {
        match number / 8 % 4 {
            0 => OsString::from("nowhere/at/all"),
            1 => OsString::from("/absolute/and/dangling"),
            2 => OsString::from("."),
            _ => self.random.pick(&self.dirs).join("..").into_os_string(),
        }
    }

    /// Times of all ages, with every digit of their nanoseconds.
    fn time(&mut self) -> Timestamp {
        let span = 100 * 365 * 24 * 3600;
        let secs = i64::try_from(self.random.below(span)).expect("a century fits") - 400_000_000;
        let nanos = u32::try_from(self.random.below(1_000_000_000)).expect("less than a second");
        Timestamp { secs, nanos }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_tree() {
        let shape = TreeShape::default();
        assert_eq!(TreePlan::random(3, shape), TreePlan::random(3, shape));
        assert_ne!(TreePlan::random(3, shape), TreePlan::random(4, shape));
    }

    #[test]
    fn every_oddity_occurs_whatever_the_seed() {
        for seed in 0..20 {
            let plan = TreePlan::random(seed, TreeShape::default());
            assert_eq!(plan.entries.len(), TreeShape::COMPLETE);
            let names: Vec<&[u8]> = plan
                .entries
                .keys()
                .map(|path| path.file_name().expect("entries have names").as_bytes())
                .collect();
            for (odd, _) in ODD_NAMES {
                let is_there =
                    names.iter().any(|name| name.starts_with(odd) || name.ends_with(odd));
                assert!(is_there, "seed {seed}: {odd:?}");
            }
            assert!(names.iter().any(|name| name.len() == 255), "seed {seed}");
            let sizes: Vec<u64> = plan.files().map(|(_, bytes)| bytes.len() as u64).collect();
            assert!(EDGE_SIZES.iter().all(|size| sizes.contains(size)), "seed {seed}: {sizes:?}");
            let count = |kind| plan.entries.values().filter(|entry| entry.kind() == kind).count();
            assert!(count(FileKind::Symlink) >= 4 && count(FileKind::Directory) >= 8);
            assert!(plan.entries.values().any(|entry| entry.modified.secs < 0), "seed {seed}");
        }
    }
}
