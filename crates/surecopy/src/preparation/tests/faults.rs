//! An index that is damaged, held, missing or another thing altogether: what is told is right, it costs one
//! line, and where the index was set aside the next preparation can use it again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::Connection;
use surecopy_engine::Outcome;
use surecopy_fs::Operation;
use surecopy_testkit::Random;

use super::{Listing, PrepareMode, Scene, Told, sums_of};

const DIRECTORIES: usize = 30;

/// A tree that is indexed, in an index that is closed.
fn scene() -> Scene {
    let scene = Scene::new();
    for number in 0..DIRECTORIES * 4 {
        let folder = format!("/v/{}/{}", number % 7, number % DIRECTORIES);
        scene.fs.file(format!("{folder}/{number}"), vec![1; number]);
    }
    scene.fs.pass(Duration::from_secs(10));
    scene.run(&sources(), PrepareMode::Auto);
    scene
}

fn sources() -> Vec<PathBuf> {
    vec!["/v".into()]
}

impl Scene {
    /// Prepares with an observer; what is told has to be what is there. Returns the lines about the index.
    #[track_caller]
    fn must_be_right(&self, mode: PrepareMode) -> Vec<String> {
        let there = self.look(&sources());
        let (told, mut found) = (Told::default(), Listing::default());
        let prepared = self.preparation(&sources(), mode).run_listing(&told, &mut found);
        assert_eq!((&prepared.outcome, prepared.is_exact), (&Outcome::Finished, true));
        assert_eq!(found.names(), there.names());
        assert_eq!(found.sums(), there.sums());
        assert_eq!(sums_of(&prepared), there.sums());
        let lines = told.into_lines();
        assert_eq!(prepared.warnings, lines.len() as u64);
        assert!(lines.len() <= 1, "{lines:?}");
        assert!(lines.iter().all(|line| line.lines().count() == 1), "{lines:?}");
        lines
    }

    /// The same, and then it is well, and known.
    #[track_caller]
    fn must_be_well(&self) {
        for _ in 0..2 {
            assert_eq!(self.must_be_right(PrepareMode::Auto), [""; 0]);
        }
        let prepared = self.run(&sources(), PrepareMode::IndexOnly);
        assert!(prepared.is_exact, "{prepared:?}");
    }

    fn sql(&self, text: &str) {
        Connection::open(self.index()).unwrap().execute_batch(text).unwrap();
    }

    /// What was set aside.
    fn set_aside(&self) -> usize {
        let names = fs::read_dir(self.temp.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains(".broken-") && !name.contains("-wal")).count()
    }
}

#[test]
fn bytes_that_are_not_what_they_were_cost_a_scan() {
    let scene = scene();
    let whole = fs::read(scene.index()).unwrap();
    let mut random = Random::new(4);
    for _ in 0..32 {
        let mut bytes = whole.clone();
        // One byte, a run of them, or a page, anywhere but in the header, which is a case of its own.
        let at = 100 + usize::try_from(random.below(bytes.len() as u64 - 100)).unwrap();
        let length = [1, 16, 4096][usize::try_from(random.below(3)).unwrap()];
        let end = bytes.len().min(at + length);
        bytes[at..end].iter_mut().for_each(|byte| *byte = !*byte);
        fs::write(scene.index(), &bytes).unwrap();
        let told: usize = (0..3).map(|_| scene.must_be_right(PrepareMode::Auto).len()).sum();
        // Damage may be come upon only when something is written. It is not come upon twice.
        assert!(told <= 1, "{at}, {length}");
        assert_eq!(scene.must_be_right(PrepareMode::Auto), [""; 0], "{at}, {length}");
    }
    assert!(scene.set_aside() > 3);
}

