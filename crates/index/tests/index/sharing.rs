//! Several who use an index at once.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use surecopy_index::{Index, IndexError, ScanEnd};
use surecopy_testkit::FakeFs;

use crate::scene::{Place, rel, scene};

fn tree() -> FakeFs {
    let fs = FakeFs::new();
    for number in 0..2_000 {
        fs.file(format!("/data/{}/{}/{number}", number % 7, number % 41), "123");
        fs.file(format!("/more/{}/{number}", number % 17), "1");
    }
    fs.pass(Duration::from_secs(10));
    fs
}

#[test]
fn who_holds_an_index_for_long_is_not_waited_for() {
    let (scene, fs) = (scene(), tree());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    let other = Connection::open(scene.index.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Reading goes on.
    assert_eq!(scene.index.estimate(Path::new("/data")).unwrap().unwrap().files, 2_000);
    assert_eq!(place.validate().stale, 0);
    let began = Instant::now();
    let error = scene.index.mark_all(place.id(), fs.moment().wall).unwrap_err();
    assert!(matches!(error, IndexError::Locked { .. }), "{error}");
    let error = scene.index.remove_location(place.id()).unwrap_err();
    assert_eq!(error.code(), "INDEX_LOCKED");
    assert!(began.elapsed() < Duration::from_secs(20), "it gave up by itself");
    other.execute_batch("ROLLBACK").unwrap();
    scene.index.mark_all(place.id(), fs.moment().wall).unwrap();
}

#[test]
fn a_scan_goes_on_when_its_index_is_held_by_another() {
    let (scene, fs) = (scene(), tree());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    let recorder = place.begin();
    let other = Connection::open(scene.index.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Far more than can wait to be written.
    for _ in 0..2_000 {
        place.list(&recorder, &rel("0"));
    }
    let error = recorder.finish(ScanEnd::Part, fs.moment().wall).unwrap_err();
    assert!(matches!(error, IndexError::Locked { .. }), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    let scanned = place.scan();
    place.check_totals(&scanned.tree);
}

#[test]
fn an_index_that_is_being_opened_is_waited_for_a_moment() {
    let (scene, _) = (scene(), ());
    let table = scene.temp.path().join("index.db.lock");
    let table = surecopy_fs::LockTable::open(&table).unwrap();
    let gate = table.try_lock(0).unwrap().unwrap();
    let error = Index::open(scene.index.path()).unwrap_err();
    assert!(matches!(error, IndexError::Locked { .. }), "{error}");
    drop(gate);
    Index::open(scene.index.path()).unwrap();
}

/// Two programs, as far as the index can tell: connections of their own.
#[test]
fn two_record_at_once_while_others_read() {
    let (scene, fs) = (scene(), tree());
    let second = Index::open(scene.index.path()).unwrap();
    let third = Index::open(scene.index.path()).unwrap();
    let is_over = AtomicBool::new(false);
    let record = |index: &Index, path: &str| {
        let place = Place::new(index, &fs, Path::new(path), || fs.moment());
        let mut trees = Vec::new();
        while trees.len() < 4 {
            match place.try_scan() {
                Ok(scanned) => trees.push(scanned.tree),
                // The other one has had its turn for longer than is waited for, on a slow machine.
                Err(IndexError::Locked { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        trees.pop()
    };
    // Both are there, so that nobody is kept from adding one.
    for path in ["/data", "/more"] {
        Place::new(&scene.index, &fs, Path::new(path), || fs.moment());
    }
    let (mut first_tree, mut second_tree) = (None, None);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            // A total is that of nothing or of everything.
            while !is_over.load(Ordering::Relaxed) {
                for (path, files) in [("/data", 2_000), ("/more", 2_000)] {
                    if let Some(told) = third.estimate(Path::new(path)).unwrap()
                        && told.is_complete()
                    {
                        assert_eq!(told.files, files, "{path}");
                    }
                }
            }
        });
        let one = scope.spawn(|| record(&scene.index, "/data"));
        let two = scope.spawn(|| record(&second, "/more"));
        let outcomes = (one.join(), two.join());
        is_over.store(true, Ordering::Relaxed);
        reader.join().unwrap();
        (first_tree, second_tree) = (outcomes.0.unwrap(), outcomes.1.unwrap());
    });
    for (path, tree) in [("/data", first_tree), ("/more", second_tree)] {
        let place = Place::new(&third, &fs, Path::new(path), || fs.moment());
        let tree = tree.unwrap();
        place.check_totals(&tree);
        assert_eq!(place.remembered(), tree);
    }
}

#[test]
fn two_may_open_a_new_index_at_once() {
    let temp = tempfile::tempdir().unwrap();
    for round in 0..10 {
        let path = temp.path().join(format!("{round}.db"));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| Index::open(&path).unwrap().locations().unwrap());
            }
        });
    }
}
