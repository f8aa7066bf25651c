//! The destinations of a job that has run, and where its items stand there. The sources are not
//! needed: they may be gone.

use std::ffi::OsString;
use std::path::PathBuf;

use surecopy_fs::{FileSystem, FsErrorKind, FsResult, Metadata, RelPath};

use crate::environment::Environment;
use crate::error::{ErrorCode, ItemError, Side};
use crate::opened::Opened;
use crate::plan::Seen;
use crate::preflight::{Problem, Scope, check_destination_volume, volume_identity};
use crate::record::DoneItem;
use crate::report::Event;
use crate::spec::{CopySpec, Mapping, joined};
use crate::volumes::Volumes;

/// The open destination roots of all mappings.
pub(crate) struct Destinations<'a, F: FileSystem> {
    pub(crate) fs: &'a F,
    mappings: &'a [Mapping],
    roots: Vec<F::Dir>,
    volumes: Volumes,
}

/// Where an item's target stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    /// Its mapping.
    pub(crate) mapping: usize,
    /// Its directory, beneath the destination root.
    pub(crate) parent: RelPath,
    /// Its name there.
    pub(crate) name: OsString,
    /// All of it, for people.
    pub(crate) shown: PathBuf,
}

impl<'a, F: FileSystem> Destinations<'a, F> {
    /// Opens the destination of every mapping. Where one is not there, or another volume is mounted
    /// than the one that was copied to, nothing may be touched: that is told, and returned.
    pub(crate) fn open(
        spec: &'a CopySpec,
        outside: &'a Environment<'_, F>,
    ) -> Result<Self, Vec<Problem>> {
        let fs = outside.fs.as_ref();
        let volumes = Volumes::default();
        let known = outside.history.map_or(&[][..], |history| history.roots());
        let (mut roots, mut problems) = (Vec::new(), Vec::new());
        for (index, mapping) in spec.mappings.iter().enumerate() {
            let opened = fs.open_root(&mapping.destination_root).and_then(|root| {
                volumes.of_root(fs, &root)?;
                let now = volume_identity(fs, &root, &mapping.target)?;
                Ok((root, now))
            });
            let error = match opened {
                Err(error) => {
                    Some(ItemError::from_fs(&error, Side::Destination, mapping.target_path()))
                }
                Ok((root, now)) => {
                    roots.push(root);
                    let known = known.get(index).filter(|_| !spec.accept_volume);
                    known.and_then(|known| check_destination_volume(mapping, known, &now))
                }
            };
            problems.extend(error.map(|error| problem(mapping, error)));
        }
        if problems.is_empty() {
            return Ok(Self { fs, mappings: &spec.mappings, roots, volumes });
        }
        for problem in &problems {
            outside.observer.on_event(Event::ProblemFound(problem.clone()));
        }
        Err(problems)
    }

    /// Where an item went. What belongs to no mapping of the job is an error of whoever says so.
    pub(crate) fn target(&self, item: &DoneItem) -> Result<Target, ItemError> {
        let unknown = |message: &str| {
            ItemError::new(ErrorCode::Internal, item.path.as_path().to_owned(), message)
        };
        let mapping =
            self.mappings.get(item.mapping).ok_or_else(|| unknown("it has no mapping"))?;
        let below = mapping.target_below(&item.path, item.target_name.as_deref());
        let shown = joined(&mapping.destination_root, &below);
        let (parent, name) = below.split().ok_or_else(|| unknown("it has no name"))?;
        Ok(Target { mapping: item.mapping, parent, name, shown })
    }

    /// A path beneath a destination root, for people.
    pub(crate) fn show(&self, mapping: usize, path: &RelPath) -> PathBuf {
        joined(&self.mappings[mapping].destination_root, path)
    }

    /// Whether the job has such a mapping.
    pub(crate) fn has(&self, mapping: usize) -> bool {
        mapping < self.mappings.len()
    }

    /// Opens a directory; `None` where there is none.
    pub(crate) fn directory(&self, mapping: usize, path: &RelPath) -> FsResult<Option<Opened<F>>> {
        match Opened::beneath(self.fs, &self.volumes, &self.roots[mapping], path) {
            Ok(opened) => Ok(Some(opened)),
            Err(error) if error.kind == FsErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn problem(mapping: &Mapping, error: ItemError) -> Problem {
    Problem {
        scope: Scope::Job,
        error,
        entry: None,
        source: Some(mapping.source_path()),
        target: Some(mapping.target_path()),
        size_bytes: 0,
    }
}

/// Whether something has the size and the time of what was seen, be it another file: a copy.
pub(crate) fn is_like(seen: Seen, found: &Metadata) -> bool {
    seen.size_bytes == found.size && seen.modified == found.modified
}
