//! Every kind of change on a real volume marks the directories that it concerns, and no others.

use std::fs::{self, File, FileTimes, OpenOptions, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use surecopy_fs::{MachineClock, NativeFs};
use surecopy_index::{ScanStatus, SystemEvents, WatchPace};

use super::session::{at, marked, settle, until, wait_for_marks, watching};
use crate::scene::{Place, scene};

/// A kind of change: what it does in a directory of its own, and which directories are marked by it.
struct Change {
    name: &'static str,
    files: &'static [&'static str],
    change: fn(&Path, &Path),
    marked: &'static [&'static str],
}

fn append(path: &Path) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(b"more").unwrap();
}

/// `own` is the directory of the change, `outside` one that is not watched.
const CHANGES: &[Change] = &[
    Change {
        name: "create",
        files: &["d/f"],
        change: |own, _| fs::write(at(own, "d/new"), "").unwrap(),
        marked: &["d"],
    },
    Change {
        name: "create_directory",
        files: &["d/f"],
        change: |own, _| fs::create_dir(at(own, "d/new")).unwrap(),
        marked: &["d"],
    },
    Change {
        name: "create_tree",
        files: &["d/f"],
        change: |own, _| {
            fs::create_dir_all(at(own, "d/new/x/y/z")).unwrap();
            fs::write(at(own, "d/new/x/y/z/f"), "1").unwrap();
        },
        marked: &["d"],
    },
    Change {
        name: "link",
        files: &["d/f"],
        change: |own, _| fs::hard_link(at(own, "d/f"), at(own, "d/other")).unwrap(),
        marked: &["d"],
    },
    Change {
        name: "symlink",
        files: &["d/f"],
        change: |own, _| symlink("/proc", at(own, "d/link")).unwrap(),
        marked: &["d"],
    },
    Change {
        name: "remove",
        files: &["d/e/f"],
        change: |own, _| fs::remove_file(at(own, "d/e/f")).unwrap(),
        marked: &["d/e"],
    },
    Change {
        name: "remove_directory",
        files: &["d/f", "d/e/"],
        change: |own, _| fs::remove_dir(at(own, "d/e")).unwrap(),
        marked: &["d"],
    },
    Change {
        name: "rename",
        files: &["d/e/f"],
        change: |own, _| fs::rename(at(own, "d/e/f"), at(own, "d/e/g")).unwrap(),
        marked: &["d/e"],
    },
    Change {
        name: "rename_over",
        files: &["d/f", "e/f"],
        change: |own, _| fs::rename(at(own, "d/f"), at(own, "e/f")).unwrap(),
        marked: &["d", "e"],
    },
    Change {
        name: "move_directory",
        files: &["a/d/e/f", "b/f"],
        change: |own, _| fs::rename(at(own, "a/d"), at(own, "b/d")).unwrap(),
        marked: &["a", "b"],
    },
    Change {
        name: "move_in",
        files: &["d/f"],
        change: |own, outside| {
            fs::create_dir_all(at(outside, "in/x/y")).unwrap();
            fs::rename(at(outside, "in"), at(own, "d/in")).unwrap();
        },
        marked: &["d"],
    },
    Change {
        name: "move_out",
        files: &["d/e/f"],
        change: |own, outside| fs::rename(at(own, "d/e"), at(outside, "out")).unwrap(),
        marked: &["d"],
    },
    // What came back may have been changed elsewhere.
    Change {
        name: "away_and_back",
        files: &["d/e/f/g", "d/other/f"],
        change: |own, outside| {
            fs::rename(at(own, "d/e"), at(outside, "away")).unwrap();
            append(&at(outside, "away/f/g"));
            fs::rename(at(outside, "away"), at(own, "d/e")).unwrap();
        },
        marked: &["d", "d/e", "d/e/f"],
    },
    Change {
        name: "write",
        files: &["d/e/f", "d/g"],
        change: |own, _| append(&at(own, "d/e/f")),
        marked: &["d/e"],
    },
    Change {
        name: "truncate",
        files: &["d/e/f"],
        change: |own, _| {
            OpenOptions::new().write(true).open(at(own, "d/e/f")).unwrap().set_len(0).unwrap();
        },
        marked: &["d/e"],
    },
    Change {
        name: "permissions",
        files: &["d/e/f"],
        change: |own, _| {
            fs::set_permissions(at(own, "d/e/f"), Permissions::from_mode(0o600)).unwrap();
        },
        marked: &["d/e"],
    },
    // A directory's own metadata stand in the listing of the one above it.
    Change {
        name: "permissions_of_a_directory",
        files: &["d/e/f"],
        change: |own, _| {
            fs::set_permissions(at(own, "d/e"), Permissions::from_mode(0o700)).unwrap();
        },
        marked: &["d"],
    },
    Change {
        name: "times",
        files: &["d/e/f"],
        change: |own, _| {
            let times = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH);
            File::options().write(true).open(at(own, "d/e/f")).unwrap().set_times(times).unwrap();
        },
        marked: &["d/e"],
    },
    Change {
        name: "odd_names",
        files: &["d\n/\u{fc} \\ ?/f"],
        change: |own, _| append(&at(own, "d\n/\u{fc} \\ ?/f")),
        marked: &["d\n/\u{fc} \\ ?"],
    },
    Change {
        name: "reading",
        files: &["d/e/f"],
        change: |own, _| {
            let mut text = String::new();
            File::open(at(own, "d/e/f")).unwrap().read_to_string(&mut text).unwrap();
            drop(OpenOptions::new().write(true).open(at(own, "d/e/f")).unwrap());
            assert_eq!(fs::read_dir(at(own, "d")).unwrap().count(), 1);
        },
        marked: &[],
    },
];

