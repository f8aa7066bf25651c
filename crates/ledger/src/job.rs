//! Jobs and runs, as they stand in the ledger.

use std::fmt;

use serde::{Deserialize, Serialize};
use surecopy_engine::{CopySpec, Planned, Snapshot, Tally};

use crate::error::LedgerError;
use crate::state::JobState;
use crate::text::item_text::is_default;

/// The number of a job. It is never given to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub i64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunKind {
    /// The first attempt.
    Copy,
    /// To go on with what did not end.
    Resume,
    /// What failed, once more.
    Retry,
    /// To look at what was copied again, by its content.
    Verify,
    /// To put back what was replaced, and to remove what was new.
    Undo,
    /// To give up what was replaced and kept.
    Discard,
}

impl RunKind {
    /// Every kind.
    pub const ALL: [RunKind; 6] = [
        RunKind::Copy,
        RunKind::Resume,
        RunKind::Retry,
        RunKind::Verify,
        RunKind::Undo,
        RunKind::Discard,
    ];

    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            RunKind::Copy => "copy",
            RunKind::Resume => "resume",
            RunKind::Retry => "retry",
            RunKind::Verify => "verify",
            RunKind::Undo => "undo",
            RunKind::Discard => "discard",
        }
    }

    /// Reads its stable text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }

    /// Whether it plans and copies.
    pub fn copies(self) -> bool {
        match self {
            RunKind::Copy | RunKind::Resume | RunKind::Retry => true,
            RunKind::Verify | RunKind::Undo | RunKind::Discard => false,
        }
    }
}

/// A job, as it is now.
#[derive(Debug, Clone)]
pub struct JobRecord {
    /// Its number.
    pub id: JobId,
    /// How far it has got. What a program left that has died is [`JobState::Interrupted`].
    pub state: JobState,
    /// Somebody is at work on it.
    pub is_running: bool,
    /// When it was asked for, in milliseconds since 1970.
    pub created_ms: i64,
    /// When anything of it was last recorded, in milliseconds since 1970.
    pub changed_ms: i64,
    /// What was asked for; this is the reason why that cannot be read.
    pub request: Result<CopySpec, LedgerError>,
    /// The attempts at it, oldest first.
    pub runs: Vec<RunRecord>,
    /// Items that were found not to be any more what was copied, and were not copied again since.
    pub damaged: u64,
    /// Items that were copied and of which something was not kept that could have been, and that were not
    /// copied again since.
    pub incomplete: u64,
    /// Items that were undone, and were not copied again since. Of a job that is being undone, the
    /// counters of that run tell.
    pub undone: u64,
    /// Their size.
    pub undone_bytes: u64,
    /// A record of its audit log that tells of these and cannot be read: of their size, what was planned
    /// counts then. Such a job is not forgotten.
    pub unreadable_record: Option<u64>,
    /// Replaced files that are kept.
    pub kept_backups: u64,
    /// How many records its audit log has.
    pub audit_records: u64,
}

impl JobRecord {
    /// Directories that may lack something of their own metadata, by the last run that went through the whole
    /// job: only such a run comes back to all of them.
    pub fn incomplete_directories(&self) -> u64 {
        let is_whole = |run: &&RunRecord| {
            matches!(run.kind, RunKind::Copy | RunKind::Resume) && run.planned.is_some()
        };
        let last = self.runs.iter().rfind(is_whole);
        last.filter(|_| self.state != JobState::Undone)
            .map_or(0, |run| run.sums.unfinished_directories)
    }
}

