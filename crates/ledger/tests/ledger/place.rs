//! Where a ledger lies, and what is refused.

use std::os::unix::fs::{MetadataExt, symlink};

use surecopy_ledger::{Ledger, LedgerError};

use crate::scene::{path, scene, spec};

#[test]
fn a_ledger_is_nobody_elses() {
    let scene = scene();
    scene.job();
    let file = path(&scene.temp);
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(file.parent().unwrap()), 0o700);
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db.lock"] {
        assert_eq!(mode(&file.with_file_name(name)), 0o600, "{name}");
    }
}

#[test]
fn nothing_is_made_by_looking() {
    let temp = tempfile::tempdir().unwrap();
    let missing = temp.path().join("none").join("ledger.db");
    assert!(matches!(Ledger::open_existing(&missing), Err(LedgerError::Missing { .. })));
    assert!(!temp.path().join("none").exists());
}

#[test]
fn what_is_no_ledger_is_left_alone() {
    let temp = tempfile::tempdir().unwrap();
    let text = temp.path().join("text");
    std::fs::write(&text, "not a database ".repeat(1_000)).unwrap();
    let other = temp.path().join("other.db");
    let connection = rusqlite::Connection::open(&other).unwrap();
    connection.execute_batch("CREATE TABLE of_another (program TEXT)").unwrap();
    drop(connection);
    let link = temp.path().join("link");
    symlink(&other, &link).unwrap();
    let before = [&text, &other].map(|path| std::fs::read(path).unwrap());
    for path in [&text, &other, &link, &temp.path().to_owned()] {
        for open in [Ledger::open, Ledger::open_existing] {
            let error = open(path).unwrap_err();
            let shown = path.display().to_string();
            assert!(matches!(error, LedgerError::NotALedger { .. }), "{shown}: {error:?}");
            assert!(error.to_string().contains(&shown), "{error}");
        }
    }
    assert_eq!([&text, &other].map(|path| std::fs::read(path).unwrap()), before);
}

#[test]
fn an_empty_file_becomes_a_ledger() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("ledger.db");
    std::fs::write(&file, "").unwrap();
    assert!(Ledger::open_existing(&file).unwrap().jobs().unwrap().is_empty());
    drop(Ledger::open(&file).unwrap().create_job(&spec()).unwrap());
}

/// Programs that are started at the same moment, and find that there is no ledger yet.
#[test]
fn many_may_make_it_at_once() {
    for _ in 0..30 {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("ledger.db");
        std::thread::scope(|scope| {
            let openings: Vec<_> = (0..8).map(|_| scope.spawn(|| Ledger::open(&path))).collect();
            for opening in openings {
                opening.join().unwrap().unwrap();
            }
        });
    }
}
