//! Runs that come to nothing or are cut short: what was left before is left.

use surecopy_engine::{
    Action, Check, ErrorCode, Fact, History, ItemError, ItemStatus, Journal, Lost, Outcome, Queue,
    RecordedEnd, Report, Side, WorkList,
};
use surecopy_ledger::{JobState, RunKind, Sums};

use crate::scene::{
    all_ok, copy, digest, ended, item, planned, publication, rel, report, scene, seen,
};

fn ended_as(outcome: Outcome) -> Report {
    Report { outcome, ..all_ok(0) }
}

#[test]
fn a_refused_resume_leaves_the_job_as_it_was() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    run.append(Queue::Items, vec![item(0, "a"), item(1, "b")]).unwrap();
    run.record(planned(2)).unwrap();
    drop(run);
    for _ in 0..2 {
        scene.resume(job).finish(&ended_as(Outcome::Refused)).unwrap();
        assert_eq!(scene.ledger.job(job).unwrap().state, JobState::Interrupted);
        assert_eq!(scene.ledger.latest_to_resume().unwrap().unwrap().id, job);
        assert!(scene.ledger.prune(i64::MAX).unwrap().is_empty());
    }
    let run = scene.resume(job);
    run.record(planned(0)).unwrap();
    run.finish(&all_ok(2)).unwrap();
    scene.resume(job).finish(&ended_as(Outcome::Refused)).unwrap();
    assert_eq!(scene.ledger.job(job).unwrap().state, JobState::Finished);
}

#[test]
fn a_job_may_be_undone_twice() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    run.record(planned(0)).unwrap();
    run.finish(&all_ok(0)).unwrap();
    for _ in 0..2 {
        let run = scene.ledger.begin_run(job, RunKind::Undo, 8).unwrap();
        run.finish_as(Outcome::Finished, Sums::default()).unwrap();
        assert_eq!(scene.ledger.job(job).unwrap().state, JobState::Undone);
    }
}

#[test]
fn to_try_again_what_failed_does_not_finish_the_directories_of_the_rest() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    run.record(planned(0)).unwrap();
    run.note(vec![Fact::DirectoryMade { mapping: 0, path: rel("made") }]).unwrap();
    drop(run);
    let run = scene.ledger.begin_run(job, RunKind::Retry, 8).unwrap();
    run.record(planned(0)).unwrap();
    run.finish(&all_ok(1)).unwrap();
    let run = scene.resume(job);
    assert_eq!(run.unfinished_directories(), [(0, rel("made"))]);
    assert!(!run.is_finished());
}

#[test]
fn what_a_cancelled_run_has_not_settled_is_left_to_the_next() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    let replacing = {
        let mut item = item(0, "a");
        item.action = Action::Replace(seen(5, 4_096));
        item
    };
    run.append(Queue::Items, vec![replacing.clone()]).unwrap();
    run.record(planned(1)).unwrap();
    run.record(vec![Fact::Publishing { items: vec![publication(&replacing)] }]).unwrap();
    let end = Fact::Ended { item: replacing.id, report: Box::new(report(&replacing)) };
    run.record(vec![end]).unwrap();
    run.finish(&ended_as(Outcome::Cancelled)).unwrap();
    let run = scene.resume(job);
    let left = &run.in_flight().publications;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].publication.item, replacing.id);
    run.note(vec![Fact::Settled { items: vec![replacing.id] }]).unwrap();
    run.record(planned(0)).unwrap();
    run.finish(&all_ok(0)).unwrap();
    assert!(scene.resume(job).in_flight().publications.is_empty());
}

#[test]
fn row_12_what_a_finished_run_replaced_and_could_not_settle_is_left_to_the_next() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    let replacing = |id, path| {
        let mut item = item(id, path);
        item.action = Action::Replace(seen(50 + id, 4_096));
        item
    };
    let [well, badly] = [replacing(0, "a"), replacing(1, "b")];
    run.append(Queue::Items, vec![well.clone(), badly.clone()]).unwrap();
    run.record(planned(2)).unwrap();
    let items = vec![publication(&well), publication(&badly)];
    run.record(vec![Fact::Publishing { items }]).unwrap();
    run.record(vec![Fact::Ended { item: well.id, report: Box::new(report(&well)) }]).unwrap();
    let error = ItemError::new(ErrorCode::DurabilityUnknown, "/target/b".into(), "not flushed");
    run.record(vec![ended(&badly, ItemStatus::Error(error))]).unwrap();
    // Its directory could not be flushed any more, so nothing was settled.
    run.finish(&all_ok(1)).unwrap();
    let run = scene.resume(job);
    let left = &run.in_flight().publications;
    let left: Vec<_> = left.iter().map(|left| (left.publication.item, left.end)).collect();
    assert_eq!(left, [(well.id, RecordedEnd::Ok), (badly.id, RecordedEnd::InDoubt)]);
    run.note(vec![Fact::Settled { items: vec![well.id, badly.id] }]).unwrap();
    run.record(planned(0)).unwrap();
    run.finish(&all_ok(0)).unwrap();
    assert!(scene.resume(job).in_flight().publications.is_empty());
}

