//! How fast it is, beside programs that everybody has. For people to run and read, on a machine that has
//! nothing else to do: `cargo test --release -p surecopy-index --test index -- --ignored --nocapture
//! measures`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use surecopy_engine::Control;
use surecopy_fs::{FileKind, FileSystem, MachineClock, NativeFs, Node, RelPath};
use surecopy_index::{Index, Listed, Recorder, ScanEnd, Validation, ValidationProgress};

use crate::scene::{Place, rel};

const FILES_OF_A_DIRECTORY: usize = 10;

/// 101 directories above, `directories` with files below.
fn make(root: &Path, directories: usize) {
    for number in 0..directories {
        let dir = root.join(format!("part-{:03}", number / 100)).join(format!("album-{number:05}"));
        fs::create_dir_all(&dir).unwrap();
        for file in 0..FILES_OF_A_DIRECTORY {
            fs::write(dir.join(format!("IMG_{number:05}_{file:02}.jpg")), [1; 100]).unwrap();
        }
    }
}

/// The best of several: what the machine did besides only makes it slower.
fn best(times: usize, mut work: impl FnMut()) -> Duration {
    let timed = (0..times).map(|_| {
        let began = Instant::now();
        work();
        began.elapsed()
    });
    timed.min().unwrap()
}

fn program(name: &str, arguments: &[&str], root: &Path) -> Option<Duration> {
    let run = || {
        let mut command = Command::new(name);
        command.arg(root).args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    run().then(|| best(5, || assert!(run())))
}

/// Lists everything with two threads, and records it if it is told to.
fn scan(fs: &NativeFs, root: &Path, recorder: Option<&Recorder>) -> usize {
    struct State {
        pending: Vec<RelPath>,
        at_work: usize,
        found: usize,
    }
    let clock = MachineClock::new();
    let root = fs.open_root(root).unwrap();
    let state = Mutex::new(State { pending: vec![RelPath::root()], at_work: 0, found: 0 });
    let changed = Condvar::new();
    let work = || {
        let mut guard = state.lock().unwrap();
        loop {
            let Some(path) = guard.pending.pop() else {
                if guard.at_work == 0 {
                    changed.notify_all();
                    return;
                }
                guard = changed.wait(guard).unwrap();
                continue;
            };
            guard.at_work += 1;
            drop(guard);
            let began = clock.now();
            let dir = fs.open_dir(&root, &path).unwrap();
            let metadata = fs.metadata(Node::Dir(&dir)).unwrap();
            let mut names = fs.list(&dir).unwrap();
            names.sort_unstable();
            let entries: Vec<_> = names
                .into_iter()
                .map(|name| {
                    let metadata = fs.metadata_at(&dir, &name).unwrap();
                    (name, metadata)
                })
                .collect();
            if let Some(recorder) = recorder {
                recorder.listed(&Listed {
                    path: &path,
                    began: &began,
                    metadata: &metadata,
                    entries: &entries,
                    part: 0,
                    parts: 1,
                });
            }
            let below = entries.iter().filter(|(_, found)| found.kind == FileKind::Directory);
            let below: Vec<_> = below.map(|(name, _)| path.join(name)).collect();
            guard = state.lock().unwrap();
            guard.found += entries.len();
            guard.at_work -= 1;
            guard.pending.extend(below);
            changed.notify_all();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    state.into_inner().unwrap().found
}

fn load() -> String {
    fs::read_to_string("/proc/loadavg").unwrap_or_default().trim().to_owned()
}

fn measure(place: &Path, directories: usize) {
    let temp = tempfile::tempdir_in(place).unwrap();
    let root = temp.path().join("tree");
    make(&root, directories);
    // So that nothing was changed shortly before it is listed.
    std::thread::sleep(Duration::from_millis(1_500));
    println!("\n{} directories, {} files in {}", directories, directories * 10, place.display());
    println!("load before            {}", load());
    let path: PathBuf = temp.path().join("index.db");
    let fs = NativeFs::new();
    let clock = MachineClock::new();
    let du = program("du", &["-s"], &root);
    let find = program("find", &["-printf", "%s\n"], &root);
    println!("du -s                  {du:?}");
    println!("find -printf %s        {find:?}");
    let alone = best(5, || assert_eq!(scan(&fs, &root, None) % 10, 0));
    println!("listing, two threads   {alone:?}");
    let mut index = Index::open(&path).unwrap();
    let mut record = Duration::MAX;
    let mut finish = Duration::MAX;
    for round in 0..3 {
        if round > 0 {
            drop(index);
            fs::remove_file(&path).unwrap();
            index = Index::open(&path).unwrap();
        }
        let place = Place::new(&index, &fs, &root, || clock.now());
        let began = Instant::now();
        let recorder = place.begin();
        scan(&fs, &root, Some(&recorder));
        let scanned = began.elapsed();
        recorder.finish(ScanEnd::Whole, clock.now().wall).unwrap();
        record = record.min(began.elapsed());
        finish = finish.min(began.elapsed() - scanned);
    }
    println!("listing and recording  {record:?}, of which after the last was listed {finish:?}");
    let place = Place::new(&index, &fs, &root, || clock.now());
    let again = best(3, || {
        let recorder = place.begin();
        scan(&fs, &root, Some(&recorder));
        recorder.finish(ScanEnd::Whole, clock.now().wall).unwrap();
    });
    println!("recording all of it again {again:?}");
    let bytes: u64 = ["index.db", "index.db-wal"]
        .map(|name| temp.path().join(name).metadata().map_or(0, |metadata| metadata.len()))
        .iter()
        .sum();
    println!("index with its log     {bytes} bytes");
    let opened = best(5, || {
        let index = Index::open(&path).unwrap();
        assert_eq!(index.estimate(&root).unwrap().unwrap().files, directories as u64 * 10);
    });
    println!("open and estimate      {opened:?}");
    let estimate = best(5, || {
        index.estimate(&root.join("part-000/album-00042")).unwrap().unwrap();
    });
    println!("estimate of a subtree  {estimate:?}");
    for threads in [1, 2] {
        let mut fresh = 0;
        let validate = best(9, || {
            let validation = Validation {
                index: &index,
                location: place.id(),
                beneath: &rel(""),
                now: &clock.now(),
                threads,
                control: &Control::new(),
                progress: &ValidationProgress::default(),
            };
            let validated = validation.run(&fs, &place.root).unwrap();
            assert_eq!(validated.stale + validated.gone, 0, "{:?}", validated.stale_directories);
            fresh = validated.fresh;
        });
        let ratio = |other: Duration| other.as_secs_f64() / validate.as_secs_f64();
        println!(
            "validation, {threads} threads   {validate:?} for {fresh} directories: du / {:.1}, scan / {:.1}",
            du.map_or(0.0, ratio),
            ratio(record),
        );
    }
    println!("load after             {}", load());
}

#[test]
#[ignore = "a measurement"]
fn measures_ten_thousand_directories() {
    for place in ["/dev/shm", "/var/tmp"] {
        measure(Path::new(place), 10_000);
    }
}

#[test]
#[ignore = "a measurement that takes a minute and some gigabytes of memory"]
fn measures_a_hundred_thousand_directories() {
    measure(Path::new("/dev/shm"), 100_000);
}
