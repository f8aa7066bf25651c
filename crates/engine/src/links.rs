//! Hard links of a job: where the first name of each file with several names went.

use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::Mutex;

use surecopy_fs::{FileId, RelPath};

use crate::policy::Digest;
use crate::policy::Evidence;

/// A mapping and a path beneath its source: the first name as planned.
pub(crate) type FirstName = (usize, RelPath);

/// The first name as it stands at the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinkTarget {
    /// Its directory beneath the destination root.
    pub(crate) dir: RelPath,
    /// Its name there.
    pub(crate) name: OsString,
    /// What it must be for another name to be given to it.
    pub(crate) id: FileId,
    /// How it was proved; a further name of it is the same file.
    pub(crate) evidence: Evidence,
    /// Its digest.
    pub(crate) digest: Option<Digest>,
}

/// All first names that are in place.
#[derive(Debug, Default)]
pub(crate) struct Links {
    known: Mutex<HashMap<FirstName, LinkTarget>>,
}

impl Links {
    /// A first name is in place. Returns what stood for it until now.
    pub(crate) fn put(&self, first: FirstName, target: LinkTarget) -> Option<LinkTarget> {
        self.known.lock().expect("no code panics while holding this lock").insert(first, target)
    }

    /// Where a first name went; `None` when it did not get there.
    pub(crate) fn get(&self, first: &FirstName) -> Option<LinkTarget> {
        self.known.lock().expect("no code panics while holding this lock").get(first).cloned()
    }
}