fn make(folder: &Path, files: &[&str]) {
    for path in files {
        let path_at = at(folder, path);
        if path.ends_with('/') {
            fs::create_dir_all(path_at).unwrap();
        } else {
            fs::create_dir_all(path_at.parent().unwrap()).unwrap();
            fs::write(path_at, "content").unwrap();
        }
    }
}

#[test]
fn every_kind_of_change_marks_exactly_what_it_concerns() {
    let (scene, native, clock) = (scene(), NativeFs::new(), MachineClock::new());
    let temp = tempfile::tempdir().unwrap();
    let (root, outside) = (at(temp.path(), "root"), at(temp.path(), "outside"));
    for change in CHANGES {
        make(&at(&root, change.name), change.files);
        fs::create_dir_all(at(&outside, change.name)).unwrap();
    }
    make(&root, &["fence/f"]);
    settle();
    let place = Place::new(&scene.index, &native, &root, || clock.now());
    place.scan();
    let time = (|| clock.now(), WatchPace::default());
    watching(&scene.index, &native, &SystemEvents, &[place.id()], time, |session| {
        session.wait_for_checks(1);
        let location = || scene.index.location(place.id()).unwrap();
        assert_eq!(location().scan_status, ScanStatus::Fresh);
        wait_for_marks(&place, &[]);
        let mut expected = vec!["fence".to_owned()];
        for change in CHANGES {
            (change.change)(&at(&root, change.name), &at(&outside, change.name));
            expected.extend(change.marked.iter().map(|path| format!("{}/{path}", change.name)));
        }
        // What is told of this comes after all else.
        append(&at(&root, "fence/f"));
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        wait_for_marks(&place, &expected);
        assert_eq!(location().scan_status, ScanStatus::Stale);
        // What came by moving is still gone through: nothing of that is known.
        settle();
        wait_for_marks(&place, &expected);
        // Once it is listed, it is as it was.
        place.refresh();
        wait_for_marks(&place, &[]);
        append(&at(&root, "create_tree/d/new/x/y/z/f"));
        wait_for_marks(&place, &["create_tree/d/new/x/y/z"]);
        append(&at(&root, "move_directory/b/d/e/f"));
        wait_for_marks(&place, &["create_tree/d/new/x/y/z", "move_directory/b/d/e"]);
    });
}

#[test]
fn several_locations_are_watched_also_one_within_another() {
    let (scene, native, clock) = (scene(), NativeFs::new(), MachineClock::new());
    let temp = tempfile::tempdir().unwrap();
    let at = |path: &str| temp.path().join(path);
    make(temp.path(), &["one/a/f", "one/inner/b/f", "two/c/d/f", "three/f"]);
    settle();
    let place = |path| Place::new(&scene.index, &native, &at(path), || clock.now());
    let (one, inner, two) = (place("one"), place("one/inner"), place("two"));
    for place in [&one, &inner, &two] {
        place.scan();
    }
    let ids = [one.id(), inner.id(), two.id(), one.id()];
    let time = (|| clock.now(), WatchPace::default());
    watching(&scene.index, &native, &SystemEvents, &ids, time, |session| {
        session.wait_for_checks(3);
        fs::rename(at("two/c/d"), at("one/inner/b/d")).unwrap();
        wait_for_marks(&two, &["c"]);
        wait_for_marks(&inner, &["b"]);
        wait_for_marks(&one, &["inner/b"]);
        fs::write(at("one/a/f"), "longer than before").unwrap();
        wait_for_marks(&one, &["a", "inner/b"]);
        wait_for_marks(&inner, &["b"]);
    });
}

/// There is no end to the changes, and they are written all the same.
#[test]
fn a_stream_of_changes_does_not_hold_up_a_mark() {
    let (scene, native, clock) = (scene(), NativeFs::new(), MachineClock::new());
    let temp = tempfile::tempdir().unwrap();
    make(temp.path(), &["busy/f", "other/f"]);
    settle();
    let place = Place::new(&scene.index, &native, temp.path(), || clock.now());
    place.scan();
    let time = (|| clock.now(), WatchPace::default());
    watching(&scene.index, &native, &SystemEvents, &[place.id()], time, |session| {
        session.wait_for_checks(1);
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0.. {
                    let name = temp.path().join(format!("busy/{}", number % 100));
                    fs::write(name, "1").unwrap();
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
            until("mark", || marked(&place).contains("busy"), String::new);
            append(&temp.path().join("other/f"));
            let began = Instant::now();
            until("mark", || marked(&place).contains("other"), String::new);
            println!("marked after {:?}", began.elapsed());
            assert!(began.elapsed() < Duration::from_secs(10));
            is_over.store(true, Ordering::Relaxed);
        });
    });
}
