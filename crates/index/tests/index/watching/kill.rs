//! What happened after a watch was killed is found by the next one.

use std::fs;
use std::process::{Child, Command, Stdio};

use surecopy_engine::Control;
use surecopy_fs::{MachineClock, NativeFs};
use surecopy_index::{Index, ScanStatus, SystemEvents, Watch, WatchPace, Watched};

use super::session::{marked, settle, until, wait_for_marks, watching};
use crate::scene::{Place, scene};

/// By which the test below knows that it is to be a watch, and of which index.
const INDEX: &str = "SURECOPY_TEST_WATCH_INDEX";

/// Kills it however the test ends.
struct Killed(Child);

impl Killed {
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have been killed already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Not a test: what the other one starts and kills.
#[test]
fn a_watch_of_its_own() {
    let Some(path) = std::env::var_os(INDEX) else { return };
    let index = Index::open(path.as_ref()).unwrap();
    let clock = MachineClock::new();
    let pace = WatchPace { note: std::time::Duration::from_millis(100), ..WatchPace::default() };
    let watch = Watch {
        index: &index,
        locations: Watched::All,
        clock: &|| clock.now(),
        control: &Control::new(),
        observer: &|_| {},
        pace,
    };
    watch.run(&NativeFs::new(), &SystemEvents).unwrap();
}

#[test]
fn what_happens_after_a_watch_was_killed_is_found_by_the_next() {
    let (scene, native, clock) = (scene(), NativeFs::new(), MachineClock::new());
    let temp = tempfile::tempdir().unwrap();
    let at = |path: &str| temp.path().join(path);
    for name in ["a", "b", "c/d", "e/f", "g"] {
        fs::create_dir_all(at(name)).unwrap();
        fs::write(at(name).join("file"), "1").unwrap();
    }
    settle();
    let place = Place::new(&scene.index, &native, temp.path(), || clock.now());
    place.scan();
    let location = || scene.index.location(place.id()).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "watching::kill::a_watch_of_its_own"]).env(INDEX, scene.index.path());
    let child = child.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let mut child = Killed(child);
    until("note", || location().watched_until.is_some(), String::new);
    fs::write(at("a/file"), "longer").unwrap();
    wait_for_marks(&place, &["a"]);
    child.kill();
    let seen_until = location().watched_until.unwrap();
    assert!(seen_until < clock.now().wall);

    fs::write(at("b/new"), "").unwrap();
    fs::rename(at("c/d"), at("c/moved")).unwrap();
    fs::remove_file(at("e/f/file")).unwrap();
    let time = (|| clock.now(), WatchPace::default());
    watching(&scene.index, &native, &SystemEvents, &[place.id()], time, |session| {
        session.wait_for_checks(1);
        assert_eq!(location().scan_status, ScanStatus::Stale);
        // What was seen to change in place, which no look can show, is still known.
        wait_for_marks(&place, &["a", "b", "c", "e/f"]);
    });
    assert!(location().watched_until.unwrap() >= seen_until);
    place.refresh();
    assert!(marked(&place).is_empty());
}