#[test]
fn an_index_that_ends_early_costs_a_scan() {
    let scene = scene();
    let whole = fs::read(scene.index()).unwrap();
    // What is shorter than the smallest page is as good as nothing.
    for length in (512..whole.len()).step_by(whole.len() / 12) {
        fs::write(scene.index(), &whole[..length]).unwrap();
        let told = scene.must_be_right(PrepareMode::Auto);
        assert_eq!(told.len(), 1, "{length}");
        scene.must_be_well();
    }
}

#[test]
fn values_that_nobody_has_written_are_damage() {
    for change in [
        "UPDATE listings SET entries = x'0102'",
        "DELETE FROM listings WHERE directory IN (SELECT directory FROM directories LIMIT 1 OFFSET 9)",
        "UPDATE listings SET part = part + 1",
        "UPDATE directories SET parts = parts + 1",
        "UPDATE directories SET seen = x'00'",
        "UPDATE directories SET total_files = -1",
        "UPDATE directories SET own_directories = -1",
        "UPDATE directories SET own_files = -1",
        "UPDATE directories SET name = x'2f' WHERE depth = 1 AND name = x'31'",
        "UPDATE directories SET name = x'2e2e' WHERE depth = 1 AND name = x'31'",
        "UPDATE locations SET scan_status = 'text'",
        "UPDATE locations SET volume = 'text'",
        "UPDATE locations SET path = x'00'",
        "DELETE FROM directories WHERE depth = 0",
        "DELETE FROM numbers",
        "DROP TABLE listings",
        "DROP TABLE clocks",
        "DROP TABLE dirty",
        "ALTER TABLE directories RENAME COLUMN began TO begun",
    ] {
        // So that there is something to list and to write as well.
        for is_changed in [false, true] {
            let scene = scene();
            scene.sql(&format!(
                "PRAGMA ignore_check_constraints = 1; PRAGMA foreign_keys = 0; {change}"
            ));
            if is_changed {
                scene.fs.file("/v/1/more/here", "more").remove("/v/2");
                scene.fs.pass(Duration::from_secs(10));
            }
            let mut told = scene.must_be_right(PrepareMode::Auto);
            // What is met only when something is written is met later.
            told.extend(scene.must_be_right(PrepareMode::Scan));
            assert!(told.len() <= 1, "{change}: {told:?}");
            if !told.is_empty() {
                assert_eq!(scene.set_aside(), 1, "{change}: {told:?}");
            }
            scene.must_be_well();
        }
    }
}

#[test]
fn numbers_that_are_given_twice_are_damage() {
    let scene = scene();
    scene.sql("UPDATE numbers SET next_directory = 1");
    scene.fs.file("/v/1/more/here", "more");
    scene.fs.pass(Duration::from_secs(10));
    assert_eq!(scene.must_be_right(PrepareMode::Auto).len(), 1);
    scene.must_be_well();
}

#[test]
fn an_index_of_another_version_is_told_of_in_one_line() {
    let scene = scene();
    scene.sql("PRAGMA user_version = 99");
    for _ in 0..2 {
        let told = scene.must_be_right(PrepareMode::Auto);
        assert!(told.len() == 1 && told[0].contains("later surecopy"), "{told:?}");
    }
    assert_eq!(scene.set_aside(), 0);
    scene.sql("PRAGMA user_version = 0");
    let told = scene.must_be_right(PrepareMode::Auto);
    assert!(told.len() == 1 && told[0].contains("earlier version (0)"), "{told:?}");
    scene.must_be_well();
}

