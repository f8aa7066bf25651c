//! A real file of every version that ever was is opened, brought up to date and read.
//!
//! The file of a version is made once, by the program that first writes it, and never again:
//! `unshare --uts sh -c 'hostname example && cargo test -p surecopy-ledger --test ledger -- \
//! --ignored writes_the_file_of_this_version'`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use surecopy_engine::{
    DoneItem, DoneItems, ErrorCode, Fact, History, ItemError, ItemStatus, Journal, Known, Outcome,
    Queue, WorkList,
};
use surecopy_fs::{LockTable, RelPath};
use surecopy_ledger::{DoneOrder, ItemState, JobId, JobState, Ledger, LedgerError, RunKind, Sums};
use tempfile::TempDir;

use crate::scene::{
    all_ok, copy, done, ended, item, planned, publication, rel, report, scene, spec,
};

fn stored(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("testdata/v{version}/ledger.db"))
}

/// The version that this program writes.
fn version() -> u32 {
    let scene = scene();
    let connection = Connection::open(scene.ledger.path()).unwrap();
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

fn odd() -> RelPath {
    RelPath::new(OsStr::from_bytes(b"caf\xe9")).unwrap()
}

/// A job that is finished, and one that was interrupted in the middle of everything.
fn fill(ledger: &Ledger) {
    let run = ledger.create_job(&spec()).unwrap().begin(1).unwrap();
    let mut items = [item(0, "a"), item(1, "deep/b")];
    items[1].path = odd();
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(2)).unwrap();
    copy(&run, &items);
    run.finish(&all_ok(2)).unwrap();

    let run = ledger.create_job(&spec()).unwrap().begin(2).unwrap();
    let mut items = [item(0, "ok"), item(1, "failed"), item(2, "flying"), item(3, "waiting")];
    items[2].path = odd();
    run.append(Queue::Items, items[..3].to_vec()).unwrap();
    run.append(Queue::FurtherNames, items[3..].to_vec()).unwrap();
    run.record(planned(4)).unwrap();
    run.claim(Queue::Items, 9).unwrap();
    copy(&run, &items[..1]);
    let error = ItemError::new(ErrorCode::SourceMissing, "/from/failed".into(), "it is gone");
    run.note(vec![ended(&items[1], ItemStatus::Error(error))]).unwrap();
    run.note(vec![Fact::DirectoryMade { mapping: 0, path: rel("in") }]).unwrap();
    run.record(vec![Fact::Publishing { items: vec![publication(&items[2])] }]).unwrap();
}

#[test]
#[ignore = "it writes into the sources, once for each version"]
fn writes_the_file_of_this_version() {
    let file = stored(version());
    assert!(!file.exists(), "what was released is never changed");
    let scene = scene();
    fill(&scene.ledger);
    let connection = Connection::open(scene.ledger.path()).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).unwrap();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, fs::read(scene.ledger.path()).unwrap()).unwrap();
}

#[test]
fn every_version_is_read() {
    for version in 1..=version() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("ledger.db");
        let content = fs::read(stored(version));
        fs::write(&file, content.unwrap_or_else(|error| panic!("version {version}: {error}")))
            .unwrap();
        let ledger = Ledger::open(&file).unwrap();
        ledger.check_database().unwrap();
        let jobs = ledger.jobs().unwrap();
        let states: Vec<_> = jobs.iter().map(|job| (job.id, job.state)).collect();
        let expected = [(JobId(1), JobState::Finished), (JobId(2), JobState::Interrupted)];
        assert_eq!(states, expected, "version {version}");
        for job in &jobs {
            assert_eq!(format!("{:?}", job.request), format!("{:?}", Ok::<_, ()>(spec())));
            assert_eq!(ledger.check_audit(job.id).unwrap().broken, None, "version {version}");
        }
        let failed = ledger.items(JobId(2), Some(ItemState::Failed), None, 9).unwrap();
        assert_eq!(failed.len(), 1);
        let run = ledger.begin_run(JobId(2), RunKind::Resume, 3).unwrap();
        let in_flight = run.in_flight();
        assert_eq!(in_flight.publications[0].publication.target, rel("in").join_path(&odd()));
        assert_eq!((&in_flight.nonces[..], in_flight.directories.len()), (&[2][..], 1));
        assert_eq!(run.unfinished_directories(), [(0, rel("in"))]);
        let done = done(&report(&item(0, "ok")));
        assert_eq!(run.known(0, &rel("ok")).unwrap(), Known::Done(done), "version {version}");
        assert!(matches!(run.known(0, &odd()).unwrap(), Known::Unfinished { .. }));
        run.record(planned(0)).unwrap();
        run.finish(&all_ok(0)).unwrap();
        assert_eq!(ledger.job(JobId(2)).unwrap().state, JobState::Finished);
        assert_eq!(rows_that_belong_to_nothing(&file), 0, "version {version}");
    }
}

