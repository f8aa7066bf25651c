//! What later commands ask of a job: what is done, what is kept, what failed, what may be forgotten.

use surecopy_engine::{
    Action, BATCH, DoneItems, ErrorCode, Fact, ItemError, ItemStatus, Journal, Outcome,
    PlannedItem, Queue, WorkList,
};
use surecopy_ledger::{DoneOrder, JobRun, JobState, RunKind, Sums};

use crate::scene::{all_ok, copy, digest, ended, item, planned, rel, report, scene, seen, spec};

fn numbers(run: &JobRun, order: DoneOrder) -> Vec<u64> {
    let mut items = run.done_items(order).unwrap();
    let mut numbers = Vec::new();
    loop {
        let batch = items.next_batch().unwrap();
        assert!(batch.len() <= BATCH);
        if batch.is_empty() {
            return numbers;
        }
        numbers.extend(batch.iter().map(|item| item.item.0));
    }
}

#[test]
fn what_was_copied_twice_stands_once_and_is_undone_twice() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    let items: Vec<PlannedItem> = (0..1_500).map(|id| item(id, &format!("d/{id}"))).collect();
    run.append(Queue::Items, items.clone()).unwrap();
    run.record(planned(1_500)).unwrap();
    copy(&run, &items);
    run.finish(&all_ok(1_500)).unwrap();
    let run = scene.resume(job);
    run.append(Queue::Items, vec![item(1_500, "d/3")]).unwrap();
    run.record(planned(1)).unwrap();
    copy(&run, &[item(1_500, "d/3")]);
    run.finish(&all_ok(1)).unwrap();
    let run = scene.ledger.begin_run(job, RunKind::Verify, 9).unwrap();
    let standing: Vec<u64> = (0..=1_500).filter(|id| *id != 3).collect();
    assert_eq!(numbers(&run, DoneOrder::Standing), standing);
    assert_eq!(numbers(&run, DoneOrder::Backward), (0..=1_500).rev().collect::<Vec<_>>());
    assert_eq!(numbers(&run, DoneOrder::Kept), [0; 0]);
    let first = run.done_items(DoneOrder::Standing).unwrap().next_batch().unwrap().remove(0);
    assert_eq!((first.path, first.digest), (rel("d/0"), report(&items[0]).digest));
    run.finish_as(Outcome::Finished, Sums::default()).unwrap();
    assert_eq!(scene.ledger.job(job).unwrap().state, JobState::Finished);
}

/// More than a batch of them in a row.
#[test]
fn what_is_not_known_again_does_not_end_what_is_handed_on() {
    let scene = scene();
    let run = scene.first_run();
    let count = BATCH as u64 + 2;
    let items: Vec<PlannedItem> = (0..count).map(|id| item(id, &format!("d/{id}"))).collect();
    run.append(Queue::Items, items.clone()).unwrap();
    run.record(planned(count)).unwrap();
    let ended = |item: &PlannedItem| {
        let mut report = report(item);
        report.landed = report.landed.filter(|_| item.id.0 + 1 == count);
        Fact::Ended { item: item.id, report: Box::new(report) }
    };
    run.record(items.iter().map(ended).collect()).unwrap();
    let job = run.job();
    run.finish(&all_ok(count)).unwrap();
    let run = scene.ledger.begin_run(job, RunKind::Verify, 9).unwrap();
    assert_eq!(numbers(&run, DoneOrder::Standing), [count - 1]);
    assert_eq!(numbers(&run, DoneOrder::Backward), [count - 1]);
}

#[test]
fn what_is_kept_keeps_its_job_until_it_is_undone_or_discarded() {
    let scene = scene();
    let mut request = spec();
    request.keep_replaced = true;
    let run = scene.ledger.create_job(&request).unwrap().begin(7).unwrap();
    let job = run.job();
    let old = seen(5, 4_096);
    let mut items = [item(0, "a"), item(1, "b"), item(2, "c")];
    items.iter_mut().for_each(|item| item.action = Action::Replace(old));
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(3)).unwrap();
    let kept = |item: &PlannedItem| {
        let mut report = report(item);
        report.landed.as_mut().unwrap().replaced = Some(old);
        report.backup = Some(report.target.with_file_name(format!("{}.backup", item.id.0)));
        Fact::Ended { item: item.id, report: Box::new(report) }
    };
    run.record(items.iter().map(kept).collect()).unwrap();
    run.note(vec![Fact::DirectoryMade { mapping: 0, path: rel("in") }]).unwrap();
    run.note(vec![Fact::DirectoryMade { mapping: 0, path: rel("in/deep") }]).unwrap();
    run.finish(&all_ok(3)).unwrap();
    assert_eq!(scene.ledger.job(job).unwrap().kept_backups, 3);
    assert!(scene.ledger.prune(i64::MAX).unwrap().is_empty());
    let run = scene.ledger.begin_run(job, RunKind::Undo, 8).unwrap();
    assert_eq!(numbers(&run, DoneOrder::Kept), [0, 1, 2]);
    let last = run.done_items(DoneOrder::Backward).unwrap().next_batch().unwrap().remove(0);
    assert_eq!((last.kept.unwrap(), last.landed.replaced), ("2.backup".into(), Some(old)));
    assert_eq!(run.made_directories().unwrap(), [(0, rel("in/deep")), (0, rel("in"))]);
    run.note(vec![Fact::Undone { item: items[2].id }]).unwrap();
    run.finish_as(Outcome::Cancelled, Sums::default()).unwrap();
    // Until that is settled, what was exchanged out may still be there.
    let run = scene.ledger.begin_run(job, RunKind::Undo, 9).unwrap();
    assert_eq!(numbers(&run, DoneOrder::Backward), [2, 1, 0]);
    assert_eq!(numbers(&run, DoneOrder::Kept), [0, 1]);
    // But that is the copy, and not what was replaced.
    assert_eq!(scene.ledger.job(job).unwrap().kept_backups, 2);
    let told = scene.ledger.items(job, None, None, 9).unwrap();
    assert_eq!(told.iter().map(|item| item.is_kept).collect::<Vec<_>>(), [true, true, false]);
    run.record(vec![Fact::Undone { item: items[2].id }]).unwrap();
    run.note(vec![Fact::Settled { items: vec![items[2].id] }]).unwrap();
    run.note(vec![Fact::Discarded { item: items[1].id }]).unwrap();
    run.note(vec![Fact::Undone { item: items[0].id }, Fact::Undone { item: items[1].id }]).unwrap();
    run.note(vec![Fact::Settled { items: vec![items[0].id] }]).unwrap();
    run.finish_as(Outcome::Finished, Sums::default()).unwrap();
    let record = scene.ledger.job(job).unwrap();
    assert_eq!((record.state, record.kept_backups), (JobState::Undone, 0));
    assert_eq!(scene.ledger.prunable(i64::MAX).unwrap(), [job]);
    assert_eq!(scene.ledger.prunable(record.changed_ms).unwrap(), []);
    assert_eq!(scene.ledger.prune(i64::MAX).unwrap(), [job]);
    assert!(scene.ledger.jobs().unwrap().is_empty());
}

