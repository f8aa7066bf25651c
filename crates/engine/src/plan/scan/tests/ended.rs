//! Scans that are ended early.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use surecopy_fs::Operation;
use surecopy_testkit::FakeFs;

use super::*;
use crate::plan::scan::listing::CHECKED_ENTRIES;

const THREADS: u64 = 4;

fn usual() -> Bounds {
    let bounds = Bounds { listers: 3, alone_entries: 1, part_entries: 1024, ahead_entries: 16_384 };
    assert_eq!(bounds.listers as u64 + 1, THREADS);
    bounds
}

/// Cancels at the n-th such operation, and says how many came after it.
fn cancelled_at(fs: &FakeFs, operation: Operation, nth: u64) -> u64 {
    let place = Place::at(fs, "/src").unwrap();
    let control = place.control.clone();
    fs.before(operation, move |_, at| {
        if at == nth {
            control.cancel();
        }
    });
    fs.reset_counts();
    let mut record = Record::default();
    assert_eq!(place.scan(usual(), &mut record), Err(Cancelled));
    assert_eq!(fs.open_handles(), 1);
    let last = fs.count(operation);
    assert!(last >= nth, "it was never asked for");
    last - nth
}

fn huge() -> FakeFs {
    let fs = FakeFs::new();
    for file in 0..20_000 {
        fs.file(format!("/src/{file}"), "");
    }
    fs
}

#[test]
fn a_huge_directory_is_left_in_its_middle() {
    let fs = huge();
    let after = cancelled_at(&fs, Operation::Metadata, 7_000);
    assert!(after <= THREADS * CHECKED_ENTRIES as u64, "{after} more");
}

#[test]
fn a_huge_directory_is_left_while_its_names_are_read() {
    let fs = huge();
    assert_eq!(cancelled_at(&fs, Operation::List, 1), 0);
    assert_eq!(fs.count(Operation::Metadata), 1, "the source itself");
}

#[test]
fn a_deep_tree_is_left() {
    let fs = FakeFs::new();
    for top in 0..10 {
        fs.dir(format!("/src/{top}/{}", vec!["deep"; 100].join("/")));
    }
    let after = cancelled_at(&fs, Operation::OpenDir, 300);
    assert!(after <= THREADS, "{after} more directories");
}

#[test]
fn a_scan_that_is_paused_can_be_cancelled() {
    let fs = huge();
    let place = Place::at(&fs, "/src").unwrap();
    let control = place.control.clone();
    fs.before(Operation::Metadata, move |_, at| {
        if at == 5_000 {
            control.pause();
        }
    });
    std::thread::scope(|scope| {
        let scanned = scope.spawn(|| place.scan(usual(), &mut Record::default()));
        while !place.control.is_paused() {
            std::thread::yield_now();
        }
        place.control.cancel();
        assert_eq!(scanned.join().unwrap(), Err(Cancelled));
    });
    let asked = fs.count(Operation::Metadata);
    assert!(asked <= 5_000 + THREADS * CHECKED_ENTRIES as u64, "{asked}");
}

#[test]
fn a_scan_that_was_paused_goes_on() {
    let fs = huge();
    let place = Place::at(&fs, "/src").unwrap();
    let control = place.control.clone();
    fs.before(Operation::Metadata, move |_, at| {
        if at == 5_000 {
            control.pause();
        }
    });
    let told = std::thread::scope(|scope| {
        let scanned = scope.spawn(|| place.told(usual()));
        while !place.control.is_paused() {
            std::thread::yield_now();
        }
        place.control.resume();
        scanned.join().unwrap()
    });
    assert_eq!(told.len(), 20_001);
}

/// Whoever panics: the other threads end, and the panic is passed on.
#[test]
fn a_panic_is_not_waited_for() {
    let fs = huge();
    let is_met = Arc::new(AtomicBool::new(false));
    let meets = Arc::clone(&is_met);
    // The names of the threads that list are not known here; the walk's is.
    let walk = std::thread::current().id();
    fs.before(Operation::Metadata, move |_, _| {
        if std::thread::current().id() != walk && !meets.swap(true, Ordering::Relaxed) {
            panic!("a lister panics, as this test wants it");
        }
    });
    let place = Place::at(&fs, "/src").unwrap();
    let scanned = catch_unwind(AssertUnwindSafe(|| {
        // So that the listers come to something, the walk waits for them.
        let mut waiting = Waiting { is_met: &is_met };
        place.scan(usual(), &mut waiting)
    }));
    assert!(is_met.load(Ordering::Relaxed));
    assert!(scanned.is_err());
}

struct Waiting<'a> {
    is_met: &'a AtomicBool,
}

impl ScanSink for Waiting<'_> {
    fn entry(&mut self, entry: Entry) -> bool {
        while !entry.path.is_root() && !self.is_met.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        true
    }

    fn unreadable(&mut self, _: RelPath, _: Option<FileKind>, _: FsError) {}
}

#[test]
fn a_sink_that_panics_ends_the_listers() {
    struct Panics(AtomicU64);
    impl ScanSink for Panics {
        fn entry(&mut self, _: Entry) -> bool {
            assert!(self.0.fetch_add(1, Ordering::Relaxed) < 3_000, "as this test wants it");
            true
        }

        fn unreadable(&mut self, _: RelPath, _: Option<FileKind>, _: FsError) {}
    }
    let fs = huge();
    let place = Place::at(&fs, "/src").unwrap();
    let scan = || place.scan(usual(), &mut Panics(AtomicU64::new(0)));
    assert!(catch_unwind(AssertUnwindSafe(scan)).is_err());
    assert_eq!(fs.open_handles(), 1);
}
