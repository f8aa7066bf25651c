//! How a whole run ended.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::Side;
use crate::preflight::Problem;
use crate::report::{Corrected, Tally};

/// How a run ended, as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every item was dealt with; some may have failed.
    Finished,
    /// The user ended it.
    Cancelled,
    /// `fail_fast` ended it.
    StoppedAtFailure,
    /// Preflight refused it; nothing was written.
    Refused,
    /// Planned only.
    Planned,
    /// The journal failed; the message says how.
    JournalFailed(String),
    /// The file system at one end is gone, or takes nothing any more. What was not done is as it was
    /// before, and can be gone on with when it is back.
    Lost(Lost),
}

impl Outcome {
    /// Whether nothing that is not to stay can be left anywhere by a run that ended so with these sums, or by an
    /// earlier one of its job. What it has removed after a failure was not made durable, and may be back when the
    /// power goes; or it could not be removed.
    pub fn has_cleared(&self, tally: &Tally) -> bool {
        *self == Self::Finished && tally.failed == 0 && tally.left_behind == 0
    }

    /// Whether every directory that a run which ended so with these sums has made or come to has its own metadata.
    pub fn has_finished_directories(&self, tally: &Tally) -> bool {
        *self == Self::Finished && tally.unfinished_directories == 0
    }
}

/// The end of a job at which the file system was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// What it was to the job.
    pub side: Side,
    /// The directory beneath which that end lies.
    pub root: PathBuf,
    /// How that showed.
    pub message: String,
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// Sums.
    pub tally: Tally,
    /// Everything preflight found.
    pub problems: Vec<Problem>,
    /// What was going to be done with everything that passed preflight, before the first byte
    /// moved.
    pub planned: Planned,
    /// What was remembered of sources and was otherwise.
    pub corrected: Corrected,
    /// Warnings given.
    pub warnings: u64,
    /// From beginning to end.
    pub duration: Duration,
}

impl Report {
    /// Of a run that has done nothing, and ended like this.
    pub fn of_nothing(outcome: Outcome) -> Self {
        Self {
            outcome,
            tally: Tally::default(),
            problems: Vec::new(),
            planned: Planned::default(),
            corrected: Corrected::default(),
            warnings: 0,
            duration: Duration::ZERO,
        }
    }
}

/// The sums of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Planned {
    /// Items of every kind.
    pub items: u64,
    /// Items to create or replace.
    pub to_copy: u64,
    /// Bytes of those.
    pub bytes_to_copy: u64,
    /// Items to skip.
    pub to_skip: u64,
    /// Targets to replace, among those to copy.
    pub to_replace: u64,
    /// Items whose content decides: replaced when it differs, otherwise skipped.
    pub to_compare: u64,
    /// Bytes of those.
    pub bytes_to_compare: u64,
    /// Items that an earlier run of the job dealt with, and that still are as it left them. They are
    /// not among the others.
    pub kept: u64,
    /// Bytes of the files among those.
    pub bytes_kept: u64,
    /// Those among them of which something was not kept that could have been.
    pub kept_incomplete: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_run_leaves_nothing_to_look_for() {
        let none = Tally::default();
        let cases = [
            (Outcome::Finished, none.clone(), (true, true)),
            (Outcome::Finished, Tally { failed: 1, ..none.clone() }, (false, true)),
            (Outcome::Finished, Tally { left_behind: 1, ..none.clone() }, (false, true)),
            (Outcome::Finished, Tally { unfinished_directories: 1, ..none.clone() }, (true, false)),
            (Outcome::Cancelled, none.clone(), (false, false)),
            (Outcome::StoppedAtFailure, none, (false, false)),
        ];
        for (outcome, tally, expected) in cases {
            let found = (outcome.has_cleared(&tally), outcome.has_finished_directories(&tally));
            assert_eq!(found, expected, "{outcome:?} with {tally:?}");
        }
    }
}