/// One attempt at a job.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Its number within the job, from 1.
    pub run: u64,
    /// What it is for.
    pub kind: RunKind,
    /// The number that the names of its partial files carry.
    pub nonce: u64,
    /// The machine it runs on.
    pub host: String,
    /// The process it is.
    pub pid: u32,
    /// When it began, in milliseconds since 1970.
    pub started_ms: i64,
    /// When it ended; `None` when it has not, or died.
    pub ended_ms: Option<i64>,
    /// How it ended: the words of `report.outcome` in `--json`, or `interrupted`.
    pub outcome: Option<String>,
    /// What it was going to do, once that was known.
    pub planned: Option<Planned>,
    /// Entries that were refused before they could be planned.
    pub refused: u64,
    /// What has ended so far.
    pub sums: Sums,
    /// Its counters, as they were when it last told of them.
    pub progress: Option<ProgressRecord>,
}

/// Sums over the items of a run that have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Sums {
    /// Published and durable.
    pub ok: u64,
    /// Left alone, and nothing is wrong.
    pub skipped: u64,
    /// Failed.
    pub failed: u64,
    /// Cancelled, those that nobody got to included.
    pub cancelled: u64,
    /// Failed because what was read back was not what was read from the source.
    pub mismatched: u64,
    /// Of what was copied, something was not kept that could have been.
    #[serde(skip_serializing_if = "is_default")]
    pub metadata_incomplete: u64,
    /// Bytes that arrived.
    pub bytes_copied: u64,
    /// Size of everything that is in place.
    pub bytes_ok: u64,
    /// Size of everything that failed or was cancelled.
    pub bytes_failed: u64,
    /// Files that may be left: whoever goes on with the job looks again.
    pub left_behind: u64,
    /// Directories that may lack something of their own metadata: whoever goes on with the job comes back to them.
    pub unfinished_directories: u64,
}

impl Sums {
    pub(crate) fn of(tally: &Tally) -> Self {
        Self {
            ok: tally.ok,
            skipped: tally.skipped,
            failed: tally.failed,
            cancelled: tally.cancelled,
            mismatched: tally.mismatched,
            metadata_incomplete: tally.metadata_incomplete,
            bytes_copied: tally.bytes_copied,
            bytes_ok: tally.bytes_ok,
            bytes_failed: tally.bytes_failed,
            left_behind: tally.left_behind,
            unfinished_directories: tally.unfinished_directories,
        }
    }

    /// The tally of these sums, of which the other counters are zero.
    pub(crate) fn to_tally(self) -> Tally {
        Tally {
            ok: self.ok,
            skipped: self.skipped,
            failed: self.failed,
            cancelled: self.cancelled,
            mismatched: self.mismatched,
            metadata_incomplete: self.metadata_incomplete,
            bytes_copied: self.bytes_copied,
            bytes_ok: self.bytes_ok,
            bytes_failed: self.bytes_failed,
            left_behind: self.left_behind,
            unfinished_directories: self.unfinished_directories,
            ..Tally::default()
        }
    }
}

/// The counters of a run, for whoever looks on from another process.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProgressRecord {
    /// When they were taken, in milliseconds since 1970.
    pub at_ms: i64,
    /// The phase, in the words of `--json`.
    pub phase: Option<String>,
    /// Items known of so far.
    pub items_total: u64,
    /// Items ended.
    pub items_done: u64,
    /// Items that failed.
    pub items_failed: u64,
    /// Bytes to copy.
    pub bytes_total: u64,
    /// Bytes copied.
    pub bytes_copied: u64,
    /// Bytes to read back.
    pub verify_total: u64,
    /// Bytes read back.
    pub bytes_verified: u64,
}

impl ProgressRecord {
    pub(crate) fn new(at_ms: i64, snapshot: &Snapshot) -> Self {
        Self {
            at_ms,
            phase: snapshot.phase.map(|phase| phase.as_str().to_owned()),
            items_total: snapshot.items_total,
            items_done: snapshot.items_done,
            items_failed: snapshot.items_failed,
            bytes_total: snapshot.bytes_total,
            bytes_copied: snapshot.bytes_copied,
            verify_total: snapshot.verify_total,
            bytes_verified: snapshot.bytes_verified,
        }
    }
}
