//! Benchmarks: the release program, timed side by side in one run. `cargo xtask bench NAME [PAIRS]`.
//!
//! What is compared takes turns, so that whatever else the machine does meets all alike, and what is told
//! is the median of ratios with its quartiles: a single time says little on a busy machine.

mod data_set;
mod ledger;
mod prepare;
mod race;
mod run;
mod scan;
mod scratch;

pub(crate) use run::run;
