//! Names in a list that do not exist are told, not passed over.
//!
//! The scan ticks off what it meets; only the rest is looked for.

use std::collections::BTreeSet;
use std::ops::Range;

use surecopy_fs::{FileSystem, FsErrorKind, FsResult, RelPath};

use crate::control::{Cancelled, Control};
use crate::error::{ErrorCode, ItemError, Side};
use crate::policy::Filter;
use crate::preflight::{Problem, RefusedEntry};
use crate::report::ItemKind;
use crate::roots::Root;
use crate::spec::CopySpec;

/// The listed names that the scan has met so far: in any mapping, unless each has a list of its own. So
/// with each stands the mapping, or 0.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    met: BTreeSet<(usize, RelPath)>,
    /// What could not be looked at, which has been told.
    unreadable: BTreeSet<(usize, RelPath)>,
}

/// Whose list a name is in.
fn owner(spec: &CopySpec, mapping: usize) -> usize {
    if spec.own_filters.is_empty() { 0 } else { mapping }
}

impl Listed {
    /// The scan has found an entry.
    pub(super) fn meet(&mut self, spec: &CopySpec, mapping: usize, path: &RelPath) {
        if spec.filter_of(mapping).lists(path) {
            self.met.insert((owner(spec, mapping), path.clone()));
        }
    }

    /// The scan could not look at an entry, or into a directory, and says so itself.
    pub(super) fn miss(&mut self, spec: &CopySpec, mapping: usize, path: &RelPath) {
        if spec.filter_of(mapping).listed().is_some() {
            self.unreadable.insert((owner(spec, mapping), path.clone()));
        }
    }

    /// Looks for the names that were not met, and says what is wrong with those that are not there.
    pub(super) fn look_for_rest<F: FileSystem>(
        &self,
        fs: &F,
        spec: &CopySpec,
        roots: &[Root<F>],
        control: &Control,
        say: &mut dyn FnMut(Problem),
    ) -> Result<(), Cancelled> {
        if spec.own_filters.is_empty() {
            let all = 0..roots.len();
            return self.look_for_list(fs, (0, &spec.filter), (roots, all), control, say);
        }
        for (mapping, filter) in spec.own_filters.iter().enumerate().take(roots.len()) {
            let one = mapping..mapping + 1;
            self.look_for_list(fs, (mapping, filter), (roots, one), control, say)?;
        }
        Ok(())
    }

    /// The same for the names of one list, in the sources that it is for.
    fn look_for_list<F: FileSystem>(
        &self,
        fs: &F,
        (owner, filter): (usize, &Filter),
        (roots, sources): (&[Root<F>], Range<usize>),
        control: &Control,
        say: &mut dyn FnMut(Problem),
    ) -> Result<(), Cancelled> {
        for path in filter.listed().into_iter().flatten() {
            let name = (owner, path.clone());
            if self.met.contains(&name) || self.is_told(name) {
                continue;
            }
            // There may be many, and each can take as long as a slow volume takes to answer.
            control.checkpoint()?;
            look_for(fs, path, (roots, sources.clone()), say);
        }
        Ok(())
    }

    /// Whether it, or a directory above it, has been told of.
    fn is_told(&self, (owner, path): (usize, RelPath)) -> bool {
        let mut above = Some((owner, path));
        while let Some(candidate) = above {
            if self.unreadable.contains(&candidate) {
                return true;
            }
            above = candidate.1.parent().map(|parent| (owner, parent));
        }
        false
    }
}

/// A name that is in one of the sources is there. Where that cannot be known, that is what is said;
/// only a name that surely is in none of them is missing.
fn look_for<F: FileSystem>(
    fs: &F,
    path: &RelPath,
    (roots, sources): (&[Root<F>], Range<usize>),
    say: &mut dyn FnMut(Problem),
) {
    let mut missing = Vec::new();
    let mut unknown = Vec::new();
    for mapping in sources {
        let root = &roots[mapping];
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
