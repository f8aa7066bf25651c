//! Items that failed after they were announced, and may be published all the same.

use rusqlite::Connection;
use surecopy_engine::{
    Action, DoneItems, ErrorCode, Fact, History, ItemError, ItemId, ItemStatus, Journal, Known,
    Outcome, PlannedItem, Queue, RecordedEnd, WorkList,
};
use surecopy_ledger::{AuditBreak, DoneOrder, ItemState, JobId, RunKind, Sums};

use crate::scene::{
    Scene, all_ok, copy, ended, item, path, planned, publication, rel, report, scene, seen,
};

fn replacing(id: u64, path: &str) -> PlannedItem {
    PlannedItem { action: Action::Replace(seen(50 + id, 4_096)), ..item(id, path) }
}

/// A fact of an end as it was announced.
fn well(item: &PlannedItem) -> Fact {
    Fact::Ended { item: item.id, report: Box::new(announced(item)) }
}

fn announced(item: &PlannedItem) -> surecopy_engine::ItemReport {
    let mut report = report(item);
    report.backup = Some(report.target.with_file_name(publication(item).backup));
    report.landed.as_mut().unwrap().replaced = Some(seen(50 + item.id.0, 4_096));
    report
}

/// The disk of a job was lost when these were published.
fn lost(scene: &Scene, items: &[PlannedItem]) -> JobId {
    let run = scene.first_run();
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(items.len() as u64)).unwrap();
    let publications = items.iter().map(|item| {
        let mut publication = publication(item);
        publication.report = Box::new(announced(item));
        publication
    });
    run.record(vec![Fact::Publishing { items: publications.collect() }]).unwrap();
    let error = || ItemError::new(ErrorCode::DurabilityUnknown, "/to/in/a".into(), "not flushed");
    let [failed, cancelled] = [ItemStatus::Error(error()), ItemStatus::Cancelled];
    for (item, status) in items.iter().zip([failed, cancelled].iter().cycle()) {
        run.record(vec![ended(item, status.clone())]).unwrap();
    }
    let job = run.job();
    let mut report = all_ok(0);
    report.tally.failed = items.len() as u64;
    run.finish(&report).unwrap();
    job
}

fn ends(run: &surecopy_ledger::JobRun) -> Vec<(ItemId, RecordedEnd)> {
    let left = run.in_flight().publications.iter();
    left.map(|left| (left.publication.item, left.end)).collect()
}

