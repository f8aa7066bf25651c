//! Locations, totals and listings.

use std::path::Path;
use std::time::{Duration, Instant};

use surecopy_fs::{FileKind, Timestamp};
use surecopy_index::{IndexError, Listed, ScanEnd, ScanStatus, State};
use surecopy_testkit::{FakeFs, VolumeSettings};

use crate::scene::{Place, rel, scene};

fn tree() -> FakeFs {
    let fs = FakeFs::new();
    fs.file("/data/a", "12345").file("/data/b/c", "123").file("/data/b/d/e", "1");
    fs.symlink("/data/b/l", "nowhere").fifo("/data/b/d/p").dir("/data/empty");
    fs.file("/data-2/x", "1234567");
    fs.pass(Duration::from_secs(100));
    fs
}

#[test]
fn a_location_is_found_by_its_names_and_not_by_its_text() {
    let (scene, fs) = (scene(), tree());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    let files = |path: &str| scene.index.estimate(Path::new(path)).unwrap().map(|told| told.files);
    assert_eq!(files("/data"), Some(3));
    assert_eq!(files("/data/b/"), Some(2));
    assert_eq!(files("/data/b/d"), Some(1));
    assert_eq!(files("/data/./b"), Some(2));
    for unknown in ["/data-2", "/dat", "/", "/data/a", "/data/b/../b", "/data/none/b", "data", ""] {
        assert_eq!(files(unknown), None, "{unknown}");
    }
}

#[test]
fn totals_are_those_of_everything_beneath() {
    let (scene, fs) = (scene(), tree());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    assert_eq!(place.location.scan_status, ScanStatus::Unknown);
    assert_eq!(scene.index.estimate(Path::new("/data")).unwrap(), None);
    let scanned = place.scan();
    assert_eq!(scanned.recorded.directories, 4);
    assert!(scanned.recorded.is_complete);
    place.check_totals(&scanned.tree);
    assert_eq!(place.remembered(), scanned.tree);
    let told = scene.index.estimate(Path::new("/data")).unwrap().unwrap();
    assert_eq!((told.files, told.bytes, told.directories, told.others), (3, 9, 3, 2));
    let location = scene.index.location(place.id()).unwrap();
    assert_eq!(location.scan_status, ScanStatus::Fresh);
    assert_eq!(location.last_full_scan.map(|at| at.secs), Some(fs.moment().wall.secs));
}

#[test]
fn what_was_listed_comes_back_as_it_was() {
    let (scene, fs) = (scene(), tree());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    let recorder = place.begin();
    let entries = place.list(&recorder, &rel("b"));
    recorder.finish(ScanEnd::Part, fs.moment().wall).unwrap();
    let directory = scene.index.directory(place.id(), &rel("b")).unwrap().unwrap();
    assert_eq!(scene.index.entries(directory).unwrap(), Some(entries));
    // Of what stands beside and above it, nothing is known.
    let root = scene.index.directory(place.id(), &rel("")).unwrap().unwrap();
    assert_eq!(scene.index.entries(root).unwrap(), None);
    let told = scene.index.estimate(Path::new("/data")).unwrap().unwrap();
    assert_eq!((told.files, told.directories, told.unknown_directories), (1, 2, 2));
    assert_eq!(scene.index.location(place.id()).unwrap().scan_status, ScanStatus::Partial);
}

#[test]
fn a_part_that_was_listed_says_nothing_of_the_rest() {
    let (scene, fs) = (scene(), tree());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    scene.index.note_check(place.id(), ScanStatus::Stale, fs.moment().wall).unwrap();
    for (end, expected) in [(ScanEnd::Part, ScanStatus::Stale), (ScanEnd::Rest, ScanStatus::Fresh)]
    {
        let recorder = place.begin();
        place.list(&recorder, &rel("b"));
        recorder.finish(end, fs.moment().wall).unwrap();
        assert_eq!(scene.index.location(place.id()).unwrap().scan_status, expected);
    }
}

