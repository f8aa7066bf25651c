//! The scan against one that is plain: the same entries and errors in the same order, however many
//! threads list, and no more than is needed.

mod ended;
mod held;
mod order;
mod reference;
mod remembered;
mod time;
mod trees;

use std::collections::BTreeSet;
use std::path::Path;

use surecopy_fs::{FileKind, FileSystem, FsError, FsErrorKind, FsResult, RelPath};

use super::{Bounds, Entry, Origin, ScanSink, Source, scan};
use crate::control::{Cancelled, Control};
use crate::plan::Catalog;
use crate::policy::Filter;
use crate::report::{Progress, ScanShare};
use crate::spec::Mapping;

/// What a sink was told.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    Entry(Entry),
    Unreadable(RelPath, Option<FileKind>, FsErrorKind),
}

/// Remembers all it is told, and goes into all directories but some.
#[derive(Default)]
struct Record {
    told: Vec<Told>,
    not_entered: BTreeSet<RelPath>,
}

impl ScanSink for Record {
    fn entry(&mut self, entry: Entry) -> bool {
        let is_entered =
            entry.metadata.kind == FileKind::Directory && !self.not_entered.contains(&entry.path);
        self.told.push(Told::Entry(entry));
        is_entered
    }

    fn unreadable(&mut self, path: RelPath, kind: Option<FileKind>, error: FsError) {
        self.told.push(Told::Unreadable(path, kind, error.kind));
    }
}

impl Record {
    fn without(not_entered: &BTreeSet<RelPath>) -> Self {
        Self { told: Vec::new(), not_entered: not_entered.clone() }
    }

    fn unreadable(&self) -> Vec<(RelPath, Option<FileKind>, FsErrorKind)> {
        let unreadable = |told: &Told| match told {
            Told::Unreadable(path, kind, error) => Some((path.clone(), *kind, *error)),
            Told::Entry(_) => None,
        };
        self.told.iter().filter_map(unreadable).collect()
    }
}

/// So small that a small tree has large directories, and more than may be held.
const SMALL: Bounds = Bounds { listers: 0, alone_entries: 1, part_entries: 3, ahead_entries: 10 };

/// Nobody helps; somebody does; several do, with a little or much room.
fn all_bounds() -> [Bounds; 5] {
    [
        SMALL,
        Bounds { listers: 1, ..SMALL },
        Bounds { listers: 3, ..SMALL },
        Bounds { listers: 3, ahead_entries: 1000, ..SMALL },
        Bounds { listers: 2, part_entries: 1000, ahead_entries: 1000, ..SMALL },
    ]
}

fn path(text: &str) -> RelPath {
    RelPath::new(text).unwrap()
}

/// All that is beneath a directory.
fn mapping(top: impl AsRef<Path>) -> Mapping {
    Mapping {
        source_root: top.as_ref().to_owned(),
        source: RelPath::root(),
        destination_root: "/".into(),
        target: RelPath::root(),
    }
}

/// What a scan needs to be handed.
struct Place<'a, F: FileSystem> {
    fs: &'a F,
    root: F::Dir,
    mapping: Mapping,
    filter: Filter,
    catalog: Option<&'a dyn Catalog>,
    progress: Progress,
    control: Control,
}

impl<'a, F: FileSystem> Place<'a, F> {
    fn at(fs: &'a F, top: impl AsRef<Path>) -> FsResult<Self> {
        let root = fs.open_root(top.as_ref())?;
        let (filter, progress, control) = (Filter::default(), Progress::new(), Control::new());
        Ok(Self { fs, root, mapping: mapping(top), filter, catalog: None, progress, control })
    }

    fn source(&self, bounds: Bounds) -> Source<'_, F> {
        Source {
            fs: self.fs,
            root: &self.root,
            mapping: 3,
            top: &self.mapping.source,
            filter: &self.filter,
            catalog: self.catalog,
            progress: &self.progress,
            share: ScanShare::of_one_in(1),
            control: &self.control,
            bounds,
        }
    }

    fn scan(&self, bounds: Bounds, sink: &mut dyn ScanSink) -> Result<(), Cancelled> {
        scan(&self.source(bounds), sink)
    }

    /// What a scan tells that goes into everything.
    fn told(&self, bounds: Bounds) -> Vec<Told> {
        let mut record = Record::default();
        self.scan(bounds, &mut record).expect("nobody cancels it");
        record.told
    }
}
