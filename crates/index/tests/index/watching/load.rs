//! Much at once on a real volume: nothing is lost, or it is known that something was.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use surecopy_fs::{FileKind, MachineClock, NativeFs};
use surecopy_index::{
    EventSource, Hear, LostReason, NotWatched, Recorder, SystemEvents, WatchFact, WatchPace,
};
use surecopy_testkit::Random;

use super::session::{marked, settle, until, watching};
use crate::scene::{Place, Tree, scene};

fn walk(root: &Path, below: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(root.join(below)).unwrap() {
        let entry = entry.unwrap();
        let path = below.join(entry.file_name());
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            tree.insert(path.clone(), (FileKind::Directory, 0));
            walk(root, &path, tree);
        } else {
            tree.insert(path, (FileKind::File, metadata.len()));
        }
    }
}

/// Makes, removes and moves trees as fast as it can. What is not there any more when its turn comes was
/// somebody else's.
fn stir(root: &Path, seed: u64, rounds: usize) {
    let mut random = Random::new(seed);
    let mut some = |prefix: &str| {
        let mut path = root.to_owned();
        for _ in 0..=random.below(4) {
            path.push(format!("{prefix}{}", random.below(6)));
        }
        (path, random.below(6))
    };
    for _ in 0..rounds {
        let ((path, what), (other, _)) = (some("d"), some("d"));
        let done = match what {
            0..=2 => fs::create_dir_all(&path).and_then(|()| fs::write(path.join("f"), "12345")),
            3 => fs::remove_dir_all(&path),
            _ => fs::rename(&path, &other),
        };
        drop(done);
    }
}

/// While trees come, go and move, and are scanned at the same time. Afterwards every directory is
/// watched: a file in each is rewritten in place, which nothing but an event can show.
#[test]
fn nothing_is_lost_when_directories_come_and_go_quickly() {
    let (scene, native, clock) = (scene(), NativeFs::new(), MachineClock::new());
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path();
    let place = Place::new(&scene.index, &native, root, || clock.now());
    place.scan();
    let time = (|| clock.now(), WatchPace::default());
    watching(&scene.index, &native, &SystemEvents, &[place.id()], time, |session| {
        session.wait_for_checks(1);
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let stirring: Vec<_> =
                (0..3).map(|seed| scope.spawn(move || stir(root, seed, 4_000))).collect();
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    scan_what_is_there(&place_in(&scene, &native, root, &clock));
                }
            });
            for thread in stirring {
                thread.join().unwrap();
            }
            is_over.store(true, Ordering::Relaxed);
        });
        fs::create_dir_all(root.join("fence")).unwrap();
        until("rest", || is_quiet(session), || format!("{:?}", session.facts()));
        settle();
        place.refresh();
        settle();
        place.refresh();
        until(
            "rest",
            || {
                marked(&place).is_empty() || {
                    place.refresh();
                    false
                }
            },
            String::new,
        );

        let mut tree = Tree::new();
        walk(root, Path::new(""), &mut tree);
        let mut expected = Vec::new();
        for (path, (kind, _)) in &tree {
            if *kind == FileKind::File {
                let mut file = OpenOptions::new().append(true).open(root.join(path)).unwrap();
                file.write_all(b"6").unwrap();
                expected.push(path.parent().unwrap().to_str().unwrap().to_owned());
            }
        }
        println!("{} files in {} entries are there in the end", expected.len(), tree.len());
        assert!(expected.len() > 5, "seeds that leave something");
        let missing = || -> Vec<_> {
            let found = marked(&place);
            expected.iter().filter(|path| !found.contains(*path)).cloned().collect()
        };
        until("mark", || missing().is_empty(), || format!("{:?}", missing()));
    });
    // And in the end all is as a walk finds it.
    place.refresh();
    let mut there = Tree::new();
    walk(root, Path::new(""), &mut there);
    let remembered: Vec<(PathBuf, u64)> = files(&place.remembered());
    assert_eq!(remembered, files(&there));
}

/// The events of the system, of which nothing is read while the gate is shut.
#[derive(Default)]
struct Gated {
    gate: Arc<Mutex<()>>,
}

impl EventSource for Gated {
    type Watches = <SystemEvents as EventSource>::Watches;

    fn open(&self, hear: Hear) -> Result<Self::Watches, NotWatched> {
        let gate = Arc::clone(&self.gate);
        let gated = move |happening| {
            drop(gate.lock().unwrap());
            hear(happening);
        };
        SystemEvents.open(Box::new(gated))
    }

    fn mount_state(&self, root: &Path) -> Option<u64> {
        SystemEvents.mount_state(root)
    }
}

