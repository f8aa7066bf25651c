//! An index that lies in a location which is watched.

use std::fs;

use surecopy_fs::{MachineClock, NativeFs};
use surecopy_index::{Index, SystemEvents, WatchFact, WatchPace};

use super::session::{settle, wait_for_marks, watching};
use crate::scene::Place;

#[test]
fn what_is_written_to_the_index_marks_nothing() {
    let (native, clock) = (NativeFs::new(), MachineClock::new());
    let temp = tempfile::tempdir().unwrap();
    let at = |path: &str| temp.path().join(path);
    for number in 0..20 {
        fs::create_dir_all(at(&format!("home/d{number}"))).unwrap();
    }
    fs::create_dir(at("home/cache")).unwrap();
    // By another path than that of the location.
    std::os::unix::fs::symlink(at("home/cache"), at("way")).unwrap();
    let index = Index::open(&at("way/index.db")).unwrap();
    settle();
    let place = Place::new(&index, &native, &at("home"), || clock.now());
    place.scan();
    let pace = WatchPace { note: std::time::Duration::from_millis(1), ..WatchPace::default() };
    watching(&index, &native, &SystemEvents, &[place.id()], (|| clock.now(), pace), |session| {
        session.wait_for_checks(1);
        let mut expected = Vec::new();
        for number in 0..20 {
            let name = format!("d{number}");
            fs::write(at(&format!("home/{name}/new")), "").unwrap();
            expected.push(name);
            let expected: Vec<_> = expected.iter().map(String::as_str).collect();
            wait_for_marks(&place, &expected);
        }
        // Something else in the same place counts.
        fs::write(at("home/cache/other"), "").unwrap();
        expected.push("cache".to_owned());
        let expected: Vec<_> = expected.iter().map(String::as_str).collect();
        wait_for_marks(&place, &expected);
        let marks = session.count(|fact| matches!(fact, WatchFact::Marked { .. }));
        assert!(marks <= 21, "{marks}: each was marked once");
    });
}
