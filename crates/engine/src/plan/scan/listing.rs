//! Listing one directory: its names, sorted, and what each of them is. A large directory is listed in
//! parts, so that several threads can share it and what was found first need not wait for the rest.
//! One that the catalog remembers is not looked at.

use std::ffi::OsString;
use std::ops::{ControlFlow, Range};

use surecopy_fs::{FileKind, FileSystem, FsError, FsResult, Metadata, RelPath};

use super::entry::{Entry, Origin};
use super::remembered::{Before, Gathered};
use super::walk::Source;
use crate::control::Cancelled;

/// How many names are sorted without a look at whether the job was cancelled.
const SORTED_AT_ONCE: usize = 16 * 1024;

/// How many entries are looked at between checkpoints.
pub(super) const CHECKED_ENTRIES: usize = 256;

/// What became of one name.
pub(super) enum Found {
    /// It is there and takes part.
    Entry(Entry),
    /// It could not be looked at, or the directory itself could not be listed.
    Unreadable { path: RelPath, kind: Option<FileKind>, error: FsError },
}

/// A directory, or a part of a large one.
#[derive(Default)]
pub(super) struct Part {
    /// All but directories, in order.
    pub(super) found: Vec<Found>,
    /// Directories, in order.
    pub(super) directories: Vec<Entry>,
}

impl Part {
    /// How much it counts for when what is held in memory is limited: an empty directory counts too.
    pub(super) fn weight(&self) -> usize {
        self.found.len() + self.directories.len() + 1
    }
}

/// A directory with more entries than are looked at in one go.
pub(super) struct Large<D> {
    pub(super) path: RelPath,
    names: Names<D>,
    part_entries: usize,
}

/// What is in a large directory.
enum Names<D> {
    /// Names that were listed, and are to be looked at.
    Listed { dir: D, names: Vec<OsString>, before: Option<Box<Before>> },
    /// What the catalog remembers.
    Remembered(Vec<(OsString, Metadata)>),
}

impl<D> Names<D> {
    fn len(&self) -> usize {
        match self {
            Names::Listed { names, .. } => names.len(),
            Names::Remembered(entries) => entries.len(),
        }
    }
}

impl<D> Large<D> {
    /// Of how many parts it consists.
    pub(super) fn parts(&self) -> usize {
        self.names.len().div_ceil(self.part_entries)
    }

    fn part(&self, nth: usize) -> Range<usize> {
        let begin = nth * self.part_entries;
        begin..self.names.len().min(begin + self.part_entries)
    }
}

/// What listing a directory gives.
pub(super) enum Listed<D> {
    /// All that is in it.
    Whole(Part),
    /// Its names only: parts of it are looked at one by one.
    Large(Large<D>),
}

impl<F: FileSystem> Source<'_, F> {
    /// Lists a directory.
    pub(super) fn list(&self, path: &RelPath) -> Result<Listed<F::Dir>, Cancelled> {
        self.control.checkpoint()?;
        let part_entries = self.bounds.part_entries;
        if let Some(entries) = self.remembered(path) {
            return Ok(if entries.len() > part_entries {
                let names = Names::Remembered(entries);
                Listed::Large(Large { path: path.clone(), names, part_entries })
            } else {
                Listed::Whole(self.take_remembered(path, &entries)?)
            });
        }
        let began = self.begin();
        let below_root = self.top.join_path(path);
        let opened = self.fs.open_dir(self.root, &below_root);
        let listed = match opened {
            Ok(dir) => {
                let before = self.before(began, &dir);
                self.names(&dir)?.map(|names| (dir, names, before))
            }
            Err(error) => Err(error),
        };
        if !matches!(listed, Ok((_, _, Some(_)))) {
            self.tell_not_listed(path);
        }
        Ok(match listed {
            Ok((dir, names, before)) if names.len() > part_entries => {
                let names = Names::Listed { dir, names, before };
                Listed::Large(Large { path: path.clone(), names, part_entries })
            }
            Ok((dir, names, before)) => {
                Listed::Whole(self.look_at(path, &dir, &names, before.as_deref(), (0, 1))?)
            }
            Err(error) => {
                let kind = Some(FileKind::Directory);
                let found = vec![Found::Unreadable { path: path.clone(), kind, error }];
                Listed::Whole(Part { found, directories: Vec::new() })
            }
        })
    }

    /// Looks at the entries of one part of a large directory.
    pub(super) fn part(&self, large: &Large<F::Dir>, nth: usize) -> Result<Part, Cancelled> {
        match &large.names {
            Names::Remembered(entries) => {
                self.take_remembered(&large.path, &entries[large.part(nth)])
            }
            Names::Listed { dir, names, before } => {
                let names = &names[large.part(nth)];
                self.look_at(&large.path, dir, names, before.as_deref(), (nth, large.parts()))
            }
        }
    }

    /// The names in a directory, in order.
    fn names(&self, dir: &F::Dir) -> Result<FsResult<Vec<OsString>>, Cancelled> {
        let mut names = Vec::new();
        let listed = self.fs.list_each(dir, &mut |name| {
            names.push(name.to_owned());
            if names.len() % CHECKED_ENTRIES == 0 && self.control.is_cancelled() {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        if let Err(error) = listed {
            return Ok(Err(error));
        }
        // The listing may have been ended by it, and then these are not all the names.
        if self.control.is_cancelled() {
            return Err(Cancelled);
        }
        if names.len() <= SORTED_AT_ONCE {
            names.sort_unstable();
        } else {
            // Pieces first, and then ever longer ones: the sort finds that each is two that are
            // sorted, and merges them.
            let mut length = SORTED_AT_ONCE;
            while length / 2 < names.len() {
                for piece in names.chunks_mut(length) {
                    self.control.checkpoint()?;
                    piece.sort();
                }
                length *= 2;
            }
        }
        // A directory that is changed while it is listed may show a name twice.
        names.dedup();
        Ok(Ok(names))
    }

    fn look_at(
        &self,
        above: &RelPath,
        dir: &F::Dir,
        names: &[OsString],
        before: Option<&Before>,
        nth_of: (usize, usize),
    ) -> Result<Part, Cancelled> {
        let mut part = Part { found: Vec::with_capacity(names.len()), directories: Vec::new() };
        let mut gathered = Gathered::default();
        for (index, name) in names.iter().enumerate() {
            if index % CHECKED_ENTRIES == CHECKED_ENTRIES - 1 {
                self.control.checkpoint()?;
            }
            let path = above.join(name);
            match self.fs.metadata_at(dir, name) {
                Err(error) => {
                    gathered.missed += 1;
                    if self.filter.admits(&path, false) {
                        part.found.push(Found::Unreadable { path, kind: None, error });
                    }
                }
                Ok(metadata) => {
                    if before.is_some() {
                        gathered.entries.push((name.clone(), metadata.clone()));
                    }
                    self.take(&mut part, path, metadata, Origin::Read);
                }
            }
        }
        if let Some(before) = before {
            self.tell(above, before, nth_of, &gathered);
        }
        Ok(part)
    }

    /// Takes an entry into its part, if it takes part.
    pub(super) fn take(&self, part: &mut Part, path: RelPath, metadata: Metadata, origin: Origin) {
        let is_directory = metadata.kind == FileKind::Directory;
        if self.filter.admits(&path, is_directory) {
            let entry = Entry { path, metadata, origin };
            if is_directory {
                part.directories.push(entry);
            } else {
                part.found.push(Found::Entry(entry));
            }
        }
    }
}