#[test]
fn what_is_no_index_is_left_alone_and_told_of() {
    let other = |make: &dyn Fn(&Path)| {
        let scene = scene();
        for suffix in ["", ".lock"] {
            fs::remove_file(format!("{}{suffix}", scene.index().display())).unwrap();
        }
        make(&scene.index());
        for mode in [PrepareMode::Auto, PrepareMode::Scan] {
            let told = scene.must_be_right(mode);
            assert!(told.len() == 1 && told[0].contains("is not an index"), "{told:?}");
        }
        assert_eq!(scene.set_aside(), 0);
        scene
    };
    let scene = other(&|path| fs::write(path, "Dear Sir or Madam").unwrap());
    assert_eq!(fs::read(scene.index()).unwrap(), b"Dear Sir or Madam");
    let scene = other(&|path| fs::create_dir(path).unwrap());
    assert!(scene.index().is_dir());
    other(&|path| std::os::unix::fs::symlink("nowhere", path).unwrap());
    other(&|path| Connection::open(path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap());
}

#[test]
fn a_place_where_no_index_can_be_is_told_of() {
    let scene = scene();
    let path = Path::new("/proc/surecopy/index.db");
    let request = super::PrepareRequest::new(sources()).index(path);
    let (told, mut found) = (Told::default(), Listing::default());
    let prepared = super::on(&scene.fs, request).run_listing(&told, &mut found);
    assert!(prepared.is_exact);
    assert_eq!(found.sums(), scene.look(&sources()).sums());
    assert_eq!(told.into_lines().len(), 1);
}

/// Somebody holds the index from here on.
fn hold(path: &Path, how: &str) -> Connection {
    let other = Connection::open(path).unwrap();
    other.execute_batch(how).unwrap();
    other
}

const HOLD_ALL: &str = "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE numbers SET next_directory = next_directory;";
const HOLD_WRITES: &str = "BEGIN IMMEDIATE;";

#[test]
fn an_index_that_is_held_costs_a_scan() {
    for (how, told_of_reads) in [(HOLD_ALL, 1), (HOLD_WRITES, 0)] {
        let scene = scene();
        let other = hold(&scene.index(), how);
        assert_eq!(scene.must_be_right(PrepareMode::Auto).len(), told_of_reads, "{how}");
        scene.fs.file("/v/1/more", "more");
        scene.fs.pass(Duration::from_secs(10));
        for mode in [PrepareMode::Auto, PrepareMode::Scan] {
            let told = scene.must_be_right(mode);
            assert!(told.len() == 1 && told[0].contains("another program holds"), "{told:?}");
        }
        drop(other);
        scene.must_be_well();
        assert_eq!(scene.set_aside(), 0);
    }
}

/// Does something to the index before the so many-th directory is listed. What holds it is in the result.
fn in_the_middle(scene: &Scene, nth: u64, what: &'static str) -> Arc<Mutex<Option<Connection>>> {
    let index = scene.index();
    let holder = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&holder);
    scene.fs.reset_counts().before(Operation::List, move |_, count| {
        if count == nth {
            *kept.lock().unwrap() = Some(hold(&index, what));
        }
    });
    holder
}

#[test]
fn what_happens_to_an_index_in_the_middle_of_a_scan_costs_no_more_than_a_line() {
    for (what, is_set_aside) in [
        ("DROP TABLE listings", true),
        ("DROP TABLE directories", true),
        ("UPDATE listings SET entries = x'01'", true),
        ("DELETE FROM listings", true),
        ("DELETE FROM directories", true),
        ("DELETE FROM locations", false),
        (HOLD_WRITES, false),
    ] {
        for mode in [PrepareMode::Auto, PrepareMode::Scan] {
            let scene = scene();
            for number in 0..20 {
                scene.fs.file(format!("/v/{}/more-{number}/here", number % 7), "more");
            }
            scene.fs.pass(Duration::from_secs(10));
            // The look that a test takes lists everything too.
            let all = scene.look(&sources()).sums()[2];
            let holder = in_the_middle(&scene, all + 3, what);
            let told = scene.must_be_right(mode);
            let other = holder.lock().unwrap().take();
            drop(other.expect("it was in the middle"));
            assert!(
                !is_set_aside || mode == PrepareMode::Scan || told.len() == 1,
                "{what}: {told:?}"
            );
            let told: Vec<_> =
                (0..3).flat_map(|_| scene.must_be_right(PrepareMode::Auto)).collect();
            assert!(told.len() <= 1, "{what}: {told:?}");
            scene.must_be_well();
        }
    }
}