fn states(scene: &Scene, job: JobId) -> Vec<String> {
    let sql = "SELECT state FROM ends WHERE job = ? ORDER BY item";
    let connection = Connection::open(path(&scene.temp)).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map((job.0,), |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn row_12_what_has_failed_may_be_found_to_be_published() {
    let scene = scene();
    let items = [replacing(0, "a"), replacing(1, "b")];
    let job = lost(&scene, &items);
    assert_eq!(states(&scene, job), ["failed", "cancelled"]);
    let run = scene.resume(job);
    assert_eq!(ends(&run), items.clone().map(|item| (item.id, RecordedEnd::InDoubt)));
    run.record(items.iter().map(well).collect()).unwrap();
    assert_eq!(scene.ledger.check_audit(job).unwrap().broken, None, "in the middle");
    assert!(matches!(run.known(0, &rel("a")).unwrap(), Known::Done(_)));
    // Once.
    let error = run.record(vec![well(&items[0])]).unwrap_err();
    assert!(error.message.contains("item 0 has ended already"), "{error}");
    drop(run);
    assert_eq!(scene.ledger.check_audit(job).unwrap().broken, None);
    assert_eq!(states(&scene, job), [ItemState::Ok; 2].map(ItemState::as_str));
    // What they replaced may be there still.
    let run = scene.resume(job);
    assert_eq!(ends(&run), items.clone().map(|item| (item.id, RecordedEnd::Ok)));
    run.note(vec![Fact::Settled { items: items.map(|item| item.id).to_vec() }]).unwrap();
    run.record(planned(0)).unwrap();
    run.finish(&all_ok(0)).unwrap();
    assert!(ends(&scene.resume(job)).is_empty());
}

#[test]
fn what_the_log_does_not_tell_is_not_believed_of_what_has_failed() {
    let scene = scene();
    let job = lost(&scene, &[replacing(0, "a"), replacing(1, "b")]);
    let connection = Connection::open(path(&scene.temp)).unwrap();
    let sql = "UPDATE ends SET state = 'ok', position = 0, digest_algorithm = 'blake3',
                   record = (SELECT record FROM publications)
               WHERE item = 0";
    connection.execute(sql, ()).unwrap();
    let broken = scene.ledger.check_audit(job).unwrap().broken;
    assert!(matches!(broken, Some(AuditBreak::End { item: 0, .. })), "{broken:?}");
}

#[test]
fn what_failed_and_was_copied_later_is_needed_no_more() {
    let scene = scene();
    let job = lost(&scene, &[replacing(0, "a"), replacing(1, "b")]);
    let run = scene.resume(job);
    let again = item(2, "a");
    run.append(Queue::Items, vec![again.clone()]).unwrap();
    run.record(planned(1)).unwrap();
    copy(&run, &[again]);
    run.finish(&all_ok(1)).unwrap();
    let expected = [(ItemId(0), RecordedEnd::Ok), (ItemId(1), RecordedEnd::InDoubt)];
    assert_eq!(ends(&scene.resume(job)), expected);
}

/// What is found to be published while the job is undone can be put back, though it was not to be kept.
#[test]
fn row_12_what_was_replaced_when_the_disk_was_lost_can_be_put_back() {
    let scene = scene();
    let items = [replacing(0, "a")];
    let job = lost(&scene, &items);
    let run = scene.ledger.begin_run(job, RunKind::Undo, 8).unwrap();
    run.record(vec![well(&items[0])]).unwrap();
    let done = run.done_items(DoneOrder::Backward).unwrap().next_batch().unwrap();
    let [done] = done.as_slice() else { panic!("{done:?}") };
    assert_eq!(done.kept, Some(publication(&items[0]).backup));
    assert_eq!(scene.ledger.check_audit(job).unwrap().broken, None);
    run.record(vec![Fact::Undone { item: done.item }]).unwrap();
    assert_eq!(ends(&run), [(items[0].id, RecordedEnd::InDoubt)], "as it was when the run began");
    run.note(vec![Fact::Settled { items: vec![done.item] }]).unwrap();
    run.finish_as(Outcome::Finished, Sums::default()).unwrap();
    assert_eq!(scene.ledger.check_audit(job).unwrap().broken, None);
    assert!(ends(&scene.resume(job)).is_empty());
}

/// Whoever looks for the reason begins there.
#[test]
fn the_first_item_that_differs_from_the_log_is_told() {
    let scene = scene();
    let job = lost(&scene, &[replacing(0, "a"), replacing(1, "b"), replacing(2, "c")]);
    let connection = Connection::open(path(&scene.temp)).unwrap();
    let sql = "SELECT record FROM ends ORDER BY item LIMIT 1";
    let first: u64 = connection.query_row(sql, (), |row| row.get(0)).unwrap();
    // A record that was there before it was announced tells of no item.
    let changes = [
        "UPDATE ends SET record = 1 WHERE item = 0",
        "UPDATE ends SET state = 'skipped' WHERE item = 1",
    ];
    connection.execute_batch(&changes.join(";")).unwrap();
    let broken = scene.ledger.check_audit(job).unwrap().broken;
    assert_eq!(broken, Some(AuditBreak::End { item: 0, record: first }));
}

/// What was announced first may have been published, and not been taken back for good when the power went.
#[test]
fn what_is_tried_again_is_in_flight_as_often_as_it_was_announced() {
    for ends_as in [0, 1] {
        let scene = scene();
        let run = scene.first_run();
        let item = replacing(0, "a");
        run.append(Queue::Items, vec![item.clone()]).unwrap();
        run.record(planned(1)).unwrap();
        let attempts = [4, 5].map(|number| {
            let mut publication = publication(&item);
            publication.backup = format!("backup {number}").into();
            publication.report = Box::new(announced(&item));
            publication.report.landed.as_mut().unwrap().target = seen(number, 4_096);
            publication
        });
        for attempt in &attempts {
            run.record(vec![Fact::Publishing { items: vec![attempt.clone()] }]).unwrap();
        }
        let job = run.job();
        drop(run);
        let run = scene.resume(job);
        let left = run.in_flight().publications.iter();
        let left: Vec<_> = left.map(|left| (left.publication.backup.clone(), left.end)).collect();
        let expected = attempts.clone().map(|attempt| (attempt.backup, RecordedEnd::None));
        assert_eq!(left, expected);
        // Either may be found to be published, and then the item has ended.
        let [end, again] = [(); 2]
            .map(|()| Fact::Ended { item: item.id, report: attempts[ends_as].report.clone() });
        run.record(vec![end]).unwrap();
        assert!(run.record(vec![again]).is_err(), "it ends twice");
        drop(run);
        let run = scene.resume(job);
        assert_eq!(ends(&run), [(item.id, RecordedEnd::Ok); 2]);
        run.note(vec![Fact::Settled { items: vec![item.id] }]).unwrap();
        run.record(planned(0)).unwrap();
        run.finish(&all_ok(0)).unwrap();
        assert!(ends(&scene.resume(job)).is_empty());
        assert_eq!(scene.ledger.check_audit(job).unwrap().broken, None);
    }
}

/// Nobody would know any more of what is left.
#[test]
fn a_job_of_which_something_is_left_is_not_forgotten() {
    let scene = scene();
    let job = lost(&scene, &[replacing(0, "a")]);
    let run = scene.resume(job);
    run.record(planned(0)).unwrap();
    run.finish(&all_ok(0)).unwrap();
    assert!(scene.ledger.prune(i64::MAX).unwrap().is_empty());
    let run = scene.resume(job);
    run.note(vec![Fact::Settled { items: vec![ItemId(0)] }]).unwrap();
    run.record(planned(0)).unwrap();
    run.finish(&all_ok(0)).unwrap();
    assert_eq!(scene.ledger.prune(i64::MAX).unwrap().len(), 1);
}
