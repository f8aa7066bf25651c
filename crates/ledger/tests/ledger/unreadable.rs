//! A record of the audit log that cannot be read is told by whoever needs it. Nobody else minds.

use rusqlite::Connection;
use surecopy_engine::{DoneItems, Fact, History, Journal, Outcome, PlannedItem, Queue, WorkList};
use surecopy_ledger::{AuditBreak, DoneOrder, JobId, JobState, LedgerError, RunKind, Sums};

use crate::scene::{Scene, all_ok, copy, item, path, planned, publication, rel, scene};

/// The record that announces what the first run of a job copies.
const PUBLISHING: u64 = 6;

/// A job of three items that were copied.
fn copied(scene: &Scene) -> JobId {
    let run = scene.first_run();
    let items = [item(0, "a"), item(1, "b"), item(2, "c")];
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(3)).unwrap();
    copy(&run, &items);
    let job = run.job();
    run.finish(&all_ok(3)).unwrap();
    job
}

/// Makes what a job announced unreadable.
fn damage(scene: &Scene, job: JobId) {
    let connection = Connection::open(path(&scene.temp)).unwrap();
    connection.execute("DROP TRIGGER IF EXISTS audit_is_never_changed", ()).unwrap();
    let sql = "UPDATE audit SET body = replace(body, '\"items\":[', '\"jtems\":[')
               WHERE job = ? AND record = ? AND body LIKE '%\"publishing\"%'";
    assert_eq!(connection.execute(sql, (job.0, PUBLISHING)).unwrap(), 1);
}

fn assert_names(message: &str, job: JobId) {
    let start = format!("record {PUBLISHING} of the audit log of job {job} cannot be read (");
    assert!(message.starts_with(&start), "{message}");
    assert!(message.contains(&format!("`surecopy audit {job} --check`")), "{message}");
    assert!(!message.contains("aside"), "{message}");
}

#[test]
fn that_of_another_job_tells_no_digest_and_stops_nobody() {
    let scene = scene();
    let readable = copied(&scene);
    let known = |items: &[PlannedItem]| {
        let run = scene.first_run();
        run.append(Queue::Items, items.to_vec()).unwrap();
        run.record(planned(items.len() as u64)).unwrap();
        let claimed = run.claim(Queue::Items, 9).unwrap();
        copy(&run, &claimed);
        let job = run.job();
        run.finish(&all_ok(items.len() as u64)).unwrap();
        let digests: Vec<_> = claimed.into_iter().map(|item| item.known_digest).collect();
        (job, digests)
    };
    let items = [item(0, "a"), item(1, "b"), item(2, "c")];
    let (later, digests) = known(&items);
    assert!(digests.iter().all(Option::is_some), "{digests:?}");
    // The one before tells as much.
    damage(&scene, later);
    assert_eq!(known(&items[..2]).1, digests[..2]);
    damage(&scene, readable);
    assert_eq!(known(&items[2..]).1, [None]);
}

#[test]
fn jobs_are_listed_and_one_that_cannot_be_judged_is_kept() {
    let scene = scene();
    let other = copied(&scene);
    let job = copied(&scene);
    let run = scene.ledger.begin_run(job, RunKind::Undo, 8).unwrap();
    run.note([0, 1, 2].map(|id| Fact::Undone { item: item(id, "").id }).to_vec()).unwrap();
    run.finish_as(Outcome::Finished, Sums { ok: 3, ..Sums::default() }).unwrap();
    let later = i64::MAX;
    assert_eq!(scene.ledger.prunable(later).unwrap(), [other, job]);
    damage(&scene, job);
    let jobs = scene.ledger.jobs().unwrap();
    assert_eq!(jobs.len(), 2);
    let record = &jobs[1];
    assert_eq!((record.state, record.unreadable_record), (JobState::Undone, Some(PUBLISHING)));
    assert_eq!((record.undone, record.undone_bytes), (3, 3 * 4_096));
    assert_eq!(jobs[0].unreadable_record, None);
    assert!(scene.ledger.latest_to_resume().unwrap().is_none());
    assert_eq!(scene.ledger.prunable(later).unwrap(), [other]);
    assert_eq!(scene.ledger.prune(later).unwrap(), [other]);
    assert_eq!(scene.ledger.jobs().unwrap().len(), 1);
}

#[test]
fn who_needs_it_names_it() {
    let scene = scene();
    let job = copied(&scene);
    damage(&scene, job);
    let broken = scene.ledger.check_audit(job).unwrap().broken;
    assert_eq!(broken, Some(AuditBreak::Altered { record: PUBLISHING }));
    let error = scene.ledger.items(job, None, None, 9).unwrap_err();
    assert!(matches!(error, LedgerError::DamagedRecord { .. }), "{error:?}");
    assert_names(&error.to_string(), job);
    let run = scene.resume(job);
    assert_names(&run.known(0, &rel("a")).unwrap_err().message, job);
    let done = run.done_items(DoneOrder::Standing).unwrap().next_batch();
    assert_names(&done.unwrap_err().message, job);
}

#[test]
fn what_is_in_flight_is_not_gone_on_with_unless_it_can_be_read() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    let items = [item(0, "a")];
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(1)).unwrap();
    run.record(vec![Fact::Publishing { items: vec![publication(&items[0])] }]).unwrap();
    drop(run);
    damage(&scene, job);
    let error = scene.ledger.begin_run(job, RunKind::Resume, 8).unwrap_err();
    assert!(matches!(error, LedgerError::DamagedRecord { .. }), "{error:?}");
    assert_names(&error.to_string(), job);
}