/// The queue of the kernel itself overflows, and what it lost is found.
#[test]
fn what_the_kernel_could_not_keep_is_found() {
    let most = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events");
    let Some(most) = most.ok().and_then(|most| most.trim().parse::<usize>().ok()) else {
        println!("skipped: the kernel does not say how much it keeps");
        return;
    };
    if most > 200_000 {
        println!("skipped: the kernel keeps {most} events, and a test is not to make so many");
        return;
    }
    let (scene, native, clock) = (scene(), NativeFs::new(), MachineClock::new());
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path();
    for name in ["busy", "other", "third/inner"] {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    fs::write(root.join("busy/f"), "1").unwrap();
    settle();
    let place = Place::new(&scene.index, &native, root, || clock.now());
    place.scan();
    let (time, gated) = ((|| clock.now(), WatchPace::default()), Gated::default());
    watching(&scene.index, &native, &gated, &[place.id()], time, |session| {
        session.wait_for_checks(1);
        let shut = gated.gate.lock().unwrap();
        // Two in turn, so that none is like the one before it.
        let (one, other) = (root.join("busy/f"), root.join("busy/g"));
        for _ in 0..=most {
            fs::rename(&one, &other).unwrap();
            fs::rename(&other, &one).unwrap();
        }
        // Of these nothing was kept, not even that the last one is to be watched.
        fs::write(root.join("other/new"), "1").unwrap();
        fs::create_dir_all(root.join("third/inner/deep/er")).unwrap();
        drop(shut);
        let is_overflow =
            |fact: &WatchFact| matches!(fact, WatchFact::Lost { reason: LostReason::Overflow, .. });
        session.wait_for("loss", is_overflow);
        session.wait_for_checks(2);
        let expected = ["busy", "other", "third/inner"];
        until("mark", || marked(&place) == expected.map(str::to_owned).into(), String::new);
        settle();
        place.refresh();
        fs::write(root.join("third/inner/deep/er/f"), "1").unwrap();
        until("mark", || marked(&place).contains("third/inner/deep/er"), String::new);
    });
}

fn files(tree: &Tree) -> Vec<(PathBuf, u64)> {
    let files = tree.iter().filter(|(_, (kind, _))| *kind == FileKind::File);
    files.map(|(path, (_, size))| (path.clone(), *size)).collect()
}

fn is_quiet(session: &super::session::Session<'_>) -> bool {
    let before = session.count(|_| true);
    std::thread::sleep(std::time::Duration::from_millis(500));
    let is_lost = |fact: &WatchFact| matches!(fact, WatchFact::Lost { .. });
    let is_held = |fact: &WatchFact| matches!(fact, WatchFact::Checked { .. });
    session.count(|_| true) == before && session.count(is_held) > session.count(is_lost)
}

fn place_in<'a>(
    scene: &'a crate::scene::Scene,
    native: &'a NativeFs,
    root: &Path,
    clock: &'a MachineClock,
) -> Place<'a, NativeFs> {
    Place::new(&scene.index, native, root, || clock.now())
}

/// A scan of a tree that changes under it: what is gone when its turn comes is left out.
fn scan_what_is_there(place: &Place<'_, NativeFs>) {
    use surecopy_fs::{FileSystem, Node, RelPath};
    // Somebody else may hold the index.
    let now = (place.now)();
    let begun = Recorder::begin(place.index, place.id(), &place.volume(), &now);
    let Ok(recorder) = begun else { return };
    let mut pending = vec![RelPath::root()];
    while let Some(path) = pending.pop() {
        let began = (place.now)();
        let Ok(dir) = place.fs.open_dir(&place.root, &path) else {
            recorder.gone(&path);
            continue;
        };
        let Ok(metadata) = place.fs.metadata(Node::Dir(&dir)) else { continue };
        let mut names = place.fs.list(&dir).unwrap_or_default();
        names.sort();
        let entries: Vec<_> = names
            .into_iter()
            .filter_map(|name| Some((name.clone(), place.fs.metadata_at(&dir, &name).ok()?)))
            .collect();
        let listed = surecopy_index::Listed {
            path: &path,
            began: &began,
            metadata: &metadata,
            entries: &entries,
            part: 0,
            parts: 1,
        };
        recorder.listed(&listed);
        let below = entries.iter().filter(|(_, found)| found.kind == FileKind::Directory);
        pending.extend(below.map(|(name, _)| path.join(name)));
    }
    drop(recorder.finish(surecopy_index::ScanEnd::Part, (place.now)().wall));
}
