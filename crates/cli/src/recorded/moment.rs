//! Moments, as the ledger has them: milliseconds since 1970.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A moment for people: the time on the wall where they are, to the minute.
pub(crate) struct Moment(pub(crate) i64);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_millisecond(self.0) {
            Ok(moment) => moment.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").fmt(f),
            // No clock has ever said that; a ledger that somebody has edited may.
            Err(_) => f.write_str("an unknown time"),
        }
    }
}

/// A moment for programs: RFC 3339, in UTC.
pub(crate) fn rfc3339(ms: i64) -> Option<String> {
    Timestamp::from_millisecond(ms).ok().map(|moment| moment.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_one_text_for_programs() {
        assert_eq!(rfc3339(1_763_733_780_123).as_deref(), Some("2025-11-21T14:03:00.123Z"));
        assert_eq!(rfc3339(i64::MAX), None);
        assert_eq!(Moment(i64::MIN).to_string(), "an unknown time");
    }
}
