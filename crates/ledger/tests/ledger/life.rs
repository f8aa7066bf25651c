//! The life of a job: asked for, planned, carried out, interrupted, resumed, finished.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use surecopy_engine::{
    Fact, History, ItemStatus, Journal, Known, Outcome, Queue, Recording, WorkList,
};
use surecopy_ledger::{JobRun, JobState, LedgerError, RunKind, Sums};

use crate::scene::{all_ok, copy, ended, item, path, planned, publication, rel, scene};

#[test]
fn a_job_that_comes_to_its_end() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    assert!(run.is_first());
    let items = [item(0, "a"), item(1, "deep/b"), item(2, "deep/c")];
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(3)).unwrap();
    assert_eq!((run.rest().items, run.rest().bytes), (3, 3 * 4_096));
    assert_eq!(scene.again().job(job).unwrap().state, JobState::Running);
    assert_eq!(run.claim(Queue::Items, 2).unwrap(), items[..2]);
    assert_eq!(run.rest().items, 1);
    assert_eq!(run.claim(Queue::Items, 2).unwrap(), items[2..]);
    assert!(run.claim(Queue::Items, 2).unwrap().is_empty());
    assert!(run.claim(Queue::FurtherNames, 2).unwrap().is_empty());
    copy(&run, &items);
    run.finish(&all_ok(3)).unwrap();
    let record = scene.ledger.job(job).unwrap();
    assert_eq!((record.state, record.is_running), (JobState::Finished, false));
    assert_eq!(record.runs.len(), 1);
    let run = &record.runs[0];
    assert_eq!((run.run, run.kind, run.nonce, run.sums.ok), (1, RunKind::Copy, 7, 3));
    assert_eq!(run.outcome.as_deref(), Some("finished"));
    assert_eq!(run.planned.map(|planned| planned.items), Some(3));
    assert!(scene.ledger.latest_to_resume().unwrap().is_none());
}

#[test]
fn a_job_that_was_interrupted_is_known_as_such_and_goes_on() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    let items = [item(0, "a"), item(1, "deep/b"), item(2, "deep/c"), item(3, "never")];
    run.append(Queue::Items, items[..3].to_vec()).unwrap();
    run.append(Queue::FurtherNames, items[3..].to_vec()).unwrap();
    run.record(planned(4)).unwrap();
    run.claim(Queue::Items, 3).unwrap();
    copy(&run, &items[..1]);
    run.record(vec![Fact::Publishing { items: vec![publication(&items[1])] }]).unwrap();
    assert!(scene.again().job(job).unwrap().is_running);
    drop(run);
    let record = scene.ledger.latest_to_resume().unwrap().unwrap();
    assert_eq!((record.id, record.state), (job, JobState::Interrupted));

    let run = scene.resume(job);
    assert_eq!((run.run(), run.is_first(), run.first_item().0), (2, false, 4));
    let in_flight = run.in_flight();
    assert_eq!(in_flight.nonces, [7]);
    assert_eq!(in_flight.directories, [(0, rel("in/deep"))]);
    assert_eq!(in_flight.publications.len(), 1);
    assert_eq!(in_flight.publications[0].publication, publication(&items[1]));
    assert!(matches!(run.known(0, &rel("a")).unwrap(), Known::Done(_)));
    for path in ["deep/c", "never"] {
        let unfinished = Known::Unfinished { target_name: None };
        assert_eq!(run.known(0, &rel(path)).unwrap(), unfinished, "{path}");
    }
    assert_eq!(run.roots().len(), 1);
    // What was published is found to be so.
    run.record(vec![ended(&items[1], ItemStatus::Ok)]).unwrap();
    run.record(vec![Fact::Settled { items: vec![items[1].id] }]).unwrap();
    run.append(Queue::Items, vec![item(4, "deep/c")]).unwrap();
    run.record(planned(1)).unwrap();
    assert_eq!(run.claim(Queue::Items, 9).unwrap(), [item(4, "deep/c")]);
    copy(&run, &[item(4, "deep/c")]);
    run.finish(&all_ok(1)).unwrap();
    assert_eq!(scene.ledger.job(job).unwrap().state, JobState::Finished);

    let run = scene.resume(job);
    assert!(run.is_finished());
    assert!(run.in_flight().publications.is_empty() && run.in_flight().nonces.is_empty());
    for path in ["a", "deep/b", "deep/c"] {
        assert!(matches!(run.known(0, &rel(path)).unwrap(), Known::Done(_)), "{path}");
    }
}

