//! Preparation over a file system in memory: whatever happened to a tree, and whatever became of the index,
//! it tells what there is.

mod faults;
mod histories;
mod model;
mod touched;
mod unfinished;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use surecopy_engine::{
    Event, ItemError, NoObserver, Observer, Outcome, SurveySink, Surveyed, WarningKind,
};
use surecopy_fs::{FileKind, Moment, RelPath};
use surecopy_testkit::FakeFs;
use tempfile::TempDir;

use super::{Preparation, PrepareMode, PrepareRequest, Prepared};

/// Everything that was found, in its order.
#[derive(Default)]
struct Listing {
    found: Vec<Surveyed>,
    problems: Vec<ItemError>,
}

impl SurveySink for Listing {
    fn found(&mut self, batch: &[Surveyed]) {
        self.found.extend_from_slice(batch);
    }

    fn problem(&mut self, error: ItemError) {
        self.problems.push(error);
    }
}

/// One entry: of which source, its path, what it is.
type Named = (usize, RelPath, FileKind);

impl Listing {
    fn names(&self) -> Vec<Named> {
        let named = |one: &Surveyed| (one.source, one.path.clone(), one.metadata.kind);
        self.found.iter().map(named).collect()
    }

    /// Directories of a source of which an entry is told as it is remembered.
    fn remembered_of(&self, number: usize, source: &Path) -> BTreeSet<PathBuf> {
        let remembered = self.found.iter().filter(|it| it.source == number && it.is_remembered);
        let parents = remembered.filter_map(|it| Some(source.join(it.path.as_path().parent()?)));
        parents.map(|path| path.components().collect()).collect()
    }

    /// Files, bytes, directories, others.
    fn sums(&self) -> [u64; 4] {
        let mut sums = [0; 4];
        for one in &self.found {
            match one.metadata.kind {
                FileKind::File => {
                    sums[0] += 1;
                    sums[1] += one.metadata.size;
                }
                FileKind::Directory => sums[2] += 1,
                _ => sums[3] += 1,
            }
        }
        sums
    }
}

fn sums_of(prepared: &Prepared) -> [u64; 4] {
    [prepared.files, prepared.bytes, prepared.directories, prepared.others]
}

/// Where an index is, for as long as this lives.
struct Scene {
    temp: TempDir,
    fs: FakeFs,
}

impl Scene {
    fn new() -> Self {
        Self { temp: tempfile::tempdir().unwrap(), fs: FakeFs::new() }
    }

    fn index(&self) -> PathBuf {
        self.temp.path().join("index.db")
    }

    /// A preparation with the index.
    fn preparation(&self, sources: &[PathBuf], mode: PrepareMode) -> Preparation<FakeFs> {
        let request = PrepareRequest::new(sources).index(self.index()).mode(mode).jobs(3);
        on(&self.fs, request)
    }

    fn run(&self, sources: &[PathBuf], mode: PrepareMode) -> Prepared {
        self.preparation(sources, mode).run(&NoObserver)
    }

    fn list(&self, sources: &[PathBuf], mode: PrepareMode) -> (Prepared, Listing) {
        let mut listing = Listing::default();
        let prepared = self.preparation(sources, mode).run_listing(&NoObserver, &mut listing);
        (prepared, listing)
    }

    /// What there is, without an index.
    fn look(&self, sources: &[PathBuf]) -> Listing {
        let mut listing = Listing::default();
        let request = PrepareRequest::new(sources).jobs(3);
        let prepared = on(&self.fs, request).run_listing(&NoObserver, &mut listing);
        assert_eq!(prepared.outcome, Outcome::Finished);
        listing
    }
}

fn on(fs: &FakeFs, request: PrepareRequest) -> Preparation<FakeFs> {
    let clock = fs.clone();
    let clock = Arc::new(move || -> Moment { clock.moment() });
    request.prepare_on(Arc::new(fs.clone()), clock).unwrap()
}

/// Keeps the lines that a user is told about the index.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Told {
    fn into_lines(self) -> Vec<String> {
        self.0.into_inner().unwrap()
    }
}

impl Observer for Told {
    fn on_event(&self, event: Event) {
        if let Event::Warned(warning) = event {
            assert_eq!(warning.kind, WarningKind::Index);
            self.0.lock().unwrap().push(warning.message);
        }
    }
}
