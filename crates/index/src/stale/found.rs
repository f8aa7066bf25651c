//! What a validation has found: sums, which directories are fresh, and some of those that are not.

use std::collections::HashMap;

use surecopy_fs::RelPath;

use super::confidence::Confidence;
use super::rule::StaleReason;
use crate::location::ScanStatus;
use crate::names::DirectoryId;

/// So many stale directories are named; the others are counted.
const NAMED: usize = 1_000;

/// A directory that is to be listed again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StaleDirectory {
    /// Its path beneath the location.
    pub path: RelPath,
    /// Why.
    pub reason: StaleReason,
}

/// What a validation has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validated {
    /// Directories that are as they were.
    pub fresh: u64,
    /// Directories that are to be listed, without those that are gone.
    pub stale: u64,
    /// Of these, directories that never were.
    pub never_listed: u64,
    /// Directories that are not there any more, or are something else, with all that was known beneath
    /// them.
    pub gone: u64,
    /// How far "fresh" is to be believed.
    pub confidence: Confidence,
    /// The stale directories in the order of their paths, if there are not too many to name.
    pub stale_directories: Vec<StaleDirectory>,
    pub(super) set: FreshSet,
    /// Directories that are as they were, and of which something is gone.
    contradicted: Vec<(DirectoryId, RelPath)>,
}

impl Validated {
    /// Nothing yet.
    pub(super) fn new(confidence: Confidence) -> Self {
        Self {
            fresh: 0,
            stale: 0,
            never_listed: 0,
            gone: 0,
            confidence,
            stale_directories: Vec::new(),
            set: FreshSet::default(),
            contradicted: Vec::new(),
        }
    }

    /// Whether a directory was found to be as it was. What nobody has looked at is not.
    pub fn is_fresh(&self, directory: DirectoryId) -> bool {
        self.set.contains(directory)
    }

    /// Whether every stale directory is named.
    pub fn names_all_stale(&self) -> bool {
        self.stale_directories.len() as u64 == self.stale
    }

    /// Whether nothing at a path and beneath it was found to have changed. `false` also where nobody can
    /// say.
    pub fn is_fresh_beneath(&self, path: &RelPath) -> bool {
        if !self.names_all_stale() {
            return false;
        }
        // In the order of paths, what is beneath one comes right after it.
        let next = self.stale_directories.partition_point(|stale| stale.path < *path);
        self.stale_directories.get(next).is_none_or(|stale| !stale.path.starts_with(path))
    }

    /// What is to be said of the location that was looked through.
    pub fn status(&self) -> ScanStatus {
        match (self.stale, self.gone) {
            (0, 0) => ScanStatus::Fresh,
            (stale, 0) if stale == self.never_listed => ScanStatus::Partial,
            _ => ScanStatus::Stale,
        }
    }

    pub(super) fn note_fresh(&mut self, directory: DirectoryId, confidence: Confidence) {
        self.fresh += 1;
        self.confidence = self.confidence.min(confidence);
        self.set.insert(directory);
    }

    /// `beneath` is how many directories beneath it are not looked at because of that.
    pub(super) fn note_stale(
        &mut self,
        reason: StaleReason,
        beneath: u64,
        path: impl FnOnce() -> RelPath,
    ) {
        self.stale += 1 + beneath;
        if reason == StaleReason::NeverListed {
            self.never_listed += 1;
        }
        if self.stale_directories.len() < NAMED {
            self.stale_directories.push(StaleDirectory { path: path(), reason });
        }
    }

    /// Something that was remembered in a directory is gone, and it was counted as fresh.
    pub(super) fn contradict(&mut self, directory: DirectoryId, path: RelPath) {
        self.contradicted.push((directory, path));
    }

    pub(super) fn join(&mut self, other: Validated) {
        self.fresh += other.fresh;
        self.stale += other.stale;
        self.never_listed += other.never_listed;
        self.gone += other.gone;
        self.confidence = self.confidence.min(other.confidence);
        self.stale_directories.extend(other.stale_directories);
        self.set.join(other.set);
        self.contradicted.extend(other.contradicted);
    }

    /// Brings everything into order once nothing more is found.
    pub(super) fn settle(&mut self) {
        for (directory, path) in std::mem::take(&mut self.contradicted) {
            // One with very many directories is told of more than once.
            if self.set.remove(directory) {
                self.fresh -= 1;
                self.note_stale(StaleReason::Changed, 0, || path);
            }
        }
        self.stale_directories.sort();
        self.stale_directories.truncate(NAMED);
    }
}

/// Numbers of directories, a bit for each: a million of them take little more than 125 kB.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct FreshSet {
    words: HashMap<i64, [u64; 8]>,
}

impl FreshSet {
    fn place(directory: DirectoryId) -> (i64, usize, u64) {
        let bit = directory.0.rem_euclid(512) as usize;
        (directory.0.div_euclid(512), bit / 64, 1 << (bit % 64))
    }

    fn insert(&mut self, directory: DirectoryId) {
        let (key, word, bit) = Self::place(directory);
        self.words.entry(key).or_default()[word] |= bit;
    }

    fn contains(&self, directory: DirectoryId) -> bool {
        let (key, word, bit) = Self::place(directory);
        self.words.get(&key).is_some_and(|words| words[word] & bit != 0)
    }

    /// Whether it was there.
    fn remove(&mut self, directory: DirectoryId) -> bool {
        let was_there = self.contains(directory);
        let (key, word, bit) = Self::place(directory);
        if let Some(words) = self.words.get_mut(&key) {
            words[word] &= !bit;
        }
        was_there
    }

    fn join(&mut self, other: FreshSet) {
        for (key, words) in other.words {
            let own = self.words.entry(key).or_default();
            own.iter_mut().zip(words).for_each(|(own, word)| *own |= word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        let (mut one, mut other) = (FreshSet::default(), FreshSet::default());
        let numbers = [1, 63, 64, 511, 512, 1 << 40];
        numbers.iter().for_each(|number| one.insert(DirectoryId(*number)));
        other.insert(DirectoryId(65));
        other.join(one);
        for number in (0..2_000).chain([1 << 40, (1 << 40) + 1]) {
            let expected = numbers.contains(&number) || number == 65;
            assert_eq!(other.contains(DirectoryId(number)), expected, "{number}");
        }
        assert!(other.remove(DirectoryId(64)) && !other.remove(DirectoryId(64)));
        assert!(!other.remove(DirectoryId(66)) && !other.contains(DirectoryId(64)));
        assert!(other.contains(DirectoryId(63)) && other.contains(DirectoryId(65)));
    }
}
