//! What a preparation has found, as plain data.

use std::path::PathBuf;
use std::time::Duration;

use surecopy_engine::{Expected, ItemError, Outcome, Phase};
use surecopy_index::{Confidence, Estimate, Subtrees};

/// What is remembered of a source, or of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Estimated {
    /// Regular files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Directories, the sources themselves among them.
    pub directories: u64,
    /// Links, pipes, sockets and devices.
    pub others: u64,
    /// Directories that are known to be there and were never listed.
    pub unknown_directories: u64,
}

impl Estimated {
    /// The sums over all of them.
    pub(crate) fn of<'a>(all: impl IntoIterator<Item = &'a Estimate>) -> Self {
        let mut sum = Self::default();
        all.into_iter().for_each(|one| sum.add(one));
        sum
    }

    pub(super) fn add(&mut self, one: &Estimate) {
        self.files = self.files.saturating_add(one.files);
        self.bytes = self.bytes.saturating_add(one.bytes);
        self.directories = self.directories.saturating_add(one.directories).saturating_add(1);
        self.others = self.others.saturating_add(one.others);
        self.unknown_directories += one.unknown_directories;
    }

    pub(super) fn expected(&self) -> Expected {
        Expected { items: self.files.saturating_add(self.others), bytes: self.bytes }
    }
}

/// The result of a preparation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// How it ended.
    pub outcome: Outcome,
    /// Regular files.
    pub files: u64,
    /// Their bytes. A file of several names counts under each, and a hole as what it stands for.
    pub bytes: u64,
    /// Directories, the sources themselves among them.
    pub directories: u64,
    /// Links, pipes, sockets and devices.
    pub others: u64,
    /// All of it was found or is remembered of directories that have not changed. Sizes of files that
    /// were written to without a change of their directory are those that are remembered, all the same.
    pub is_exact: bool,
    /// What was remembered before anything was looked at; `None` when that was nothing.
    pub estimate: Option<Estimated>,
    /// Sources of which nothing was remembered.
    pub unknown_sources: u64,
    /// Directories that are as they are remembered, and were not listed.
    pub fresh_directories: u64,
    /// Directories that had changed or were not known.
    pub stale_directories: u64,
    /// Directories that were remembered and are gone.
    pub gone_directories: u64,
    /// Directories that were listed.
    pub listed_directories: u64,
    /// How far "fresh" is to be believed; `None` when nothing was remembered.
    pub confidence: Option<Confidence>,
    /// Each source.
    pub sources: Vec<PreparedSource>,
    /// What could not be looked at: the first of it.
    pub problems: Vec<ItemError>,
    /// How much of that there was.
    pub problem_count: u64,
    /// How long each phase took.
    pub phases: Vec<(Phase, Duration)>,
    /// Warnings given.
    pub warnings: u64,
    /// From beginning to end.
    pub duration: Duration,
}

impl Prepared {
    /// Problems that are named.
    pub const MOST_PROBLEMS: usize = 100;

    pub(super) fn nothing_yet() -> Self {
        Self {
            outcome: Outcome::Finished,
            files: 0,
            bytes: 0,
            directories: 0,
            others: 0,
            is_exact: false,
            estimate: None,
            unknown_sources: 0,
            fresh_directories: 0,
            stale_directories: 0,
            gone_directories: 0,
            listed_directories: 0,
            confidence: None,
            sources: Vec::new(),
            problems: Vec::new(),
            problem_count: 0,
            phases: Vec::new(),
            warnings: 0,
            duration: Duration::ZERO,
        }
    }
}

/// What was known of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedSource {
    /// As it was written.
    pub path: PathBuf,
    /// The location of the index that it lies in.
    pub location: Option<PathBuf>,
    /// Which parts of it are as they are remembered and which are not, by paths beneath the location.
    pub subtrees: Option<Subtrees>,
}
