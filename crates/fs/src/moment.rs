//! Moments, by both clocks of a machine: the one that people set, and the one that nobody can.

use std::time::Duration;

use crate::metadata::Timestamp;

/// One boot of one machine: another boot has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BootId(pub u128);

/// A moment, as the clocks of this machine show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The time of day, by which the kernel dates files. Somebody may set it forwards or back.
    pub wall: Timestamp,
    /// Time since this boot, sleep included. It goes on at the same rate as the other, and is never
    /// set, so that their difference tells when that was.
    pub since_boot: Duration,
    /// Which boot this is; `None` where the system does not say.
    pub boot: Option<BootId>,
}

impl Moment {
    /// How far the time of day is ahead of the time since boot, in nanoseconds. It stays as it is until
    /// somebody sets the clock.
    pub fn offset_nanos(&self) -> i128 {
        self.wall.as_nanos() - i128::try_from(self.since_boot.as_nanos()).unwrap_or(i128::MAX)
    }
}

impl Timestamp {
    /// Nanoseconds since 1970.
    pub fn as_nanos(&self) -> i128 {
        i128::from(self.secs) * 1_000_000_000 + i128::from(self.nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_shows_that_the_clock_was_set_and_nothing_else() {
        let at = |secs, since_boot| Moment {
            wall: Timestamp { secs, nanos: 5 },
            since_boot: Duration::from_secs(since_boot),
            boot: Some(BootId(1)),
        };
        assert_eq!(at(1_000, 10).offset_nanos(), at(2_000, 1_010).offset_nanos());
        assert_eq!(at(997, 10).offset_nanos() + 3_000_000_000, at(1_000, 10).offset_nanos());
        assert_eq!(Timestamp { secs: -1, nanos: 999_999_999 }.as_nanos(), -1);
    }
}
