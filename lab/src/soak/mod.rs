//! Random trees, random faults, random kills and resumes, for as long as there is time. Each round is drawn from
//! a seed of its own, which is printed when it fails and replays it.

mod control;
mod fault;
mod random_tree;
mod round;
mod run;

pub(crate) use run::{CASES, WORD};
