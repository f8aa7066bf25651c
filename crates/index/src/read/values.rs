//! Values as columns hold them.

use crate::error::{Fault, Outcome};
use crate::stale::{Seen, State};

/// A time in a column. What is beyond the years that fit is as far away as can be.
pub(crate) fn nanos(nanos: i128) -> i64 {
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

pub(crate) fn state_number(state: State) -> i64 {
    match state {
        State::Fresh => 0,
        State::Stale => 1,
        State::Unknown => 2,
    }
}

/// What cannot be a state is trusted least.
pub(crate) fn state_from(number: i64) -> State {
    match number {
        0 => State::Fresh,
        1 => State::Stale,
        _ => State::Unknown,
    }
}

pub(crate) fn seen_from(bytes: Option<&[u8]>) -> Outcome<Option<Seen>> {
    let Some(bytes) = bytes else { return Ok(None) };
    let seen = Seen::from_bytes(bytes);
    seen.map(Some).ok_or(Fault::Content("what a directory looked like has another length"))
}
