//! One location while it is watched: how it stands, and what is still to be done for it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use surecopy_fs::{RelPath, Timestamp};

use super::root::Root;
use super::unmatched::Unmatched;
use crate::location::LocationId;

/// How a location stands.
///
/// ```text
///           is there            all are watched          all were looked at
///   Away ───────────▶ Arming ──────────────────▶ Watched ─────────────────▶ Held
///    ▲                 ▲  │                         │                        │
///    │                 │  │ something was missed    │                        │
///    │   after a while │  ▼                         ▼                        ▼
///    │               Resting ◀───────────────────────────────────────────────┘
///    └── it went, from any of them; and out of the index: Forgotten
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Its root is not there, or is not the one that was scanned.
    Away,
    /// It is begun again when the time has come.
    Resting {
        /// When, as time since boot.
        until: Duration,
    },
    /// Its directories are being watched, one after another.
    Arming,
    /// What happens is told; what happened before is still to be found out.
    Watched,
    /// Everything that happens is seen, and was since then.
    Held {
        /// As time of day.
        since: Timestamp,
        /// As time since boot.
        since_boot: Duration,
    },
    /// It is no location any more.
    Forgotten,
}

/// A directory that is to be watched, with those in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ToArm {
    pub(super) path: RelPath,
    /// It came while the location was watched: what the index knows of it is not to be believed.
    pub(super) has_come: bool,
}

/// One location.
#[derive(Debug)]
pub(super) struct Place<W> {
    pub(super) id: LocationId,
    pub(super) path: PathBuf,
    pub(super) standing: Standing,
    pub(super) root: Option<Root>,
    pub(super) is_network: bool,
    pub(super) watches: Option<W>,
    pub(super) generation: u64,
    pub(super) to_arm: Vec<ToArm>,
    pub(super) directories: u64,
    pub(super) closed: u64,
    /// Directories that are to be marked as stale, and as unknown.
    pub(super) changed: BTreeSet<RelPath>,
    pub(super) come: BTreeSet<RelPath>,
    /// All of them are to be marked, instead.
    pub(super) must_mark_all: bool,
    /// It is to be noted that changes were not seen.
    pub(super) must_note_gap: bool,
    pub(super) unmatched: Unmatched,
    /// Something was marked since the last look at its directories began.
    pub(super) was_marked: bool,
    /// How often changes in it were lost: what was found out before that does not count.
    pub(super) losses: u64,
    /// Its directories are being looked at.
    pub(super) is_checking: bool,
    /// What was found, until it is written down.
    pub(super) finding: Option<super::checking::Finding>,
    /// They are to be looked at as soon as all of them are watched.
    pub(super) must_check: bool,
    /// When they are to be looked at again, as time since boot.
    pub(super) check_at: Duration,
    /// How long it rested last.
    pub(super) rest: Duration,
    /// What was last told of why it is away.
    pub(super) told: Option<super::facts::LostReason>,
    pub(super) noted_at: Duration,
}

impl<W> Place<W> {
    pub(super) fn new(id: LocationId, path: PathBuf) -> Self {
        Self {
            id,
            path,
            standing: Standing::Away,
            root: None,
            is_network: false,
            watches: None,
            generation: 0,
            to_arm: Vec::new(),
            directories: 0,
            closed: 0,
            changed: BTreeSet::new(),
            come: BTreeSet::new(),
            must_mark_all: false,
            must_note_gap: true,
            unmatched: Unmatched::default(),
            was_marked: false,
            losses: 0,
            is_checking: false,
            finding: None,
            must_check: false,
            check_at: Duration::ZERO,
            rest: Duration::ZERO,
            told: None,
            noted_at: Duration::ZERO,
        }
    }

    /// Nothing that happened in it is still to be written or found out.
    pub(super) fn is_up_to_date(&self) -> bool {
        self.changed.is_empty()
            && self.come.is_empty()
            && !self.must_mark_all
            && !self.must_note_gap
            && !self.to_arm.iter().any(|next| next.has_come)
    }
}
