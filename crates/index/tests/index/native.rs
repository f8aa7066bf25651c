//! The same on real file systems, with real clocks: short, since nothing is settled before a second has
//! gone by.

use std::fs::{self, File, FileTimes};
use std::path::Path;
use std::time::{Duration, SystemTime};

use surecopy_fs::{FileKind, MachineClock, NativeFs};
use surecopy_testkit::Random;

use crate::scene::{Place, Tree, scene};

fn walk(root: &Path, below: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(root.join(below)).unwrap() {
        let entry = entry.unwrap();
        let path = below.join(entry.file_name());
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            tree.insert(path.clone(), (FileKind::Directory, metadata.len()));
            walk(root, &path, tree);
        } else {
            tree.insert(path, (FileKind::File, metadata.len()));
        }
    }
}

/// One random change; files are never rewritten with another length, so that sizes can be compared.
fn change(root: &Path, random: &mut Random) {
    let mut tree = Tree::new();
    walk(root, Path::new(""), &mut tree);
    let paths: Vec<_> = tree.keys().cloned().collect();
    let directories: Vec<_> = tree
        .iter()
        .filter(|(_, (kind, _))| *kind == FileKind::Directory)
        .map(|(path, _)| path.clone())
        .collect();
    let some = root.join(random.pick(&paths));
    let into = root.join(random.pick(&directories)).join(format!("n{}", random.below(1 << 40)));
    match random.below(6) {
        0 => fs::create_dir(into).unwrap(),
        1 => fs::write(into, random.bytes(20)).unwrap(),
        2 if some.is_dir() => fs::remove_dir_all(&some).unwrap(),
        2 => fs::remove_file(&some).unwrap(),
        // Into itself is refused, and then nothing has changed.
        3 => fs::rename(&some, into).unwrap_or_default(),
        4 if some.is_file() => fs::write(&some, random.bytes(20)).unwrap(),
        _ => {
            let back = SystemTime::UNIX_EPOCH + Duration::from_secs(1 + random.below(1_000));
            File::open(&some).unwrap().set_times(FileTimes::new().set_modified(back)).unwrap();
        }
    }
    fs::create_dir_all(root.join("always/there")).unwrap();
}

fn history(folder: &Path, seed: u64) {
    let (scene, native, clock) = (scene(), NativeFs::new(), MachineClock::new());
    let temp = tempfile::tempdir_in(folder).unwrap();
    let root = temp.path();
    for number in 0..40 {
        let dir = root.join(format!("{}/{}", number % 4, number % 7));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(number.to_string()), "12345678901234567890").unwrap();
    }
    fs::create_dir_all(root.join("always/there")).unwrap();
    let place = Place::new(&scene.index, &native, root, || clock.now());
    place.scan();
    let mut random = Random::new(seed);
    for _ in 0..60 {
        for _ in 0..=random.below(3) {
            change(root, &mut random);
        }
        let scanned = place.refresh();
        let mut there = Tree::new();
        walk(root, Path::new(""), &mut there);
        let files = |tree: &Tree| -> Vec<_> {
            let size = |kind, size| if kind == FileKind::File { size } else { 0 };
            tree.iter()
                .map(|(path, (kind, bytes))| (path.clone(), *kind, size(*kind, *bytes)))
                .collect()
        };
        assert_eq!(files(&scanned.tree), files(&there), "seed {seed} in {}", folder.display());
        assert_eq!(files(&place.remembered()), files(&there), "seed {seed}");
        place.check_totals(&there);
    }
    // Once everything is settled, only what is touched is listed.
    std::thread::sleep(Duration::from_millis(1_200));
    place.refresh();
    fs::write(root.join("always/new"), "").unwrap();
    assert_eq!(
        place.refresh().listed,
        [Path::new("always")],
        "seed {seed} in {}",
        folder.display()
    );
}

#[test]
fn random_histories_on_the_volumes_of_this_machine() {
    for (seed, folder) in [std::env::temp_dir().as_path(), Path::new("/dev/shm")].iter().enumerate()
    {
        if folder.is_dir() {
            history(folder, seed as u64);
        } else {
            println!("skipped: there is no {}", folder.display());
        }
    }
}
