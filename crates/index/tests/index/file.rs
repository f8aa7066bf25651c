//! The file of an index: broken, of another version, somebody else's, or not all there.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use surecopy_index::{Index, IndexError, Notice};
use surecopy_testkit::{FakeFs, Random};

use crate::scene::{Place, scene};

fn tree() -> FakeFs {
    let fs = FakeFs::new();
    for number in 0..300 {
        fs.file(format!("/data/{}/{}/{number}", number % 5, number % 13), "123");
    }
    fs.pass(Duration::from_secs(10));
    fs
}

/// What stands in a directory besides the index and its lock.
fn beside(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| !["index.db", "index.db.lock"].contains(&name.as_str()));
    names.sort();
    names
}

/// An index with something in it, closed.
fn filled() -> (tempfile::TempDir, PathBuf, FakeFs) {
    let (scene, fs) = (scene(), tree());
    Place::new(&scene.index, &fs, Path::new("/data"), || fs.moment()).scan();
    let path = scene.index.path().to_owned();
    drop(scene.index);
    (scene.temp, path, fs)
}

#[test]
fn an_index_is_made_for_its_owner_and_found_again() {
    let (temp, path, _) = filled();
    assert_eq!(beside(temp.path()), Vec::<String>::new());
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    let index = Index::open(&path).unwrap();
    assert_eq!(index.notice(), None);
    assert_eq!(index.estimate(Path::new("/data")).unwrap().unwrap().files, 300);
    let deeper = temp.path().join("new/cache/index.db");
    Index::open(&deeper).unwrap();
    assert_eq!(fs::metadata(deeper.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
}

#[test]
fn a_broken_index_is_set_aside_and_begun_anew() {
    for damage in [
        b"this was a database once, and is none any more".to_vec(),
        b"SQLite format 3\0 and nothing behind it".to_vec(),
        vec![0; 100_000],
    ] {
        let (temp, path, _) = filled();
        fs::write(&path, &damage).unwrap();
        let index = Index::open(&path).unwrap();
        let Some(Notice::SetAside { path: aside }) = index.notice() else {
            panic!("{:?}", index.notice());
        };
        assert_eq!(fs::read(aside).unwrap(), damage);
        let name = aside.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("index.db.broken-"), "{name}");
        assert_eq!(index.notice().unwrap().to_string().lines().count(), 1);
        assert_eq!(index.locations().unwrap(), []);
        drop(index);
        assert_eq!(beside(temp.path()).len(), 1);
        assert_eq!(Index::open(&path).unwrap().notice(), None);
    }
}

#[test]
fn a_table_that_is_missing_is_damage() {
    let (_temp, path, _) = filled();
    Connection::open(&path).unwrap().execute_batch("DROP TABLE listings").unwrap();
    assert!(matches!(Index::open(&path).unwrap().notice(), Some(Notice::SetAside { .. })));
}

#[test]
fn an_index_of_a_later_version_is_left_alone() {
    let (temp, path, _) = filled();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(&path).unwrap();
    let error = Index::open(&path).unwrap_err();
    assert!(matches!(error, IndexError::Newer { found: 99, known: 1, .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(beside(temp.path()).iter().all(|name| !name.contains("broken")));
}

#[test]
fn an_index_of_an_earlier_version_is_built_anew() {
    let (_temp, path, _) = filled();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 0).unwrap();
    let index = Index::open(&path).unwrap();
    assert_eq!(index.notice(), Some(&Notice::Rebuilt { from: 0 }));
    assert_eq!(index.locations().unwrap(), []);
}

#[test]
fn what_is_no_index_is_left_alone() {
    let temp = tempfile::tempdir().unwrap();
    let text = temp.path().join("letter.txt");
    fs::write(&text, "Dear Sir or Madam").unwrap();
    let other = temp.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    std::os::unix::fs::symlink("letter.txt", temp.path().join("link")).unwrap();
    fs::create_dir(temp.path().join("folder")).unwrap();
    for name in ["letter.txt", "other.db", "link", "folder"] {
        let error = Index::open(&temp.path().join(name)).unwrap_err();
        assert!(matches!(error, IndexError::NotAnIndex { .. }), "{name}: {error}");
        // Nor the second time, when there may be a lock beside it.
        let error = Index::open(&temp.path().join(name)).unwrap_err();
        assert!(matches!(error, IndexError::NotAnIndex { .. }), "{name}: {error}");
    }
    assert_eq!(fs::read(&text).unwrap(), b"Dear Sir or Madam");
    assert_eq!(
        Connection::open(&other)
            .unwrap()
            .query_row("SELECT count(*) FROM theirs", (), |row| row.get::<_, i64>(0))
            .unwrap(),
        0
    );
}

/// Whatever bit is wrong, nothing wrong is told of a directory: the damage is found, or what is told is
/// as it was.
#[test]
fn no_damage_makes_up_entries() {
    let (_temp, path, fake) = filled();
    let good = fs::read(&path).unwrap();
    let mut random = Random::new(4);
    let there: std::collections::BTreeSet<_> = fake.tree("/data").into_keys().collect();
    let mut found_out = 0;
    for _ in 0..150 {
        let mut bytes = good.clone();
        for _ in 0..20 {
            let at = random.below(good.len() as u64) as usize;
            bytes[at] = random.next() as u8;
        }
        fs::write(&path, &bytes).unwrap();
        for rest in ["-wal", "-shm"] {
            let mut name = path.clone().into_os_string();
            name.push(rest);
            fs::remove_file(name).ok();
        }
        let Ok(index) = Index::open(&path) else {
            found_out += 1;
            continue;
        };
        found_out += u32::from(index.notice().is_some());
        let Ok(locations) = index.locations() else { continue };
        for location in locations {
            let mut pending = vec![surecopy_fs::RelPath::root()];
            while let Some(at) = pending.pop() {
                let Ok(Some(directory)) = index.directory(location.id, &at) else { continue };
                let Ok(Some(entries)) = index.entries(directory) else { continue };
                for (name, metadata) in entries {
                    let below = at.join(&name);
                    assert!(there.contains(below.as_path()), "{below:?}");
                    if metadata.kind == surecopy_fs::FileKind::Directory && below.depth() < 9 {
                        pending.push(below);
                    }
                }
            }
        }
    }
    assert!(found_out > 0, "some damage is seen at once");
}

#[test]
fn the_log_of_a_database_that_is_gone_is_not_taken_for_that_of_the_next() {
    let (temp, path, fake) = filled();
    let index = Index::open(&path).unwrap();
    Place::new(&index, &fake, Path::new("/data"), || fake.moment()).scan();
    // As a program leaves it that was killed, and then somebody removes what looks like the index.
    let log = temp.path().join("index.db-wal");
    let rest = fs::read(&log).unwrap();
    assert!(!rest.is_empty());
    drop(index);
    fs::remove_file(&path).unwrap();
    fs::write(&log, rest).unwrap();
    let index = Index::open(&path).unwrap();
    assert_eq!(index.locations().unwrap(), []);
    assert_eq!(index.notice(), None);
}

#[test]
fn damage_that_shows_later_is_set_aside_when_it_is_asked_for() {
    let (temp, path, fake) = filled();
    let index = Index::open(&path).unwrap();
    let other = Index::open(&path).unwrap();
    let index = index.replace_damaged().unwrap();
    assert!(matches!(index.notice(), Some(Notice::SetAside { .. })));
    assert_eq!(index.locations().unwrap(), []);
    let place = Place::new(&index, &fake, Path::new("/data"), || fake.moment());
    let scanned = place.scan();
    // Whoever had the old one open goes on with that, and takes nothing from the new one.
    assert_eq!(other.estimate(Path::new("/data")).unwrap().unwrap().files, 300);
    drop(other);
    assert_eq!(place.remembered(), scanned.tree);
    drop(place);
    drop(index);
    let index = Index::open(&path).unwrap();
    assert_eq!(index.estimate(Path::new("/data")).unwrap().unwrap().files, 300);
    assert!(beside(temp.path()).iter().any(|name| name.contains("broken")));
}
