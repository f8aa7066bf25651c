//! What the index knows of a location, in words.

use surecopy::Timestamp;
use surecopy::index::KnownLocation;

use crate::recorded::Moment;

/// How much of a location is known, as far as that can be said without a look at it.
pub(crate) fn standing(known: &KnownLocation) -> &'static str {
    match known.estimate {
        Some(_) => known.location.scan_status.as_str(),
        None => "never scanned",
    }
}

/// When something was done.
pub(crate) fn when(time: Timestamp) -> Moment {
    Moment(millis(time))
}

/// Milliseconds since 1970.
pub(crate) fn millis(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanos().div_euclid(1_000_000)).unwrap_or(i64::MAX)
}
