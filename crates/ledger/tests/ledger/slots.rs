//! One run of a job at a time, and what is said of it to whoever wants to begin another.

use std::fs;
use std::sync::Barrier;

use rusqlite::Connection;
use surecopy_engine::{Fact, Journal, Queue, WorkList};
use surecopy_fs::LockTable;
use surecopy_ledger::{JobId, JobRun, JobState, LedgerError, RunKind};

use crate::scene::{Scene, all_ok, copy, item, path, planned, scene, spec};

/// A process that cannot be: the largest number that Linux gives is smaller.
const DEAD: u32 = 5_000_000;

/// A job whose last run was that of a process that has died.
fn died(scene: &Scene) -> JobId {
    let job = scene.first_run().job();
    let connection = Connection::open(path(&scene.temp)).unwrap();
    assert_eq!(connection.execute("UPDATE runs SET pid = ?", (DEAD,)).unwrap(), 1);
    job
}

#[test]
fn a_new_job_is_not_for_others_to_resume() {
    let scene = scene();
    let other = scene.again();
    let new = scene.ledger.create_job(&spec()).unwrap();
    let job = new.id();
    let seen = other.job(job).unwrap();
    assert_eq!((seen.state, seen.is_running), (JobState::Created, true));
    assert!(other.latest_to_resume().unwrap().is_none());
    let refused = other.begin_run(job, RunKind::Resume, 8).unwrap_err();
    assert_eq!(refused, LedgerError::JobIsBeginning { job });
    let run = new.begin(7).unwrap();
    assert_eq!((run.job(), run.run(), run.kind()), (job, 1, RunKind::Copy));
    drop(run);
    assert_eq!(other.latest_to_resume().unwrap().unwrap().id, job);
    // Given up before it has begun, it is there for everybody.
    let given_up = scene.ledger.create_job(&spec()).unwrap().id();
    assert_eq!(other.latest_to_resume().unwrap().unwrap().id, given_up);
    scene.resume(given_up);
}

/// From the moment on at which others can see it.
#[test]
fn a_new_job_never_looks_interrupted() {
    const JOBS: i64 = 300;
    let scene = scene();
    let other = scene.again();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..JOBS {
                let run = scene.ledger.create_job(&spec()).unwrap().begin(7).unwrap();
                run.record(planned(0)).unwrap();
                run.finish(&all_ok(0)).unwrap();
            }
        });
        let mut job = JobId(1);
        while job.0 <= JOBS {
            match other.job(job) {
                Ok(record) if record.state == JobState::Finished => job.0 += 1,
                Ok(record) => assert_ne!(record.state, JobState::Interrupted, "job {job}"),
                Err(error) => assert_eq!(error, LedgerError::NoSuchJob { job }),
            }
        }
    });
}

#[test]
fn a_process_that_has_died_is_not_named() {
    let scene = scene();
    for job in [scene.job(), died(&scene)] {
        let locks = LockTable::open(&path(&scene.temp).with_file_name("ledger.db.lock")).unwrap();
        let _beginning = locks.try_lock(job.0.try_into().unwrap()).unwrap().unwrap();
        let refused = scene.ledger.begin_run(job, RunKind::Resume, 8).unwrap_err();
        assert_eq!(refused, LedgerError::JobIsBeginning { job });
        let said = refused.to_string();
        assert!(said.starts_with(&format!("job {job} is running already: ")), "{said}");
    }
}

/// Whoever is second is told who was first, though that has not written down who it is when the
/// second one asks.
#[test]
fn of_two_that_begin_at_once_the_one_that_did_is_named() {
    for _ in 0..20 {
        let scene = scene();
        let job = died(&scene);
        let ledgers = [scene.again(), scene.again()];
        let both = Barrier::new(2);
        let runs = std::thread::scope(|scope| {
            let begun = ledgers.each_ref().map(|ledger| {
                let both = &both;
                scope.spawn(move || {
                    both.wait();
                    ledger.begin_run(job, RunKind::Resume, 8)
                })
            });
            begun.map(|run| run.join().unwrap())
        });
        let (begun, refused): (Vec<_>, Vec<_>) = runs.into_iter().partition(Result::is_ok);
        assert_eq!((begun.len(), refused.len()), (1, 1));
        match refused.into_iter().next().unwrap().unwrap_err() {
            LedgerError::JobIsRunning { pid, .. } => assert_eq!(pid, std::process::id()),
            // On a machine that is that slow.
            other => assert_eq!(other, LedgerError::JobIsBeginning { job }),
        }
    }
}

/// The lock file is removed, so that a second run begins while the first is at work. Whatever that
/// writes next, even if it is nothing that belongs into the audit log, it does not.
#[test]
fn a_run_whose_job_was_taken_over_writes_nothing_any_more() {
    type Write = fn(&JobRun) -> bool;
    let writes: [(&str, Write); 5] = [
        ("settled", |run| run.record(vec![Fact::Settled { items: vec![item(0, "a").id] }]).is_ok()),
        ("nothing", |run| run.record(Vec::new()).is_ok()),
        ("planned", |run| run.record(planned(1)).is_ok()),
        ("claimed", |run| {
            run.append(Queue::FurtherNames, vec![item(9, "z")]).unwrap();
            run.claim(Queue::FurtherNames, 1).is_ok()
        }),
        ("noted", |run| {
            run.note(vec![Fact::Settled { items: Vec::new() }]).unwrap();
            run.append(Queue::Items, vec![item(9, "z")]).unwrap();
            run.record(Vec::new()).is_ok()
        }),
    ];
    for (name, write) in writes {
        let scene = scene();
        let first = scene.first_run();
        first.append(Queue::Items, vec![item(0, "a"), item(1, "b")]).unwrap();
        copy(&first, &[item(0, "a")]);
        fs::remove_file(path(&scene.temp).with_file_name("ledger.db.lock")).unwrap();
        let other = scene.again();
        let second = other.begin_run(first.job(), RunKind::Resume, 8).unwrap();
        let before = format!("{:?}", other.items(first.job(), None, None, 10).unwrap());
        assert!(!write(&first), "{name}");
        let error = first.finish(&all_ok(2)).unwrap_err();
        assert_eq!(error, LedgerError::TakenOver { job: second.job() }, "{name}");
        assert!(error.to_string().contains("lock file"), "{error}");
        let items = other.items(second.job(), None, None, 10).unwrap();
        assert_eq!(format!("{items:?}"), before, "{name}");
        second.append(Queue::Items, vec![item(2, "b")]).unwrap();
        second.record(planned(1)).unwrap();
        copy(&second, &[item(2, "b")]);
        let job = second.job();
        second.finish(&all_ok(1)).unwrap();
        assert_eq!(other.check_audit(job).unwrap().broken, None, "{name}");
        assert_eq!(other.job(job).unwrap().state, JobState::Finished, "{name}");
    }
}
