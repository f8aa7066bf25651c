//! A directory of which the catalog remembers what is in it, and telling it of those that were listed.

use std::ffi::{OsStr, OsString};

use surecopy_fs::{FileSystem, Metadata, Moment, Node, RelPath};

use super::entry::Origin;
use super::listing::{CHECKED_ENTRIES, Part};
use super::walk::Source;
use crate::control::Cancelled;
use crate::plan::catalog::{Catalog, ListedPart, MOST_REMEMBERED_ENTRIES};

/// What a directory that is listed was like before, for the catalog.
pub(super) struct Before {
    began: Moment,
    metadata: Metadata,
}

/// What was found in one part of a directory, for the catalog.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) entries: Vec<(OsString, Metadata)>,
    pub(super) missed: usize,
}

impl<F: FileSystem> Source<'_, F> {
    /// What the catalog remembers of a directory, in the order of names.
    pub(super) fn remembered(&self, path: &RelPath) -> Option<Vec<(OsString, Metadata)>> {
        let mut entries = self.catalog?.entries(self.mapping, path)?;
        // What does not look like a listing is none: it may come from a file that somebody wrote to.
        if entries.len() > MOST_REMEMBERED_ENTRIES || !entries.iter().all(|(name, _)| is_name(name))
        {
            return None;
        }
        if !entries.is_sorted_by(|(one, _), (next, _)| one < next) {
            entries.sort_by(|(one, _), (next, _)| one.cmp(next));
            entries.dedup_by(|(next, _), (one, _)| next == one);
        }
        Some(entries)
    }

    /// What of those takes part.
    pub(super) fn take_remembered(
        &self,
        above: &RelPath,
        entries: &[(OsString, Metadata)],
    ) -> Result<Part, Cancelled> {
        let mut part = Part { found: Vec::with_capacity(entries.len()), directories: Vec::new() };
        for (index, (name, metadata)) in entries.iter().enumerate() {
            if index % CHECKED_ENTRIES == CHECKED_ENTRIES - 1 {
                self.control.checkpoint()?;
            }
            self.take(&mut part, above.join(name), metadata.clone(), Origin::Remembered);
        }
        Ok(part)
    }

    /// What the time is, before a directory is looked at.
    pub(super) fn begin(&self) -> Option<Moment> {
        self.catalog.map(Catalog::now)
    }

    /// What a directory is like before it is listed; `None` when nobody wants to know. One that does not
    /// say so cannot be remembered.
    pub(super) fn before(&self, began: Option<Moment>, dir: &F::Dir) -> Option<Box<Before>> {
        let began = began?;
        let metadata = self.fs.metadata(Node::Dir(dir)).ok()?;
        Some(Box::new(Before { began, metadata }))
    }

    /// Tells the catalog of a part of a directory.
    pub(super) fn tell(
        &self,
        path: &RelPath,
        before: &Before,
        (part, parts): (usize, usize),
        found: &Gathered,
    ) {
        if let Some(catalog) = self.catalog {
            let &Before { began, ref metadata } = before;
            let Gathered { entries, missed } = found;
            catalog.listed(&ListedPart {
                mapping: self.mapping,
                path,
                began,
                metadata,
                part,
                parts,
                entries,
                missed: *missed,
            });
        }
    }

    /// Tells the catalog of a directory that could not be listed.
    pub(super) fn tell_not_listed(&self, path: &RelPath) {
        if let Some(catalog) = self.catalog {
            catalog.not_listed(self.mapping, path);
        }
    }
}

/// Whether it can be the name of an entry.
fn is_name(name: &OsStr) -> bool {
    let is_that_alone = |path: RelPath| path.depth() == 1 && path.as_path().as_os_str() == name;
    !name.as_encoded_bytes().contains(&0) && RelPath::new(name).is_ok_and(is_that_alone)
}