#[test]
fn what_is_gone_is_forgotten_with_all_beneath_it() {
    let (scene, fs) = (scene(), tree());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    fs.remove("/data/b/d").remove("/data/empty").file("/data/empty", "a file now");
    fs.pass(Duration::from_secs(10));
    let scanned = place.refresh();
    assert_eq!(scanned.listed, [Path::new(""), Path::new("b")]);
    assert_eq!(scanned.recorded.gone, 2);
    place.check_totals(&scanned.tree);
    assert_eq!(scene.index.directory(place.id(), &rel("b/d")).unwrap(), None);
}

#[test]
fn a_directory_that_is_gone_or_unreadable_can_be_told_by_itself() {
    let (scene, fs) = (scene(), tree());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    let recorder = place.begin();
    recorder.gone(&rel("b/d"));
    recorder.gone(&rel("b/none"));
    recorder.unreadable(&rel("empty"));
    recorder.finish(ScanEnd::Part, fs.moment().wall).unwrap();
    let told = scene.index.estimate(Path::new("/data")).unwrap().unwrap();
    assert_eq!((told.files, told.directories, told.unknown_directories), (2, 2, 1));
    assert!(!told.is_complete());
    // Of which nothing was known before, and of those above it neither.
    let recorder = place.begin();
    recorder.unreadable(&rel("b/new/inner"));
    recorder.finish(ScanEnd::Part, fs.moment().wall).unwrap();
    let told = scene.index.estimate(Path::new("/data")).unwrap().unwrap();
    assert_eq!((told.files, told.directories, told.unknown_directories), (2, 4, 3));
}

#[test]
fn a_scan_that_could_not_list_all_is_no_full_one() {
    let (scene, fs) = (scene(), tree());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    let scan = |is_all_readable: bool| {
        let recorder = place.begin();
        for path in ["", "b", "b/d"] {
            place.list(&recorder, &rel(path));
        }
        if is_all_readable {
            place.list(&recorder, &rel("empty"));
        } else {
            recorder.unreadable(&rel("empty"));
        }
        recorder.finish(ScanEnd::Whole, fs.moment().wall).unwrap();
        let location = scene.index.location(place.id()).unwrap();
        (location.scan_status, location.last_full_scan.map(|at| at.secs))
    };
    assert_eq!(scan(false), (ScanStatus::Partial, None));
    let first = fs.moment().wall.secs;
    assert_eq!(scan(true), (ScanStatus::Fresh, Some(first)));
    // When it was last listed whole is still known after one that was not.
    fs.pass(Duration::from_secs(60));
    assert_eq!(scan(false), (ScanStatus::Partial, Some(first)));
}

/// Parts of a large directory come in any order, and between other things.
#[test]
fn a_large_directory_is_put_together_from_its_parts() {
    let (scene, fs) = (scene(), FakeFs::new());
    for number in 0..5_000 {
        fs.file(format!("/data/large/{number:05}"), "1");
    }
    fs.dir("/data/large/sub").pass(Duration::from_secs(10));
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    let whole = place.scan();
    let large = scene.index.directory(place.id(), &rel("large")).unwrap().unwrap();
    let entries = scene.index.entries(large).unwrap().unwrap();
    assert_eq!(entries.len(), 5_001);

    let recorder = place.begin();
    let (began, metadata) = (fs.moment(), fs.stat("/data/large").unwrap());
    let path = rel("large");
    let parts: Vec<_> = entries.chunks(1_024).collect();
    for part in [3, 0, 4, 1] {
        let (number, parts_in_all) = (part as u32, parts.len() as u32);
        recorder.listed(&Listed {
            path: &path,
            began: &began,
            metadata: &metadata,
            entries: parts[part],
            part: number,
            parts: parts_in_all,
        });
    }
    place.list(&recorder, &rel("large/sub"));
    recorder.listed(&Listed {
        path: &path,
        began: &began,
        metadata: &metadata,
        entries: parts[2],
        part: 2,
        parts: parts.len() as u32,
    });
    recorder.finish(ScanEnd::Part, fs.moment().wall).unwrap();
    assert_eq!(scene.index.entries(large).unwrap().unwrap(), entries);
    place.check_totals(&whole.tree);
}

