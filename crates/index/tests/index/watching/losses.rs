//! What cannot be seen makes a location unknown, until it was watched and looked through again. The events
//! are the test's own, and so are the clock and the file system.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use surecopy_fs::{Moment, Operation};
use surecopy_index::{Happening, Index, LostReason, ScanStatus, WatchFact, WatchPace};
use surecopy_testkit::{FakeFs, VolumeSettings};

use super::post::Post;
use super::session::{Session, marked, until, wait_for_marks, watching};
use crate::scene::{Place, rel, scene};

/// What the index would not take is tried again after that, at the latest.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

fn tree() -> FakeFs {
    let fs = FakeFs::new();
    fs.file("/data/a/1", "1").file("/data/a/b/2", "2").file("/data/c/d/3", "3").dir("/data/e");
    fs.pass(Duration::from_secs(10));
    fs
}

fn time(fs: &FakeFs) -> (impl Fn() -> Moment + Send + use<>, WatchPace) {
    let fs = fs.clone();
    (move || fs.moment(), WatchPace::default())
}

fn lost(session: &Session<'_>, reason: &LostReason) -> bool {
    session.count(|fact| matches!(fact, WatchFact::Lost { reason: why, .. } if why == reason)) > 0
}

fn status(index: &Index, place: &Place<'_, FakeFs>) -> ScanStatus {
    index.location(place.id()).unwrap().scan_status
}

/// Lets time pass until something has come of it.
#[track_caller]
fn pass_until(fs: &FakeFs, what: &str, session: &Session<'_>, is_so: impl Fn() -> bool) {
    until(
        what,
        || {
            fs.pass(Duration::from_millis(100));
            is_so()
        },
        || format!("{:?}", session.facts()),
    );
}

/// Something is missed, and is found when the location is begun again.
fn check_loss(reason: &LostReason, lose: impl Fn(&Post)) {
    let (scene, fs, post) = (scene(), tree(), Post::default());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    watching(&scene.index, &fs, &post, &[place.id()], time(&fs), |session| {
        session.wait_for_checks(1);
        assert_eq!(status(&scene.index, &place), ScanStatus::Fresh);
        lose(&post);
        pass_until(&fs, "loss", session, || lost(session, reason));
        fs.file("/data/c/d/unseen", "1");
        // It goes on to be told of what it can.
        post.changed("/data/a/b/2");
        pass_until(&fs, "check", session, || session.count(is_check) == 2);
        wait_for_marks(&place, &["a/b", "c/d"]);
        assert_eq!(status(&scene.index, &place), ScanStatus::Stale);
        let started = |fact: &WatchFact| matches!(fact, WatchFact::Started { directories: 6, .. });
        assert_eq!(session.count(started), 2);
        assert_eq!(session.count(|fact| matches!(fact, WatchFact::Returned { .. })), 1);
    });
    let watched = post.watched();
    assert!(watched.is_empty(), "{watched:?}");
}

fn is_check(fact: &WatchFact) -> bool {
    matches!(fact, WatchFact::Checked { .. })
}

#[test]
fn what_an_overflow_has_lost_is_found() {
    check_loss(&LostReason::Overflow, |post| post.tell(&Happening::Overflowed));
}

#[test]
fn what_an_error_has_lost_is_found() {
    let reason = LostReason::Failed("broken".to_owned());
    check_loss(&reason, |post| post.tell(&Happening::Failed("broken".to_owned())));
}

#[test]
fn what_a_mount_has_hidden_is_found() {
    check_loss(&LostReason::Mounts, Post::mount);
}

#[test]
fn a_location_is_unknown_from_its_loss_to_its_check() {
    let (scene, fs, post) = (scene(), tree(), Post::default());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    watching(&scene.index, &fs, &post, &[place.id()], time(&fs), |session| {
        session.wait_for_checks(1);
        post.tell(&Happening::Overflowed);
        // The clock stands still: it rests.
        until("gap", || status(&scene.index, &place) == ScanStatus::Unknown, String::new);
        fs.pass(Duration::from_secs(2));
        session.wait_for_checks(2);
        assert_eq!(status(&scene.index, &place), ScanStatus::Fresh);
    });
}

/// A system that loses something all the time is not gone through all the time.
#[test]
fn rests_become_longer_when_losses_follow_each_other() {
    let (scene, fs, post) = (scene(), tree(), Post::default());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    watching(&scene.index, &fs, &post, &[place.id()], time(&fs), |session| {
        session.wait_for_checks(1);
        for number in 1..=8 {
            post.tell(&Happening::Overflowed);
            until("gap", || status(&scene.index, &place) == ScanStatus::Unknown, String::new);
            // In a rest, one loss more makes it no longer.
            post.tell(&Happening::Overflowed);
            fs.pass(Duration::from_secs(64.min(1 << (number - 1))));
            session.wait_for_checks(number + 1);
        }
        fs.pass(Duration::from_secs(60));
        post.tell(&Happening::Overflowed);
        until("gap", || status(&scene.index, &place) == ScanStatus::Unknown, String::new);
        let rest = |fact| match fact {
            WatchFact::Lost { rest, .. } => rest.map(|rest| rest.as_secs()),
            _ => None,
        };
        let rests: Vec<u64> = session.facts().into_iter().filter_map(rest).collect();
        assert_eq!(rests, [1, 2, 4, 8, 16, 32, 64, 64, 1]);
    });
}

