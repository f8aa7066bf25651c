//! What preflight can find.

use std::path::PathBuf;

use surecopy_fs::RelPath;

use crate::error::ItemError;
use crate::report::ItemKind;

/// How far a problem reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The job cannot begin.
    Job,
    /// One item cannot be copied; the others can.
    Item,
}

/// An entry that is not copied because of a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedEntry {
    /// Which mapping it belongs to.
    pub mapping: usize,
    /// Its path beneath the mapping's source; the root for the mapping's own source.
    pub path: RelPath,
    /// What it is, as far as that is known: what cannot be looked at is told of as a file.
    pub kind: ItemKind,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How far it reaches.
    pub scope: Scope,
    /// What it is.
    pub error: ItemError,
    /// The item it concerns; `None` when it reaches further.
    pub entry: Option<RefusedEntry>,
    /// The source of the item it concerns.
    pub source: Option<PathBuf>,
    /// The target of the item it concerns.
    pub target: Option<PathBuf>,
    /// Size of the item in bytes.
    pub size_bytes: u64,
}
