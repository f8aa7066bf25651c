//! A ledger that is damaged, newer, read-only or gone says so and does nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rusqlite::Connection;
use surecopy_engine::{Journal, Queue, WorkList};
use surecopy_ledger::{Ledger, LedgerError, RunKind};

use crate::scene::{all_ok, copy, item, path, planned, scene, spec};

#[test]
fn a_newer_ledger_is_refused() {
    let scene = scene();
    let file = path(&scene.temp);
    drop(scene.ledger);
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(&file).unwrap();
    for open in [Ledger::open, Ledger::open_existing] {
        let error = open(&file).unwrap_err();
        assert!(matches!(error, LedgerError::Newer { found: 99, known: 4, .. }), "{error:?}");
        assert!(error.to_string().contains("later surecopy"), "{error}");
    }
    assert_eq!(fs::read(&file).unwrap(), before, "it was not touched");
}

#[test]
fn damaged_pages_are_found() {
    let scene = scene();
    let run = scene.first_run();
    let items: Vec<_> = (0..500).map(|id| item(id, &format!("d/file {id}"))).collect();
    run.append(Queue::Items, items.clone()).unwrap();
    run.record(planned(500)).unwrap();
    copy(&run, &items);
    run.finish(&all_ok(500)).unwrap();
    let file = path(&scene.temp);
    let temp = scene.temp;
    drop(scene.ledger);
    let whole = fs::read(&file).unwrap();
    // Everything but the first page, and half of the file.
    let mut torn = whole.clone();
    torn[4_096..].fill(0x5a);
    for content in [torn, whole[..whole.len() / 8192 * 4096].to_vec()] {
        for name in ["ledger.db-wal", "ledger.db-shm"] {
            fs::remove_file(file.with_file_name(name)).unwrap_or_default();
        }
        fs::write(&file, content).unwrap();
        let opened = Ledger::open(&file).and_then(|ledger| {
            ledger.check_database()?;
            ledger.jobs()
        });
        let error = opened.unwrap_err();
        assert!(matches!(error, LedgerError::Damaged { .. }), "{error:?}");
        assert!(error.to_string().contains("move it aside"), "{error}");
    }
    drop(temp);
}

/// An index that has something else than its table gives wrong answers, of which no page is torn.
#[test]
fn an_index_that_does_not_fit_its_table_is_found() {
    let scene = scene();
    let run = scene.first_run();
    let items: Vec<_> = (0..9).map(|id| item(id, &format!("d/{id}"))).collect();
    run.append(Queue::Items, items).unwrap();
    drop(run);
    scene.ledger.check_database().unwrap();
    let connection = Connection::open(path(&scene.temp)).unwrap();
    connection.pragma_update(None, "writable_schema", true).unwrap();
    let sql =
        "UPDATE sqlite_schema SET sql = replace(sql, '(directory, name)', '(directory, kind)')
               WHERE name = 'items_by_name' AND sql LIKE '%(directory, name)%'";
    assert_eq!(connection.execute(sql, ()).unwrap(), 1);
    drop(connection);
    let error = scene.again().check_database().unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("index items_by_name"), "{error}");
}

#[test]
fn a_ledger_that_cannot_be_written_is_read() {
    if surecopy_fs::is_privileged() {
        println!("skipped: the superuser may write everything");
        return;
    }
    let scene = scene();
    let job = scene.job();
    let file = path(&scene.temp);
    drop(scene.ledger);
    let directory = file.parent().unwrap();
    for (path, mode) in [(file.as_path(), 0o400), (directory, 0o500)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let ledger = Ledger::open_existing(&file).unwrap();
    let (jobs, begun) = (ledger.jobs(), ledger.begin_run(job, RunKind::Copy, 1).map(drop));
    let opened = Ledger::open(&file).map(drop);
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(jobs.unwrap().len(), 1);
    for error in [begun.unwrap_err(), opened.unwrap_err()] {
        assert!(matches!(error, LedgerError::ReadOnly { .. }), "{error:?}");
    }
}

#[test]
fn two_programs_write_at_once() {
    let scene = scene();
    let each = |ledger: &Ledger| {
        for round in 0..5 {
            let run = ledger.create_job(&spec()).unwrap().begin(round).unwrap();
            let items: Vec<_> = (0..60).map(|id| item(id, &format!("d/{id}"))).collect();
            run.append(Queue::Items, items.clone()).unwrap();
            run.record(planned(60)).unwrap();
            items.chunks(6).for_each(|group| copy(&run, group));
            run.finish(&all_ok(60)).unwrap();
        }
    };
    let other = scene.again();
    std::thread::scope(|scope| {
        scope.spawn(|| each(&other));
        each(&scene.ledger);
    });
    let jobs = scene.ledger.jobs().unwrap();
    assert_eq!(jobs.len(), 10);
    for job in jobs {
        assert_eq!(job.runs[0].sums.ok, 60);
        assert_eq!(scene.ledger.check_audit(job.id).unwrap().broken, None);
    }
    scene.ledger.check_database().unwrap();
}
