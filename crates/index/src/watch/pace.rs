//! How often things are done.

use std::time::Duration;

/// How often things are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchPace {
    /// How long changes are gathered before they are written. A change is marked after that, also when
    /// there is no end to them.
    pub gather: Duration,
    /// How often it is looked whether each location is still the one that is watched.
    pub look: Duration,
    /// How often it is written down until when everything was seen.
    pub note: Duration,
    /// How often every directory is looked at, since changes can be missed without anybody noticing.
    pub check: Duration,
    /// How long a location rests after something was missed, before it is begun again: the first time.
    /// Twice as long each time that it happens soon after.
    pub rest: Duration,
}

impl Default for WatchPace {
    fn default() -> Self {
        Self {
            gather: Duration::from_millis(100),
            look: Duration::from_secs(1),
            note: Duration::from_secs(5),
            check: Duration::from_secs(600),
            rest: Duration::from_secs(1),
        }
    }
}
