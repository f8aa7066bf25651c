//! What preflight can find.

use std::path::PathBuf;

use crate::error::ItemError;

/// How far a problem reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The job cannot begin.
    Job,
    /// One item cannot be copied; the others can.
    Item,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How far it reaches.
    pub scope: Scope,
    /// What it is.
    pub error: ItemError,
    /// The source of the item it concerns.
    pub source: Option<PathBuf>,
    /// The target of the item it concerns.
    pub target: Option<PathBuf>,
    /// Size of the item in bytes.
    pub size_bytes: u64,
}