/// What was removed after a failure may be back after a power cut, or may not have been removed at all.
#[test]
fn where_items_failed_the_next_run_looks_for_partial_files() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    let items = [item(0, "in/a"), item(1, "on/b")];
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(2)).unwrap();
    assert_eq!(run.claim(Queue::Items, 2).unwrap(), items);
    copy(&run, &items[..1]);
    let error = ItemError::new(ErrorCode::DestinationIoError, "/target/on/b".into(), "write");
    run.record(vec![ended(&items[1], ItemStatus::Error(error))]).unwrap();
    let mut report = all_ok(1);
    report.tally.failed = 1;
    run.finish(&report).unwrap();
    let run = scene.resume(job);
    assert_eq!(run.in_flight().nonces, [7]);
    assert_eq!(run.in_flight().directories, [(0, rel("in/on"))]);
    run.record(planned(0)).unwrap();
    // What it has removed may not be durable, then.
    run.finish(&report).unwrap();
    let run = scene.resume(job);
    assert_eq!(run.in_flight().nonces.first(), Some(&7));
    assert_eq!(run.in_flight().directories, [(0, rel("in/on"))]);
    run.record(planned(0)).unwrap();
    run.finish(&all_ok(0)).unwrap();
    let run = scene.resume(job);
    assert!(run.in_flight().nonces.is_empty() && run.in_flight().directories.is_empty());
}

#[test]
fn row_12_where_a_run_that_was_cut_short_may_have_left_files_is_told_to_the_next() {
    let lost = || {
        let (side, root) = (Side::Destination, "/to".into());
        Outcome::Lost(Lost { side, root, message: "read-only".to_owned() })
    };
    for outcome in [lost(), Outcome::Cancelled] {
        let scene = scene();
        let run = scene.first_run();
        let job = run.job();
        let items = ["done/a", "failed/b", "in-hand/c", "later/d"];
        let items: Vec<_> = (0..).zip(items).map(|(id, path)| item(id, path)).collect();
        run.append(Queue::Items, items.clone()).unwrap();
        run.record(planned(4)).unwrap();
        run.claim(Queue::Items, 3).unwrap();
        copy(&run, &items[..1]);
        let error = ItemError::new(ErrorCode::DestinationIoError, "/to/b".into(), "gone");
        run.record(vec![ended(&items[1], ItemStatus::Error(error))]).unwrap();
        run.record(vec![ended(&items[2], ItemStatus::Cancelled)]).unwrap();
        run.finish(&ended_as(outcome)).unwrap();
        for _ in 0..2 {
            // Until a run has looked, and not longer.
            let run = scene.resume(job);
            let left = run.in_flight();
            let places: Vec<_> = left.directories.iter().map(|(_, path)| path.clone()).collect();
            assert_eq!(places, [rel("in/failed"), rel("in/in-hand")]);
            assert!(left.nonces.contains(&7));
        }
        let run = scene.resume(job);
        run.record(planned(0)).unwrap();
        run.finish(&all_ok(0)).unwrap();
        let run = scene.resume(job);
        assert!(run.in_flight().directories.is_empty() && run.in_flight().nonces.is_empty());
    }
}

#[test]
fn what_a_damaged_copy_was_made_of_is_still_remembered() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    let items = [item(0, "a")];
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(1)).unwrap();
    copy(&run, &items);
    run.finish(&all_ok(1)).unwrap();
    let run = scene.ledger.begin_run(job, RunKind::Verify, 8).unwrap();
    let path = "/target/a".into();
    let error = surecopy_engine::ItemError::new(
        surecopy_engine::ErrorCode::VerifyMismatch,
        path,
        "it is not what was copied",
    );
    run.note(vec![Fact::Checked { item: items[0].id, found: Check::Damaged(error) }]).unwrap();
    run.finish_as(Outcome::Finished, Sums::default()).unwrap();
    let run = scene.resume(job);
    let mut again = item(1, "a");
    again.source = items[0].source;
    run.append(Queue::Items, vec![again]).unwrap();
    run.record(planned(1)).unwrap();
    let claimed = run.claim(Queue::Items, 10).unwrap();
    assert_eq!(claimed[0].known_digest, report(&items[0]).digest);
    assert_ne!(claimed[0].known_digest, Some(digest(0xee)));
}
