//! Validation: what it looks at, what it says, and how it ends.

use std::path::Path;
use std::time::Duration;

use surecopy_engine::Control;
use surecopy_fs::Operation;
use surecopy_index::{
    Confidence, ScanStatus, StaleReason, Stopped, Validation, ValidationProgress,
};
use surecopy_testkit::{FakeFs, VolumeSettings};

use crate::scene::{Place, rel, scene};

fn tree() -> FakeFs {
    let fs = FakeFs::new();
    fs.file("/data/a/1", "1").file("/data/a/b/2", "2").file("/data/c/d/3", "3").dir("/data/e");
    fs.pass(Duration::from_secs(10));
    fs
}

#[test]
fn an_unchanged_tree_is_fresh_and_not_listed() {
    let (scene, fs) = (scene(), tree());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    fs.reset_counts();
    let validated = place.validate();
    assert_eq!((validated.fresh, validated.stale, validated.gone), (6, 0, 0));
    assert_eq!((validated.confidence, validated.status()), (Confidence::High, ScanStatus::Fresh));
    assert!(validated.names_all_stale());
    assert_eq!(fs.count(Operation::List), 0);
    assert_eq!(fs.count(Operation::Metadata), 6, "one look at each");
}

#[test]
fn what_has_changed_is_named_with_its_reason() {
    let (scene, fs) = (scene(), tree());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    fs.file("/data/c/d/new", "1").remove("/data/a/b").dir("/data/a/b/inner").remove("/data/e");
    let validated = place.validate();
    let named: Vec<_> = validated
        .stale_directories
        .iter()
        .map(|stale| (stale.path.as_path().to_str().unwrap(), stale.reason))
        .collect();
    use StaleReason::{Changed, Replaced};
    assert_eq!(named, [("", Changed), ("a", Changed), ("a/b", Replaced), ("c/d", Changed)]);
    assert_eq!((validated.fresh, validated.stale, validated.gone), (1, 4, 1));
    assert_eq!(validated.status(), ScanStatus::Stale);
    let beneath = place.validate_beneath("a");
    assert_eq!((beneath.fresh, beneath.stale, beneath.gone), (0, 2, 0));
    let unknown = place.validate_beneath("none");
    assert_eq!((unknown.stale, unknown.never_listed), (1, 1));
}

#[test]
fn subtrees_are_named_as_large_as_they_can_be() {
    let (scene, fs) = (scene(), tree());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    let subtrees = |limit| {
        let validated = place.validate();
        validated.subtrees(&scene.index, place.id(), &rel(""), limit).unwrap()
    };
    let whole = subtrees(10);
    assert_eq!((whole.fresh, whole.stale, whole.has_more), (vec![rel("")], vec![], false));
    fs.file("/data/c/d/new", "1").file("/data/a/new", "1").remove("/data/a/b").dir("/data/a/b");
    let parts = subtrees(10);
    assert_eq!(parts.stale, [rel("a"), rel("c/d")], "what is beneath a is not named again");
    assert_eq!((parts.fresh, parts.has_more), (vec![rel("e")], false));
    let few = subtrees(1);
    assert_eq!((few.stale, few.fresh, few.has_more), (vec![rel("a")], vec![], true));
}

#[test]
fn what_cannot_be_looked_at_is_stale_with_all_beneath_it() {
    let (scene, fs) = (scene(), tree());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    fs.mode("/data/a", 0o300);
    let validated = place.validate();
    let reasons: Vec<_> = validated.stale_directories.iter().map(|stale| stale.reason).collect();
    assert_eq!(reasons, [StaleReason::Unreadable]);
    assert_eq!((validated.fresh, validated.stale), (5, 1));
}

