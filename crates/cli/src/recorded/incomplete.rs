//! What was copied without all that could have been kept of it: times, owners, attributes.

use std::fmt;

use surecopy::Report;
use surecopy::jobs::JobRecord;

use crate::amounts::Count;

/// How much lacks something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Incomplete {
    /// Files and links, whichever run has copied them.
    pub(crate) items: u64,
    /// Directories, of their own.
    pub(crate) directories: u64,
}

impl Incomplete {
    /// What a run has left so, and what it has found so.
    pub(crate) fn of(report: &Report) -> Self {
        Self {
            items: report.tally.metadata_incomplete + report.planned.kept_incomplete,
            directories: report.tally.unfinished_directories,
        }
    }

    /// What of a job is so now.
    pub(crate) fn of_job(record: &JobRecord) -> Self {
        Self { items: record.incomplete, directories: record.incomplete_directories() }
    }

    pub(crate) fn is_any(self) -> bool {
        self.items + self.directories > 0
    }
}

/// For people.
impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items = Count(self.items, "item");
        let word = if self.directories == 1 { "directory" } else { "directories" };
        match (self.items, self.directories) {
            (_, 0) => write!(f, "{items}"),
            (0, directories) => write!(f, "{directories} {word}"),
            (_, directories) => write!(f, "{items}, {directories} {word}"),
        }
    }
}