#[test]
fn a_volume_that_goes_and_comes_back_is_checked() {
    let (scene, fs, post) = (scene(), tree(), Post::default());
    fs.mount("/mnt", VolumeSettings::of("ext4").identity("uuid:1"));
    fs.file("/mnt/a/1", "1").file("/mnt/b/2", "2").pass(Duration::from_secs(10));
    let place = Place::new(&scene.index, &fs, Path::new("/mnt"), || fs.moment());
    place.scan();
    watching(&scene.index, &fs, &post, &[place.id()], time(&fs), |session| {
        session.wait_for_checks(1);
        // Another one in its place, and then none.
        fs.remount("/mnt", |volume| *volume = VolumeSettings::of("ext4").identity("uuid:2"));
        pass_until(&fs, "loss", session, || lost(session, &LostReason::OtherVolume));
        until("gap", || status(&scene.index, &place) == ScanStatus::Unknown, String::new);
        assert!(post.watched().is_empty());
        fs.rename("/mnt", "/gone");
        let is_missing = |fact: &WatchFact| {
            matches!(fact, WatchFact::Lost { reason: LostReason::Missing(_), .. })
        };
        pass_until(&fs, "loss", session, || session.count(is_missing) == 1);
        fs.file("/gone/b/unseen", "1");
        fs.remount("/gone", |volume| *volume = VolumeSettings::of("ext4").identity("uuid:1"));
        fs.rename("/gone", "/mnt");
        pass_until(&fs, "check", session, || session.count(is_check) == 2);
        assert_eq!(session.count(is_missing), 1, "it is told once");
        let found = marked(&place);
        assert!(found.contains("b") && !found.contains("a"), "{found:?}");
    });
}

#[test]
fn a_location_with_too_many_directories_stays_unknown_and_lets_go_of_the_watches() {
    let (scene, fs, post) = (scene(), tree(), Post::default());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    post.limit(Some(4));
    watching(&scene.index, &fs, &post, &[place.id()], time(&fs), |session| {
        let reason = LostReason::TooManyDirectories;
        until("loss", || lost(session, &reason), || format!("{:?}", session.facts()));
        assert!(reason.to_string().contains("fs.inotify.max_user_watches"));
        until("gap", || status(&scene.index, &place) == ScanStatus::Unknown, String::new);
        assert!(post.watched().is_empty());
        fs.pass(Duration::from_secs(60));
        assert_eq!(session.count(is_check), 0);
        post.limit(None);
        fs.pass(Duration::from_secs(600));
        session.wait_for_checks(1);
        assert_eq!(status(&scene.index, &place), ScanStatus::Fresh);
    });
}

/// A check looks at a directory, something changes in it, and then the check is written down.
#[test]
fn what_changes_during_a_check_is_not_undone_by_it() {
    let (scene, fs, post) = (scene(), tree(), Post::default());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    let (told, opened_by_looks) = (post.clone(), Arc::new(AtomicU64::new(0)));
    let (path, opened) = (scene.index.path().to_owned(), Arc::clone(&opened_by_looks));
    // The looks have just begun: some of these were looked at already, and some were not.
    fs.before(Operation::OpenDir, move |_, _| {
        let is_looking = std::thread::current().name() == Some("index-looks");
        // At the second one, what is remembered has been read as it was at one moment.
        if is_looking && opened.fetch_add(1, Ordering::SeqCst) == 1 {
            for path in ["/data/a/1", "/data/a/b/2", "/data/c/d/3", "/data/e/x"] {
                told.changed(path);
            }
            let index = Connection::open(&path).unwrap();
            let sql = "SELECT count(*) FROM directories WHERE state = 1";
            let marked = || index.query_row(sql, (), |row| row.get::<_, i64>(0)).unwrap();
            until("mark", || marked() == 4, String::new);
        }
    });
    watching(&scene.index, &fs, &post, &[place.id()], time(&fs), |session| {
        session.wait_for_checks(1);
        wait_for_marks(&place, &["a", "a/b", "c/d", "e"]);
        assert_eq!(status(&scene.index, &place), ScanStatus::Stale);
    });
    assert!(opened_by_looks.load(Ordering::SeqCst) > 1);
}

