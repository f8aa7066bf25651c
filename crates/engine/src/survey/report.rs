//! What there is.

use std::time::Duration;

use surecopy_fs::{FileKind, Metadata};

use crate::plan::Sums;
use crate::report::Outcome;

/// The result of looking over sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyReport {
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
    /// How many of all these were remembered and not looked at.
    pub remembered: u64,
    /// Directories and entries that could not be looked at.
    pub problems: u64,
    /// From beginning to end.
    pub duration: Duration,
}

impl Default for SurveyReport {
    /// Nothing yet.
    fn default() -> Self {
        Self {
            outcome: Outcome::Finished,
            files: 0,
            bytes: 0,
            directories: 0,
            others: 0,
            remembered: 0,
            problems: 0,
            duration: Duration::ZERO,
        }
    }
}

impl SurveyReport {
    /// Everything that was found.
    pub fn entries(&self) -> u64 {
        self.files + self.directories + self.others
    }

    pub(super) fn add(&mut self, sums: &Sums) {
        self.files += sums.files;
        self.bytes = self.bytes.saturating_add(sums.bytes);
        self.directories += sums.directories;
        self.others += sums.others;
        self.remembered += sums.files + sums.directories + sums.others;
    }

    pub(super) fn count(&mut self, metadata: &Metadata) {
        match metadata.kind {
            FileKind::File => {
                self.files += 1;
                // Files with holes, and what is remembered, may be of any size.
                self.bytes = self.bytes.saturating_add(metadata.size);
            }
            FileKind::Directory => self.directories += 1,
            FileKind::Symlink | FileKind::Fifo | FileKind::Socket | FileKind::Device => {
                self.others += 1;
            }
        }
    }
}