#[test]
fn parts_that_never_came_leave_what_was_there() {
    let (scene, fs) = (scene(), tree());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    let scanned = place.scan();
    let recorder = place.begin();
    let (began, metadata) = (fs.moment(), fs.stat("/data/b").unwrap());
    let path = rel("b");
    recorder.listed(&Listed {
        path: &path,
        began: &began,
        metadata: &metadata,
        entries: &[],
        part: 1,
        parts: 2,
    });
    recorder.finish(ScanEnd::Part, fs.moment().wall).unwrap();
    assert_eq!(place.remembered(), scanned.tree);
}

/// As when a program is killed after it has written some of what it found.
#[test]
fn a_scan_that_never_finished_is_made_up_for_by_the_next() {
    let (scene, fs) = (scene(), tree());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    fs.file("/data/b/d/new", "12").file("/data/b/new/deep/file", "1234567");
    let recorder = place.begin();
    for path in ["b", "b/d", "b/new", "b/new/deep"] {
        place.list(&recorder, &rel(path));
    }
    drop(recorder);
    let began = Instant::now();
    while scene.index.estimate(Path::new("/data")).unwrap().unwrap().bytes != 18 {
        assert!(began.elapsed() < Duration::from_secs(60), "it writes in the background");
        place.begin().finish(ScanEnd::Part, fs.moment().wall).unwrap();
    }
    let remembered = place.remembered();
    assert_eq!(remembered.len(), 12);
    place.check_totals(&remembered);
}

#[test]
fn several_threads_record_in_any_order() {
    let (scene, fs) = (scene(), FakeFs::new());
    for number in 0..3_000 {
        fs.file(format!("/data/{}/{}/{number}", number % 7, number % 31), "123");
    }
    fs.pass(Duration::from_secs(10));
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    let tree: crate::scene::Tree = fs
        .tree("/data")
        .into_iter()
        .filter(|(path, _)| !path.as_os_str().is_empty())
        .map(|(path, entry)| (path, (entry.kind, entry.size)))
        .collect();
    let directories = tree.iter().filter(|(_, (kind, _))| *kind == FileKind::Directory);
    let mut paths: Vec<_> = directories.map(|(path, _)| rel(path.to_str().unwrap())).collect();
    paths.push(rel(""));
    let recorder = place.begin();
    let place = &place;
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (recorder, paths) = (&recorder, &paths);
            let fs = &fs;
            let index = &scene.index;
            scope.spawn(move || {
                let own = Place::new(index, fs, Path::new("/data"), || fs.moment());
                for path in paths.iter().rev().skip(thread).step_by(4) {
                    own.list(recorder, path);
                }
            });
        }
    });
    let recorded = recorder.finish(ScanEnd::Whole, fs.moment().wall).unwrap();
    assert_eq!(recorded.directories, paths.len() as u64);
    place.check_totals(&tree);
    assert_eq!(place.remembered(), tree);
}

#[test]
fn locations_come_and_go() {
    let (scene, fs) = (scene(), tree());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    let other = Place::new(&scene.index, &fs, Path::new("/data-2"), || fs.moment());
    place.scan();
    other.scan();
    let again = scene.index.add_location(Path::new("/data/"), &place.volume(), &fs.moment());
    assert_eq!(again.unwrap().id, place.id(), "it is there already");
    let ids = |scene: &crate::scene::Scene| {
        let locations = scene.index.locations().unwrap();
        locations.into_iter().map(|location| location.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&scene), [place.id(), other.id()]);
    let recorder = place.begin();
    assert!(scene.index.remove_location(place.id()).unwrap());
    assert!(!scene.index.remove_location(place.id()).unwrap());
    assert_eq!(ids(&scene), [other.id()]);
    assert_eq!(scene.index.estimate(Path::new("/data/b")).unwrap(), None);
    // Whoever is just recording it notices.
    place.list(&recorder, &rel("b"));
    let finished = recorder.finish(ScanEnd::Part, fs.moment().wall);
    assert_eq!(finished.unwrap_err(), IndexError::NoSuchLocation);
    let told = scene.index.estimate(Path::new("/data-2")).unwrap().unwrap();
    assert_eq!((told.files, told.bytes), (1, 7));
    let added = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    assert_ne!(added.id(), place.id(), "numbers are not given twice");
    for odd in ["data", "", "/data/../data-2"] {
        let refused = scene.index.add_location(Path::new(odd), &place.volume(), &fs.moment());
        assert!(matches!(refused, Err(IndexError::NotALocation { .. })), "{odd}");
    }
}