/// More directories than are gathered, at once or one by one: all of them are to be listed, and memory has
/// its bounds.
fn check_spill(pause: Duration) {
    let (scene, fs, post) = (scene(), tree(), Post::default());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    watching(&scene.index, &fs, &post, &[place.id()], time(&fs), |session| {
        session.wait_for_checks(1);
        // So that nothing is written meanwhile.
        let held = Connection::open(scene.index.path()).unwrap();
        held.execute_batch("BEGIN IMMEDIATE").unwrap();
        post.changed("/data/e/x");
        session.wait_for("delay", |fact| matches!(fact, WatchFact::Delayed { .. }));
        for number in 0..10_000 {
            post.changed(&format!("/data/new{number}/file"));
            if number % 1_000 == 0 {
                // Of the watch, which takes in what it has been told.
                std::thread::sleep(pause);
            }
        }
        session.wait_for("loss", |fact| {
            matches!(fact, WatchFact::Lost { reason: LostReason::TooMuch, .. })
        });
        held.execute_batch("ROLLBACK").unwrap();
        // One that failed just before may begin to wait only now.
        let is_marked = || {
            fs.pass(LONGEST_WAIT);
            // Looking all the time would keep the watch from its own turns.
            std::thread::sleep(Duration::from_millis(20));
            place.validate().fresh == 0
        };
        until("marks", is_marked, || format!("{:?} {:?}", session.facts(), marked(&place)));
        session.wait_for_checks(2);
        assert_eq!(marked(&place).len(), 6);
    });
}

#[test]
fn more_changes_than_are_gathered_mark_everything() {
    check_spill(Duration::ZERO);
}

#[test]
fn more_changes_than_are_gathered_mark_everything_however_slowly_they_come() {
    check_spill(Duration::from_millis(30));
}

#[test]
fn an_index_that_is_held_is_written_later() {
    let (scene, fs, post) = (scene(), tree(), Post::default());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    watching(&scene.index, &fs, &post, &[place.id()], time(&fs), |session| {
        session.wait_for_checks(1);
        let held = Connection::open(scene.index.path()).unwrap();
        held.execute_batch("BEGIN IMMEDIATE").unwrap();
        post.changed("/data/e/x");
        session.wait_for("delay", |fact| matches!(fact, WatchFact::Delayed { .. }));
        let until_then = scene.index.location(place.id()).unwrap().watched_until;
        fs.pass(Duration::from_secs(100));
        post.changed("/data/a/b/2");
        assert!(marked(&place).is_empty());
        held.execute_batch("ROLLBACK").unwrap();
        let is_written = || {
            fs.pass(LONGEST_WAIT);
            !marked(&place).is_empty()
        };
        until("what waited", is_written, String::new);
        wait_for_marks(&place, &["a/b", "e"]);
        assert!(until_then.is_none(), "nothing is noted before what happened is written");
    });
}

/// A scan lists a directory for the first time, something changes in it, and then it is written down.
#[test]
fn a_change_before_its_directory_is_known_is_kept() {
    let (scene, fs, post) = (scene(), tree(), Post::default());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    fs.file("/data/new/f", "1").pass(Duration::from_secs(10));
    watching(&scene.index, &fs, &post, &[place.id()], time(&fs), |session| {
        session.wait_for_checks(1);
        let (began, metadata) = (fs.moment(), fs.stat("/data/new").unwrap());
        fs.pass(Duration::from_millis(10));
        post.changed("/data/new/f");
        post.changed("/data/e/x");
        until("mark", || marked(&place).contains("e"), String::new);
        let recorder = place.begin();
        let path = rel("new");
        recorder.listed(&surecopy_index::Listed {
            path: &path,
            began: &began,
            metadata: &metadata,
            entries: &[],
            part: 0,
            parts: 1,
        });
        recorder.finish(surecopy_index::ScanEnd::Part, fs.moment().wall).unwrap();
        fs.pass(Duration::from_secs(2));
        until("mark", || marked(&place).contains("new"), String::new);
        // What is listed after that is as it was listed, however often it is tried.
        place.refresh();
        fs.pass(Duration::from_secs(2));
        post.changed("/data/e/x");
        wait_for_marks(&place, &["e"]);
    });
}

#[test]
fn a_watch_ends_when_its_locations_are_none_any_more() {
    let (scene, fs, post) = (scene(), tree(), Post::default());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    watching(&scene.index, &fs, &post, &[place.id()], time(&fs), |session| {
        session.wait_for_checks(1);
        scene.index.remove_location(place.id()).unwrap();
        pass_until(&fs, "end", session, || lost(session, &LostReason::Forgotten));
        until("end", || post.watched().is_empty(), String::new);
    });
}

#[test]
fn a_location_is_looked_through_again_now_and_then() {
    let (scene, fs, post) = (scene(), tree(), Post::default());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    watching(&scene.index, &fs, &post, &[place.id()], time(&fs), |session| {
        session.wait_for_checks(1);
        fs.file("/data/a/b/untold", "1").dir("/data/c/new/untold");
        fs.pass(Duration::from_secs(601));
        session.wait_for_checks(2);
        wait_for_marks(&place, &["a/b", "c"]);
        assert!(post.watched().contains(Path::new("/data/c/new/untold")));
        let until = scene.index.location(place.id()).unwrap().watched_until;
        assert!(until.is_some());
    });
}