#[test]
fn what_can_go_on_or_is_running_is_not_forgotten() {
    let scene = scene();
    scene.job();
    let interrupted = scene.first_run();
    interrupted.record(planned(0)).unwrap();
    drop(interrupted);
    let finished = scene.first_run();
    let job = finished.job();
    finished.record(planned(0)).unwrap();
    finished.finish(&all_ok(0)).unwrap();
    // With something that failed, one can be tried again; one that was refused can be gone on with.
    let incomplete = scene.first_run();
    incomplete.record(planned(0)).unwrap();
    let mut some_failed = all_ok(0);
    some_failed.tally.failed = 1;
    incomplete.finish(&some_failed).unwrap();
    for outcome in [Outcome::Refused, Outcome::Cancelled, Outcome::StoppedAtFailure] {
        scene.first_run().finish_as(outcome, Sums::default()).unwrap();
    }
    let running = scene.ledger.begin_run(job, RunKind::Verify, 1).unwrap();
    assert!(scene.ledger.prune(i64::MAX).unwrap().is_empty());
    running.finish_as(Outcome::Finished, Sums::default()).unwrap();
    assert_eq!(scene.ledger.prune(i64::MAX).unwrap(), [job]);
    assert_eq!(scene.ledger.jobs().unwrap().len(), 6);
    // A number is never given twice.
    assert!(scene.job() > job);
}

#[test]
fn what_failed_is_tried_again_until_it_is_well() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    let items = [item(0, "a"), item(1, "d/b"), item(2, "d/c")];
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(3)).unwrap();
    copy(&run, &items[..1]);
    let error = || ItemError::new(ErrorCode::SourceUnreadable, "/from/x".into(), "no");
    let failed = |item: &PlannedItem| ended(item, ItemStatus::Error(error()));
    run.note(vec![failed(&items[1]), failed(&items[2])]).unwrap();
    let mut refused = report(&item(9, "refused"));
    refused.status = ItemStatus::Error(error());
    run.note(vec![Fact::Refused { report: Box::new(refused) }]).unwrap();
    let mut report = all_ok(1);
    report.tally.failed = 3;
    run.finish(&report).unwrap();
    assert_eq!(scene.ledger.job(job).unwrap().state, JobState::Incomplete);
    let run = scene.ledger.begin_run(job, RunKind::Retry, 8).unwrap();
    let expected = [vec![rel("d/b"), rel("d/c"), rel("refused")]];
    assert_eq!(run.failed_paths().unwrap(), expected);
    run.append(Queue::Items, vec![item(3, "d/b")]).unwrap();
    run.record(planned(1)).unwrap();
    copy(&run, &[item(3, "d/b")]);
    run.finish(&report).unwrap();
    let run = scene.ledger.begin_run(job, RunKind::Retry, 9).unwrap();
    assert_eq!(run.failed_paths().unwrap(), [vec![rel("d/c"), rel("refused")]]);
}

#[test]
fn the_digest_of_an_earlier_job_is_handed_out_with_the_item() {
    let scene = scene();
    let run = scene.first_run();
    let first = item(0, "d/a");
    run.append(Queue::Items, vec![first.clone(), item(1, "d/b")]).unwrap();
    run.record(planned(2)).unwrap();
    copy(&run, &[first.clone(), item(1, "d/b")]);
    run.finish(&all_ok(2)).unwrap();
    let run = scene.first_run();
    let mut changed = item(1, "d/b");
    changed.source.modified.nanos += 1;
    run.append(Queue::Items, vec![first, changed, item(2, "d/new")]).unwrap();
    run.record(planned(3)).unwrap();
    let known: Vec<_> =
        run.claim(Queue::Items, 9).unwrap().into_iter().map(|item| item.known_digest).collect();
    assert_eq!(known, [Some(digest(0)), None, None]);
}