fn rows_that_belong_to_nothing(file: &Path) -> u64 {
    let sql = "SELECT count(*) FROM pragma_foreign_key_check";
    Connection::open(file).unwrap().query_row(sql, (), |row| row.get(0)).unwrap()
}

fn opened(temp: &TempDir, version: u32) -> Ledger {
    let file = temp.path().join("ledger.db");
    fs::write(&file, fs::read(stored(version)).unwrap()).unwrap();
    Ledger::open(&file).unwrap()
}

fn items_done(ledger: &Ledger, job: JobId, order: DoneOrder) -> Vec<DoneItem> {
    let run = ledger.begin_run(job, RunKind::Verify, 9).unwrap();
    let done = run.done_items(order).unwrap().next_batch().unwrap();
    run.finish_as(Outcome::Finished, Sums::default()).unwrap();
    done
}

/// What an earlier version wrote down and what this one does, in one job.
#[test]
fn a_job_that_an_older_version_began_is_gone_on_with() {
    for version in 1..=version() {
        let temp = tempfile::tempdir().unwrap();
        let ledger = opened(&temp, version);
        let job = JobId(2);
        let run = ledger.begin_run(job, RunKind::Resume, 3).unwrap();
        // It was announced by the run that died, and is in place.
        let mut flying = item(2, "flying");
        flying.path = odd();
        let mut again = item(run.first_item().0, "failed");
        again.source.modified.nanos += 1;
        run.append(Queue::Items, vec![again.clone()]).unwrap();
        run.record(planned(2)).unwrap();
        run.record(vec![ended(&flying, ItemStatus::Ok)]).unwrap();
        copy(&run, std::slice::from_ref(&again));
        run.finish(&all_ok(2)).unwrap();
        assert_eq!(ledger.check_audit(job).unwrap().broken, None, "version {version}");
        let all = [item(0, "ok"), flying, again];
        for order in [DoneOrder::Standing, DoneOrder::Backward] {
            let mut found = items_done(&ledger, job, order);
            if order == DoneOrder::Backward {
                found.reverse();
            }
            assert_eq!(found.len(), 3, "version {version}");
            for (found, item) in found.iter().zip(&all) {
                let told = report(item);
                assert_eq!((found.item, &found.path), (item.id, &item.path));
                assert_eq!((Some(found.landed), &found.digest), (told.landed, &told.digest));
            }
        }
        let run = ledger.begin_run(job, RunKind::Resume, 4).unwrap();
        for item in all {
            let known = run.known(0, &item.path).unwrap();
            assert!(matches!(known, Known::Done(_)), "version {version}: {known:?}");
        }
        drop(run);
        // What is undone is told with its bytes.
        let run = ledger.begin_run(job, RunKind::Undo, 5).unwrap();
        run.note([0, 2].map(|id| Fact::Undone { item: item(id, "").id }).to_vec()).unwrap();
        run.finish_as(Outcome::Cancelled, Sums::default()).unwrap();
        let record = ledger.job(job).unwrap();
        assert_eq!((record.undone, record.undone_bytes), (2, 2 * 4_096), "version {version}");
    }
}

#[test]
fn what_an_older_version_has_copied_is_known_to_later_jobs() {
    for version in 1..=version() {
        let temp = tempfile::tempdir().unwrap();
        let ledger = opened(&temp, version);
        let run = ledger.create_job(&spec()).unwrap().begin(5).unwrap();
        let mut changed = item(1, "ok");
        changed.source.size_bytes += 1;
        run.append(Queue::Items, vec![item(0, "a"), changed]).unwrap();
        run.record(planned(2)).unwrap();
        let claimed = run.claim(Queue::Items, 9).unwrap();
        let known: Vec<_> = claimed.into_iter().map(|item| item.known_digest).collect();
        assert_eq!(known, [report(&item(0, "a")).digest, None], "version {version}");
    }
}

#[test]
fn an_older_ledger_stays_as_it_is_while_somebody_is_at_work() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("ledger.db");
    fs::write(&file, fs::read(stored(1)).unwrap()).unwrap();
    let version = || -> u32 {
        let connection = Connection::open(&file).unwrap();
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    };
    let locks = LockTable::open(&temp.path().join("ledger.db.lock")).unwrap();
    let at_work = locks.try_lock(2).unwrap().unwrap();
    for open in [Ledger::open, Ledger::open_existing] {
        let error = open(&file).unwrap_err();
        assert!(matches!(error, LedgerError::InUse { job: JobId(2), .. }), "{error:?}");
        assert_eq!(version(), 1);
    }
    drop(at_work);
    let ledger = Ledger::open(&file).unwrap();
    assert!(version() > 1);
    // A program that does not know what has become of it since writes nothing new.
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = ledger.create_job(&spec()).unwrap_err();
    assert!(matches!(error, LedgerError::Newer { found: 99, .. }), "{error:?}");
}
