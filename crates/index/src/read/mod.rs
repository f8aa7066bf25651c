//! Reading: totals, listings, and the values that rows are made of.

mod entries;
mod estimate;
mod known;
mod values;

pub(crate) use entries::{entries, entries_of_now};
pub use estimate::Estimate;
pub(crate) use estimate::{estimate, estimate_in, nearest_location};
pub(crate) use known::{Known, known, known_in};
pub(crate) use values::{nanos, state_number};
