//! Locations that come to the index and go from it while all of it is watched.

use std::path::Path;
use std::time::Duration;

use surecopy_index::{LostReason, WatchFact, WatchPace, Watched};
use surecopy_testkit::FakeFs;

use super::post::Post;
use super::session::{until, wait_for_marks, watching_some};
use crate::scene::{Place, scene};

#[test]
fn a_location_is_watched_from_when_it_is_added_until_it_is_removed() {
    let (scene, fs, post) = (scene(), FakeFs::new(), Post::default());
    fs.file("/one/a/1", "1").file("/two/b/2", "2").pass(Duration::from_secs(10));
    let place = |path: &str| {
        let place = Place::new(&scene.index, &fs, Path::new(path), || fs.moment());
        place.scan();
        place
    };
    let one = place("/one");
    let clock = {
        let fs = fs.clone();
        move || fs.moment()
    };
    let time = (clock, WatchPace::default());
    watching_some(&scene.index, &fs, &post, Watched::All, time, |session| {
        session.wait_for_checks(1);
        let two = place("/two");
        let pass_until = |what: &str, is_so: &dyn Fn() -> bool| {
            let passing = || {
                fs.pass(Duration::from_millis(100));
                is_so()
            };
            until(what, passing, || format!("{:?}", session.facts()));
        };
        let is_checked = |fact: &WatchFact| {
            matches!(fact, WatchFact::Checked { .. }) && fact.location() == Some(two.id())
        };
        pass_until("check", &|| session.count(is_checked) == 1);
        post.changed("/two/b/2");
        wait_for_marks(&two, &["b"]);
        let forgotten = |place: &Place<'_, FakeFs>| {
            let is_forgotten = |fact: &WatchFact| {
                matches!(fact, WatchFact::Lost { reason: LostReason::Forgotten, .. })
                    && fact.location() == Some(place.id())
            };
            session.count(is_forgotten) == 1
        };
        scene.index.remove_location(one.id()).unwrap();
        pass_until("end of one", &|| forgotten(&one));
        // The other one is watched all the same.
        post.changed("/two/x");
        wait_for_marks(&two, &["", "b"]);
        scene.index.remove_location(two.id()).unwrap();
        pass_until("end of the other", &|| forgotten(&two) && post.watched().is_empty());
    });
}
