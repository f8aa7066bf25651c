//! Input that nobody has written: samples of real input, changed at random, and what every reader of
//! input from outside has to keep then.
//!
//! A target gives [`hold`] samples that were written from valid values, and a check. The check is given
//! one changed sample after the other and says whether it was taken. Whatever comes, it may not panic, take
//! long, or make room out of proportion. Which targets there are stands in `CONTRIBUTING.md`.
//!
//! Without a word, a target takes a fixed seed and a fixed number of inputs, so that a build does not
//! depend on chance. `SURECOPY_FUZZ_SECONDS` makes each target go on for so long, with new seeds;
//! `SURECOPY_FUZZ_SEED` begins with that one.

mod hold;
mod mutation;

pub use hold::{Verdict, hold, hold_values};
pub use mutation::{Input, Mutation, Sample, mutated, mutations};
