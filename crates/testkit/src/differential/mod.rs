//! Random trees and random changes to them, and how two trees differ: to copy the same tree with several
//! programs and compare what they have made.
//!
//! Trees are shell scripts: what has failed can be made again by hand, without this program.

mod script;
mod sight;
mod trial;

pub use script::RandomTree;
pub use sight::{Sight, difference, sight, sight_without_pipes};
pub use trial::{Copy, Trial, run_script};
