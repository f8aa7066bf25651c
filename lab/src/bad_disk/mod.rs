//! Disks that are bad, and what programs make of them.
//!
//! A [`Bench`] is a volume on a disk that can be told to be bad. In the matrix each of some [`PROGRAMS`] copies
//! a file to it, for each thing that bad disks do; then what they said is held beside what really lies on the
//! disk. The [`table`] of the README is made of that.

mod bench;
mod matrix;
mod outcome;
mod picture;
mod programs;
mod summary;
pub(crate) mod table;

pub(crate) use bench::{Bench, on_each};
pub(crate) use matrix::{Cell, all};
pub(crate) use outcome::Left;
pub(crate) use programs::{PROGRAMS, Program};
