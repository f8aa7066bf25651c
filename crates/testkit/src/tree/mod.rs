//! Trees of odd files, the same for the same seed, for copying and comparing.
//!
//! A [`TreePlan`] says what a tree is made of. It can be built on disk or through any file system,
//! and any tree can be held against it, which tells exactly what differs.

mod build;
mod differences;
mod plan;

pub use plan::{PlannedContent, PlannedEntry, TreePlan, TreeShape};
