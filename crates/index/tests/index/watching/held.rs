//! An index that others hold for long.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use surecopy_index::{WatchFact, WatchPace};
use surecopy_testkit::FakeFs;

use super::post::Post;
use super::session::{until, watching};
use crate::scene::{Place, scene};

/// Longer than anything waits before it is tried again.
const LONG: Duration = Duration::from_secs(60);

/// However often it is tried, and however much else there is that need not be written.
#[test]
fn an_index_that_cannot_be_written_is_spoken_of_once() {
    let (scene, fs, post) = (scene(), FakeFs::new(), Post::default());
    fs.file("/data/a/1", "1").pass(Duration::from_secs(10));
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    let turns = Arc::new(AtomicU64::new(0));
    let counted = {
        let (fs, turns) = (fs.clone(), Arc::clone(&turns));
        move || {
            turns.fetch_add(1, Ordering::SeqCst);
            fs.moment()
        }
    };
    let time = (counted, WatchPace::default());
    watching(&scene.index, &fs, &post, &[place.id()], time, |session| {
        session.wait_for_checks(1);
        let pass_turns = |count: u64| {
            fs.pass(LONG);
            let end = turns.load(Ordering::SeqCst) + count;
            let is_over = || {
                fs.pass(LONG);
                turns.load(Ordering::SeqCst) >= end
            };
            until("turn", is_over, || format!("{:?}", session.facts()));
        };
        let held = Connection::open(scene.index.path()).unwrap();
        for times in 1..=2 {
            held.execute_batch("BEGIN IMMEDIATE").unwrap();
            // No change comes: what fails is to note what was seen, and what was found.
            pass_turns(8);
            let delays = session.count(|fact| matches!(fact, WatchFact::Delayed { .. }));
            assert_eq!(delays, times, "{:?}", session.facts());
            let before = scene.index.location(place.id()).unwrap().watched_until;
            held.execute_batch("ROLLBACK").unwrap();
            // One of them is whole, and does all of it.
            pass_turns(2);
            let after = scene.index.location(place.id()).unwrap().watched_until;
            assert!(after > before, "{before:?} {after:?}");
        }
    });
}