#[test]
fn a_job_that_left_directories_unfinished_is_not_at_its_end() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    run.record(planned(0)).unwrap();
    run.note(vec![Fact::DirectoryMade { mapping: 0, path: rel("made") }]).unwrap();
    let left = Sums { unfinished_directories: 1, ..Sums::default() };
    run.finish_as(Outcome::Finished, left).unwrap();
    let run = scene.resume(job);
    assert!(!run.is_finished());
    assert_eq!(run.unfinished_directories(), [(0, rel("made"))]);
    run.record(planned(0)).unwrap();
    run.finish(&all_ok(0)).unwrap();
    let run = scene.resume(job);
    assert!(run.is_finished() && run.unfinished_directories().is_empty());
}

#[test]
fn the_latest_that_was_interrupted_is_gone_on_with_before_one_that_was_ended() {
    let scene = scene();
    let latest = || scene.ledger.latest_to_resume().unwrap().map(|job| job.id);
    let end = |run: JobRun, outcome| {
        let job = run.job();
        run.finish_as(outcome, Sums::default()).unwrap();
        job
    };
    end(scene.first_run(), Outcome::Finished);
    assert_eq!(latest(), None);
    let cancelled = end(scene.first_run(), Outcome::Cancelled);
    assert_eq!(latest(), Some(cancelled));
    let stopped = end(scene.first_run(), Outcome::StoppedAtFailure);
    end(scene.first_run(), Outcome::Refused);
    assert_eq!(latest(), Some(stopped));
    let interrupted = scene.first_run().job();
    end(scene.first_run(), Outcome::Cancelled);
    assert_eq!(latest(), Some(interrupted));
    let _at_work = scene.resume(interrupted);
    assert_eq!(latest().map(|job| job.0), Some(interrupted.0 + 1));
}

#[test]
fn two_runs_of_one_job_are_refused() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    for ledger in [&scene.ledger, &scene.again()] {
        match ledger.begin_run(job, RunKind::Resume, 1).unwrap_err() {
            LedgerError::JobIsRunning { job: named, pid, .. } => {
                assert_eq!((named, pid), (job, std::process::id()));
            }
            other => panic!("{other}"),
        }
    }
    drop(run);
    scene.resume(job);
}

fn is_over(recording: &mut dyn Recording) -> bool {
    let begun = Instant::now();
    while !recording.is_over() && begun.elapsed() < Duration::from_secs(60) {
        std::thread::yield_now();
    }
    recording.is_over()
}

#[test]
fn what_is_begun_to_be_recorded_is_durable_when_that_is_over() {
    let scene = scene();
    let run = scene.first_run();
    let one = item(0, "a");
    run.append(Queue::Items, vec![one.clone()]).unwrap();
    run.record(planned(1)).unwrap();
    let records = || scene.again().job(run.job()).unwrap().audit_records;
    let before = records();
    let other = Connection::open(path(&scene.temp)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let publishing = Fact::Publishing { items: vec![publication(&one)] };
    let mut recording = run.begin_record(vec![publishing]);
    // Nobody can write now, and whoever asks does not wait for that.
    assert!(!recording.is_over());
    other.execute_batch("ROLLBACK").unwrap();
    assert!(is_over(&mut *recording));
    assert_eq!(records(), before + 1);
    recording.wait().unwrap();
    // One that is only waited for.
    run.begin_record(vec![ended(&one, ItemStatus::Ok)]).wait().unwrap();
    assert_eq!(records(), before + 2);
    // An item ends once.
    let mut failing = run.begin_record(vec![ended(&one, ItemStatus::Cancelled)]);
    assert!(is_over(&mut *failing));
    assert!(failing.wait().is_err());
    assert!(run.begin_record(Vec::new()).is_over());
    assert!(run.begin_record(Vec::new()).wait().is_err());
}

#[test]
fn an_item_ends_once() {
    let scene = scene();
    let run = scene.first_run();
    let one = item(0, "a");
    run.append(Queue::Items, vec![one.clone()]).unwrap();
    copy(&run, std::slice::from_ref(&one));
    assert!(run.record(vec![ended(&one, ItemStatus::Cancelled)]).is_err());
    // What failed once is not used again.
    assert!(run.record(Vec::new()).is_err());
    assert!(run.note(planned(1)).is_err());
    assert!(run.append(Queue::Items, vec![item(1, "b")]).is_err());
    assert!(run.finish(&all_ok(1)).is_err());
    assert_eq!(scene.ledger.jobs().unwrap()[0].state, JobState::Interrupted);
}
