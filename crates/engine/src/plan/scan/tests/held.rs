//! How much is listed ahead, and how many directories are open.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use surecopy_fs::Operation;
use surecopy_testkit::FakeFs;

use super::*;

/// Takes its time until others have listed as much as they may, and looks how much that is.
struct Slow<'a> {
    fs: &'a FakeFs,
    taken: u64,
    most_ahead: u64,
    /// What the listers come to when nothing is taken; 0 not to wait for it.
    room: u64,
}

impl Slow<'_> {
    fn ahead(&self) -> u64 {
        // The source itself was asked for as well, and is taken.
        self.fs.count(Operation::Metadata).saturating_sub(self.taken)
    }
}

impl ScanSink for Slow<'_> {
    fn entry(&mut self, entry: Entry) -> bool {
        self.taken += 1;
        // The first file: its directory is not taken as a whole, and listers are at work.
        if entry.metadata.kind == FileKind::File {
            while self.ahead() < std::mem::take(&mut self.room) {
                std::thread::yield_now();
            }
        }
        self.most_ahead = self.most_ahead.max(self.ahead());
        true
    }

    fn unreadable(&mut self, path: RelPath, _: Option<FileKind>, error: FsError) {
        panic!("{path:?}: {error}");
    }
}

/// The most handles that were open at once, the root's included.
fn watch(fs: &FakeFs) -> Arc<AtomicU64> {
    let most = Arc::new(AtomicU64::new(0));
    for operation in [Operation::List, Operation::Metadata] {
        let most = Arc::clone(&most);
        fs.before(operation, move |fs, _| {
            most.fetch_max(fs.open_handles(), Ordering::Relaxed);
        });
    }
    most
}

const PART: u64 = 8;
const AHEAD: u64 = 100;
const THREADS: u64 = 4;

fn bounds() -> Bounds {
    Bounds {
        listers: THREADS as usize - 1,
        alone_entries: 1,
        part_entries: PART as usize,
        ahead_entries: AHEAD as usize,
    }
}

/// Scans slowly, and says how much was listed ahead at most, and how many handles were open.
fn slowly(fs: &FakeFs) -> (u64, u64) {
    let most_open = watch(fs);
    let place = Place::at(fs, "/src").unwrap();
    fs.reset_counts();
    // A part is begun when there is any room, and a directory that is empty takes some too.
    let mut slow = Slow { fs, taken: 0, most_ahead: 0, room: AHEAD / 2 };
    place.scan(bounds(), &mut slow).unwrap();
    assert_eq!(slow.ahead(), 0, "all was taken");
    (slow.most_ahead, most_open.load(Ordering::Relaxed))
}

#[test]
fn little_of_a_wide_tree_is_listed_ahead() {
    let fs = FakeFs::new();
    for directory in 0..300 {
        for file in 0..6 {
            fs.file(format!("/src/{directory}/{file}"), "");
        }
    }
    let (ahead, open) = slowly(&fs);
    // Directories in a part were looked at and are taken when all of the directory above has been.
    assert!(ahead <= 300 + AHEAD + THREADS * PART, "{ahead} entries");
    assert!(ahead >= AHEAD / 2);
    assert!(open <= 1 + 2 * THREADS, "{open} handles");
}

#[test]
fn little_of_a_huge_directory_is_listed_ahead() {
    let fs = FakeFs::new();
    for file in 0..5_000 {
        fs.file(format!("/src/{file}"), "");
    }
    let (ahead, open) = slowly(&fs);
    assert!(ahead <= AHEAD + (THREADS + 1) * PART, "{ahead} entries");
    assert!(open <= 2, "{open} handles");
}

/// Each holds a handle for as long as parts of it are not begun.
#[test]
fn few_large_directories_are_open_at_once() {
    let fs = FakeFs::new();
    for directory in 0..40 {
        for file in 0..50 {
            fs.file(format!("/src/{directory}/{file}"), "");
        }
    }
    let (_, open) = slowly(&fs);
    assert!(open <= 1 + 2 * THREADS, "{open} handles");
}

/// How much of what is not wanted is listed depends on who is faster; nothing of it is told.
#[test]
fn a_sink_that_goes_no_further_is_told_of_nothing_beneath() {
    struct Stops(u64);
    impl ScanSink for Stops {
        fn entry(&mut self, entry: Entry) -> bool {
            self.0 += 1;
            entry.path.is_root()
        }

        fn unreadable(&mut self, path: RelPath, _: Option<FileKind>, error: FsError) {
            panic!("{path:?}: {error}");
        }
    }
    let fs = FakeFs::new();
    for directory in 0..200 {
        for file in 0..6 {
            fs.file(format!("/src/{directory}/{file}"), "");
        }
    }
    let place = Place::at(&fs, "/src").unwrap();
    let mut stops = Stops(0);
    place.scan(bounds(), &mut stops).unwrap();
    assert_eq!(stops.0, 201);
}

#[test]
fn a_small_source_is_listed_by_the_walk_alone() {
    let fs = FakeFs::new();
    for directory in 0..50 {
        fs.file(format!("/src/{directory}/file"), "");
    }
    let walk = std::thread::current().id();
    fs.before(Operation::List, move |_, _| assert_eq!(std::thread::current().id(), walk));
    let mut spec = crate::spec::CopySpec::new(Vec::new());
    spec.workers = 16;
    let told = Place::at(&fs, "/src").unwrap().told(Bounds::of(&spec));
    assert_eq!(told.len(), 101);
}

#[test]
fn threads_are_as_many_as_copy_within_reason() {
    let listers = |workers, open_files| {
        let mut spec = crate::spec::CopySpec::new(Vec::new());
        (spec.workers, spec.open_files) = (workers, open_files);
        Bounds::of(&spec).listers
    };
    assert_eq!([1, 2, 4, 64].map(|workers| listers(workers, 1024)), [1, 1, 3, 7]);
    assert_eq!([0, 8, 16, 40, 64, 1 << 40].map(|files| listers(64, files)), [0, 0, 1, 4, 7, 7]);
}
