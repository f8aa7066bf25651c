//! Names in a list that do not exist are told, not passed over.
//!
//! The scan ticks off what it meets; only the rest is looked for.

use std::collections::BTreeSet;

use surecopy_fs::{FileSystem, FsErrorKind, FsResult, RelPath};

use crate::control::{Cancelled, Control};
use crate::error::{ErrorCode, ItemError, Side};
use crate::policy::Filter;
use crate::preflight::{Problem, RefusedEntry};
use crate::report::ItemKind;
use crate::roots::Root;

/// The listed names that the scan has met so far, in any mapping.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    met: BTreeSet<RelPath>,
    /// What could not be looked at, which has been told.
    unreadable: BTreeSet<RelPath>,
}

impl Listed {
    /// The scan has found an entry.
    pub(super) fn meet(&mut self, filter: &Filter, path: &RelPath) {
        if filter.lists(path) {
            self.met.insert(path.clone());
        }
    }

    /// The scan could not look at an entry, or into a directory, and says so itself.
    pub(super) fn miss(&mut self, filter: &Filter, path: &RelPath) {
        if filter.listed().is_some() {
            self.unreadable.insert(path.clone());
        }
    }

    /// Looks for the names that were not met, and says what is wrong with those that are not there.
    pub(super) fn look_for_rest<F: FileSystem>(
        &self,
        fs: &F,
        filter: &Filter,
        roots: &[Root<F>],
        control: &Control,
        say: &mut dyn FnMut(Problem),
    ) -> Result<(), Cancelled> {
        for path in filter.listed().into_iter().flatten() {
            if self.met.contains(path) || self.is_told(path) {
                continue;
            }
            // There may be many, and each can take as long as a slow volume takes to answer.
            control.checkpoint()?;
            look_for(fs, path, roots, say);
        }
        Ok(())
    }

    /// Whether it, or a directory above it, has been told of.
    fn is_told(&self, path: &RelPath) -> bool {
        let mut above = Some(path.clone());
        while let Some(candidate) = above {
            if self.unreadable.contains(&candidate) {
                return true;
            }
            above = candidate.parent();
        }
        false
    }
}

/// A name that is in one of the sources is there. Where that cannot be known, that is what is said;
/// only a name that surely is in none of them is missing.
fn look_for<F: FileSystem>(
    fs: &F,
    path: &RelPath,
    roots: &[Root<F>],
    say: &mut dyn FnMut(Problem),
) {
    let mut missing = Vec::new();
    let mut unknown = Vec::new();
    for (mapping, root) in roots.iter().enumerate() {
        let source = root.show_source(&root.source_below(path));
        let entry = RefusedEntry { mapping, path: path.clone(), kind: ItemKind::File };
        match look_at(fs, root, path) {
            Ok(()) => return,
            Err(error) if is_missing(error.kind) => {
                let message = "a listed file does not exist";
                let error = ItemError::new(ErrorCode::SourceMissing, source, message);
                missing.push(root.problem(entry, error, 0));
            }
            Err(error) => {
                let error = ItemError::from_fs(&error, Side::Source, source);
                unknown.push(root.problem(entry, error, 0));
            }
        }
    }
    let problems = if unknown.is_empty() { missing } else { unknown };
    problems.into_iter().for_each(say);
}

fn look_at<F: FileSystem>(fs: &F, root: &Root<F>, path: &RelPath) -> FsResult<()> {
    let Some((parent, name)) = root.source_below(path).split() else { return Ok(()) };
    fs.open_dir(&root.source, &parent).and_then(|dir| fs.metadata_at(&dir, &name)).map(drop)
}

/// A file has nothing beneath it: of several sources, one may be a file.
fn is_missing(kind: FsErrorKind) -> bool {
    matches!(kind, FsErrorKind::NotFound | FsErrorKind::NotADirectory)
}