#[test]
fn the_nearest_location_that_knows_something_is_asked() {
    let (scene, fs) = (scene(), tree());
    let outer = Place::new(&scene.index, &fs, Path::new("/"), || fs.moment());
    let inner = Place::new(&scene.index, &fs, Path::new("/data/b"), || fs.moment());
    outer.scan();
    let asked = |path: &str| scene.index.estimate(Path::new(path)).unwrap().unwrap().location;
    assert_eq!(asked("/data/b"), outer.id(), "the inner one knows nothing yet");
    inner.scan();
    assert_eq!((asked("/data"), asked("/data/b/d")), (outer.id(), inner.id()));
    let (location, path) = scene.index.location_of(Path::new("/data/b/d")).unwrap().unwrap();
    assert_eq!((location.id, path), (inner.id(), rel("d")));
}

#[test]
fn what_is_marked_stays_stale_until_it_is_listed_after_that() {
    let (scene, fs) = (scene(), tree());
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    let mark = |at: Timestamp| {
        let paths = [rel("b"), rel("none")];
        scene.index.mark(place.id(), &paths, State::Stale, at).unwrap();
    };
    fs.pass(Duration::from_secs(10));
    mark(fs.moment().wall);
    assert_eq!(place.validate().stale, 1);
    fs.pass(Duration::from_secs(1));
    assert_eq!(place.refresh().listed, [Path::new("b")]);
    assert_eq!(place.validate().stale, 0);
    // A mark that was made after the scan had looked is not lost by what the scan writes.
    let recorder = place.begin();
    place.list(&recorder, &rel("b"));
    mark(Timestamp { secs: fs.moment().wall.secs + 1, nanos: 0 });
    recorder.finish(ScanEnd::Part, fs.moment().wall).unwrap();
    assert_eq!(place.validate().stale, 1);
    scene.index.mark_all(place.id(), fs.moment().wall).unwrap();
    assert_eq!(place.validate().fresh, 0);
    assert_eq!(scene.index.location(place.id()).unwrap().scan_status, ScanStatus::Unknown);
}

/// Sparse files can be of any size, and sums of them can be too large for any number.
#[test]
fn sums_stop_at_the_largest_number() {
    let (scene, fs) = (scene(), FakeFs::new());
    fs.mount("/data", VolumeSettings::of("tmpfs"));
    for number in 0..3 {
        fs.dir(format!("/data/{number}"));
    }
    fs.pass(Duration::from_secs(10));
    let place = Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment());
    place.scan();
    let recorder = place.begin();
    let mut huge = fs.stat("/data/0").unwrap();
    (huge.kind, huge.size) = (FileKind::File, u64::MAX);
    for number in 0..3 {
        let path = rel(&number.to_string());
        let entries = vec![("huge".into(), huge.clone()), ("too".into(), huge.clone())];
        recorder.listed(&Listed {
            path: &path,
            began: &fs.moment(),
            metadata: &fs.stat(format!("/data/{number}")).unwrap(),
            entries: &entries,
            part: 0,
            parts: 1,
        });
    }
    recorder.finish(ScanEnd::Part, fs.moment().wall).unwrap();
    let told = scene.index.estimate(Path::new("/data")).unwrap().unwrap();
    assert_eq!((told.files, told.bytes), (6, i64::MAX as u64));
}