#[test]
fn another_volume_at_the_same_place_makes_everything_stale() {
    let (scene, fs) = (scene(), FakeFs::new());
    fs.mount("/data", VolumeSettings::of("ext4").identity("uuid:one"));
    fs.file("/data/a/1", "1").pass(Duration::from_secs(10));
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    assert_eq!(place.validate().stale, 0);
    fs.reboot();
    let after_boot = place.validate();
    assert_eq!((after_boot.stale, after_boot.confidence), (0, Confidence::Medium));
    fs.remount("/data", |settings| {
        *settings = VolumeSettings::of("ext4").identity("uuid:other");
    });
    let validated = place.validate();
    assert_eq!((validated.fresh, validated.stale), (0, 2));
    assert_eq!(validated.stale_directories[0].reason, StaleReason::OtherVolume);
    // Once it is scanned, what is not scanned of it is still unknown.
    let recorder = place.begin();
    place.list(&recorder, &rel(""));
    recorder.finish(surecopy_index::ScanEnd::Part, fs.moment().wall).unwrap();
    let validated = place.validate();
    assert_eq!((validated.fresh, validated.stale), (1, 1));
    assert_eq!(validated.stale_directories[0].reason, StaleReason::Unwatched);
}

#[test]
fn without_an_identity_a_volume_counts_as_long_as_it_is_mounted() {
    let (scene, fs) = (scene(), FakeFs::new());
    fs.mount("/data", VolumeSettings::of("ext4"));
    fs.remount("/data", |settings| settings.identity = None);
    fs.file("/data/a/1", "1").pass(Duration::from_secs(10));
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    assert_eq!(place.validate().stale, 0);
    fs.reboot();
    assert_eq!(place.validate().fresh, 0);
}

#[test]
fn a_volume_within_a_location_is_not_taken_for_the_one_that_was_there() {
    let (scene, fs) = (scene(), FakeFs::new());
    fs.file("/data/a/1", "1").mount("/data/stick", VolumeSettings::of("ext4"));
    fs.file("/data/stick/b/2", "2").pass(Duration::from_secs(10));
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    for confidence in [Confidence::High, Confidence::Medium] {
        let validated = place.validate();
        assert_eq!((validated.fresh, validated.stale), (2, 2));
        assert_eq!(validated.confidence, confidence);
        let mut stale = validated.stale_directories.iter();
        assert!(stale.all(|stale| stale.path.starts_with(&rel("stick"))));
        fs.reboot();
    }
}

#[test]
fn a_validation_that_is_cancelled_ends() {
    let (scene, fs) = (scene(), FakeFs::new());
    for number in 0..1_500 {
        fs.dir(format!("/data/{}/{number}", number % 9));
    }
    fs.pass(Duration::from_secs(10));
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    let control = Control::new();
    let progress = ValidationProgress::default();
    let switch = control.clone();
    fs.before(Operation::OpenDir, move |_, nth| {
        if nth > 4 {
            switch.cancel();
        }
    });
    fs.reset_counts();
    let validation = Validation {
        index: &scene.index,
        location: place.id(),
        beneath: &rel(""),
        now: &fs.moment(),
        threads: 3,
        control: &control,
        progress: &progress,
    };
    assert!(matches!(validation.run(&fs, &place.root), Err(Stopped::Cancelled)));
    assert_eq!(progress.expected(), 1_510);
    assert!(progress.checked() < 1_510, "{progress:?}");
}

#[test]
fn a_wide_directory_is_looked_at_by_all_threads() {
    let (scene, fs) = (scene(), FakeFs::new());
    for number in 0..3_000 {
        fs.dir(format!("/data/{number}"));
    }
    fs.pass(Duration::from_secs(10));
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    fs.file("/data/1234/new", "1").remove("/data/77");
    let validated = place.validate();
    assert_eq!((validated.fresh, validated.stale, validated.gone), (2_998, 2, 1));
}

/// What the clock showed when a directory was listed is kept with it.
#[test]
fn row_36_a_clock_that_was_set_since_makes_everything_stale() {
    let (scene, fs) = (scene(), tree());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    let mut wall = fs.moment().wall;
    wall.secs -= 86_400;
    fs.set_clock(wall);
    let validated = place.validate();
    assert_eq!(validated.fresh, 0);
    assert!(validated.stale_directories.iter().all(|s| s.reason == StaleReason::ClockSet));
    assert_eq!(place.refresh().listed.len(), 6);
}
