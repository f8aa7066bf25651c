//! The rule by which a directory is fresh or stale. It decides and asks nothing.

use surecopy_fs::{FilesystemKind, Timestamp};

use super::clock::ClockSetting;
use super::seen::Seen;

/// What is known of a directory without a look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Nothing speaks against what is remembered.
    Fresh,
    /// Something is known to have changed in it.
    Stale,
    /// It was not looked after for a while.
    Unknown,
}

/// What is remembered of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remembered {
    /// What is known of it without a look at it.
    pub state: State,
    /// What it looked like just before it was listed; `None` when it never was.
    pub seen: Option<Seen>,
    /// The time of day just before that, in nanoseconds since 1970.
    pub began_nanos: i128,
    /// How the clock was set then.
    pub clock: Option<ClockSetting>,
}

/// What there is now.
#[derive(Debug, Clone, Copy)]
pub struct Present<'a> {
    /// What the directory looks like.
    pub seen: Seen,
    /// The file system it is on.
    pub kind: &'a FilesystemKind,
    /// How the clock is set.
    pub clock: ClockSetting,
}

/// Whether what is remembered still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Freshness {
    /// The same names stand in it.
    Fresh,
    /// That is not so, or not known.
    Stale(StaleReason),
}

/// Why a directory is to be listed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StaleReason {
    /// It was never listed.
    NeverListed,
    /// Something was seen to change in it.
    Marked,
    /// It was not looked after for a while, and what became of it then is not known.
    Unwatched,
    /// Another directory has its name now.
    Replaced,
    /// Its times, its size or its links are not those of before.
    Changed,
    /// It had been changed so shortly before it was listed that a later change may have the same time.
    TooRecent,
    /// Its file system keeps no times for it.
    Undated,
    /// The clock was set since.
    ClockSet,
    /// Its file system makes up the numbers of files, and the machine was started anew.
    Renumbered,
    /// It is on another volume than its location, which may have been exchanged.
    OtherVolume,
    /// It cannot be looked at.
    Unreadable,
}

impl StaleReason {
    /// Its stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            StaleReason::NeverListed => "never_listed",
            StaleReason::Marked => "marked",
            StaleReason::Unwatched => "unwatched",
            StaleReason::Replaced => "replaced",
            StaleReason::Changed => "changed",
            StaleReason::TooRecent => "too_recent",
            StaleReason::Undated => "undated",
            StaleReason::ClockSet => "clock_set",
            StaleReason::Renumbered => "renumbered",
            StaleReason::OtherVolume => "other_volume",
            StaleReason::Unreadable => "unreadable",
        }
    }
}

const SECOND: i128 = 1_000_000_000;

/// A change must be this much older than the scan to be told from a later one, however fine the times of
/// the file system are.
const LEAST_WINDOW_NANOS: i128 = SECOND;

/// The kernel dates changes by a clock that it renews a hundred times a second or more often: it is less
/// than this behind the one that we read.
const LAG_NANOS: i128 = SECOND / 10;

/// Another machine dates changes by a clock of its own, and its answers are kept for up to a minute
/// (`acdirmax`, by default, for NFS).
const NETWORK_WINDOW_NANOS: i128 = 60 * SECOND;

/// Clocks are corrected by less than this without anybody having set them, by a leap second for instance.
const CLOCK_TOLERANCE_NANOS: u128 = 2_000_000_000;

/// Whether what is remembered of a directory still holds.
pub fn judge(remembered: &Remembered, present: &Present<'_>) -> Freshness {
    match stale_reason(remembered, present) {
        None => Freshness::Fresh,
        Some(reason) => Freshness::Stale(reason),
    }
}

fn stale_reason(remembered: &Remembered, present: &Present<'_>) -> Option<StaleReason> {
    let (Some(seen), Some(clock)) = (remembered.seen, remembered.clock) else {
        return Some(StaleReason::NeverListed);
    };
    match remembered.state {
        State::Fresh => {}
        State::Stale => return Some(StaleReason::Marked),
        State::Unknown => return Some(StaleReason::Unwatched),
    }
    let now = present.seen;
    if (seen.volume, seen.file) != (now.volume, now.file) {
        return Some(StaleReason::Replaced);
    }
    // The change time too where it is made up: that can only find more.
    if seen != now {
        return Some(StaleReason::Changed);
    }
    let is_same_boot = clock.boot.is_some() && clock.boot == present.clock.boot;
    // The number of a volume is given to the next one that is mounted; only that of the location's root is
    // known for what it is.
    if now.volume != 0 {
        return Some(StaleReason::OtherVolume);
    }
    if !is_same_boot && !present.kind.has_lasting_file_numbers {
        return Some(StaleReason::Renumbered);
    }
    let step = clock.offset_nanos.abs_diff(present.clock.offset_nanos);
    if is_same_boot && step > CLOCK_TOLERANCE_NANOS {
        return Some(StaleReason::ClockSet);
    }
    // The root of a FAT volume has no entry that could hold its times. Linux shows those of changes as long
    // as the volume is mounted, and 0 again when it is mounted anew, always under the same number.
    if !present.kind.has_change_times && seen.modified.secs <= 0 {
        return Some(StaleReason::Undated);
    }
    // A small step back since then lets later changes have times from before it.
    let step = if is_same_boot { step as i128 } else { 0 };
    let window = window_nanos(present.kind) + step;
    let is_settled = |time: Timestamp| remembered.began_nanos - time.as_nanos() > window;
    let is_changed_settled = !present.kind.has_change_times || is_settled(seen.changed);
    if !is_settled(seen.modified) || !is_changed_settled {
        return Some(StaleReason::TooRecent);
    }
    None
}

/// How much older than the scan a change must be, so that one after the scan has another time.
fn window_nanos(kind: &FilesystemKind) -> i128 {
    let least = if kind.is_network { NETWORK_WINDOW_NANOS } else { LEAST_WINDOW_NANOS };
    least.max(i128::from(kind.time_step_nanos) + LAG_NANOS)
}

#[cfg(test)]
mod tests;
