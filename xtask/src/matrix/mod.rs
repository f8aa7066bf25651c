//! The fault matrix: which faults there are, which tests make them happen, and how these ended.

mod document;
mod found;
mod results;
mod rows;
mod run;

pub(crate) use document::{PATH, with_table};
pub(crate) use run::run;
