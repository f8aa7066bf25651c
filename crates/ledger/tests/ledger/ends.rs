//! The ends of items: a row says where the audit log tells of one, and everything else is read there.

use std::path::PathBuf;

use rusqlite::Connection;
use surecopy_engine::{
    Action, Check, Digest, DigestAlgorithm, DoneItems, ErrorCode, Fact, ItemError, ItemStatus,
    Journal, Outcome, PlannedItem, Publication, Queue, Seen, SkipReason, WorkList,
};
use surecopy_ledger::{AuditBreak, DoneOrder, JobId, JobRun, RunKind, Sums};

use crate::scene::{
    Scene, all_ok, copy, digest, ended, item, path, planned, publication, report, scene, seen, spec,
};

#[test]
fn what_was_never_planned_does_not_end() {
    let unknown = item(9, "unknown");
    let facts = [
        ended(&unknown, ItemStatus::Cancelled),
        ended(&unknown, ItemStatus::Skipped(SkipReason::Identical)),
        ended(&unknown, ItemStatus::Ok),
        Fact::Publishing { items: vec![publication(&unknown)] },
    ];
    for fact in facts {
        let scene = scene();
        let run = scene.first_run();
        run.append(Queue::Items, vec![item(0, "a"), item(8, "b")]).unwrap();
        run.record(planned(2)).unwrap();
        let error = run.record(vec![fact]).unwrap_err();
        assert!(error.message.contains("item 9 was never planned"), "{error}");
    }
}

#[test]
fn an_item_ends_once() {
    let skipped = || ItemStatus::Skipped(SkipReason::Identical);
    for first in [ItemStatus::Ok, ItemStatus::Cancelled, skipped()] {
        for second in [ItemStatus::Ok, ItemStatus::Cancelled, skipped()] {
            let scene = scene();
            let run = scene.first_run();
            let items = [item(0, "a")];
            run.append(Queue::Items, items.to_vec()).unwrap();
            run.record(planned(1)).unwrap();
            run.record(vec![ended(&items[0], first.clone())]).unwrap();
            let error = run.record(vec![ended(&items[0], second)]).unwrap_err();
            assert!(error.message.contains("item 0 has ended already"), "{error}");
        }
    }
}

/// Also when it was found to be damaged since, though that may be well again.
#[test]
fn what_is_damaged_does_not_end_again() {
    let scene = scene();
    let run = scene.first_run();
    let items = [item(0, "a")];
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(1)).unwrap();
    copy(&run, &items);
    let error = ItemError::new(ErrorCode::VerifyMismatch, "/to/in/a".into(), "other bytes");
    run.record(vec![Fact::Checked { item: items[0].id, found: Check::Damaged(error) }]).unwrap();
    let error = run.record(vec![ended(&items[0], ItemStatus::Ok)]).unwrap_err();
    assert!(error.message.contains("item 0 has ended already"), "{error}");
}

/// Tells that items replaced something that is kept.
fn copy_and_keep(run: &JobRun, items: &[PlannedItem], old: Seen) {
    let kept = |item: &PlannedItem| {
        let mut publication = publication(item);
        let backup = publication.report.target.with_file_name(&publication.backup);
        publication.report.backup = Some(backup);
        publication.report.landed.as_mut().unwrap().replaced = Some(old);
        publication
    };
    let announced: Vec<Publication> = items.iter().map(kept).collect();
    run.record(vec![Fact::Publishing { items: announced }]).unwrap();
    let items = items.iter().map(|item| item.id).collect();
    run.record(vec![Fact::EndedAsAnnounced { items }]).unwrap();
}

/// A job of so many items that each replaced something that is kept.
fn job_that_keeps(scene: &Scene, count: u64) -> JobId {
    let mut request = spec();
    request.keep_replaced = true;
    let run = scene.ledger.create_job(&request).unwrap().begin(7).unwrap();
    let old = seen(5, 4_096);
    let replacing = |id| PlannedItem { action: Action::Replace(old), ..item(id, &format!("{id}")) };
    let items: Vec<PlannedItem> = (0..count).map(replacing).collect();
    run.append(Queue::Items, items.clone()).unwrap();
    run.record(planned(count)).unwrap();
    copy_and_keep(&run, &items, old);
    let job = run.job();
    run.finish(&all_ok(count)).unwrap();
    job
}

#[test]
fn what_was_announced_to_be_kept_is() {
    let scene = scene();
    let job = job_that_keeps(&scene, 2);
    let record = scene.ledger.job(job).unwrap();
    assert_eq!(record.kept_backups, 2);
    assert!(!scene.ledger.has_given_up(job).unwrap());
    let run = scene.ledger.begin_run(job, RunKind::Discard, 8).unwrap();
    let kept = run.done_items(DoneOrder::Kept).unwrap().next_batch().unwrap();
    let names: Vec<_> = kept.iter().map(|item| PathBuf::from(item.kept.clone().unwrap())).collect();
    let expected = [0, 1].map(|id| PathBuf::from(publication(&item(id, "")).backup));
    assert_eq!(names, expected);
    assert_eq!(kept[1].landed.replaced, Some(seen(5, 4_096)));
    run.note(vec![Fact::Discarded { item: kept[0].item }]).unwrap();
    run.finish_as(Outcome::Finished, Sums::default()).unwrap();
    assert!(scene.ledger.has_given_up(job).unwrap());
    assert_eq!(scene.ledger.check_audit(job).unwrap().broken, None);
    // Another name would be taken for what was replaced.
    let sql = "UPDATE ends SET kept = x'6f74686572' WHERE item = 1";
    Connection::open(path(&scene.temp)).unwrap().execute(sql, ()).unwrap();
    let broken = scene.ledger.check_audit(job).unwrap().broken;
    assert!(matches!(broken, Some(AuditBreak::End { item: 1, .. })), "{broken:?}");
}

/// Only what replaced something can have given it up.
#[test]
fn what_replaced_nothing_has_given_up_nothing() {
    let scene = scene();
    let run = scene.first_run();
    let items = [item(0, "a")];
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(1)).unwrap();
    copy(&run, &items);
    let job = run.job();
    run.finish(&all_ok(1)).unwrap();
    let run = scene.ledger.begin_run(job, RunKind::Discard, 8).unwrap();
    run.finish_as(Outcome::Finished, Sums::default()).unwrap();
    assert!(!scene.ledger.has_given_up(job).unwrap());
}

#[test]
fn the_bytes_of_what_is_undone_are_those_that_were_copied() {
    let scene = scene();
    let run = scene.first_run();
    let items = [item(0, "a"), item(1, "b"), item(2, "c")];
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(3)).unwrap();
    let grown = |item: &PlannedItem| {
        let mut report = report(item);
        report.size_bytes = 10_000 + item.id.0;
        Fact::Ended { item: item.id, report: Box::new(report) }
    };
    run.record(items.iter().map(grown).collect()).unwrap();
    let job = run.job();
    run.finish(&all_ok(3)).unwrap();
    let run = scene.ledger.begin_run(job, RunKind::Undo, 8).unwrap();
    let undone = items[1..].iter().map(|item| Fact::Undone { item: item.id });
    run.note(undone.collect()).unwrap();
    run.finish_as(Outcome::Cancelled, Sums::default()).unwrap();
    let record = scene.ledger.job(job).unwrap();
    assert_eq!((record.undone, record.undone_bytes), (2, 20_003));
}

/// A job that copies one file, planned with one time and found with another, to what has this digest.
fn copied(scene: &Scene, planned_at: u32, found_at: u32, digest: Digest) {
    let mut request = spec();
    request.digest = digest.algorithm;
    let run = scene.ledger.create_job(&request).unwrap().begin(7).unwrap();
    let item = of_time(planned_at);
    run.append(Queue::Items, vec![item.clone()]).unwrap();
    run.record(planned(1)).unwrap();
    let mut publication = publication(&item);
    publication.report.landed.as_mut().unwrap().source.modified.nanos = found_at;
    publication.report.digest = Some(digest);
    run.record(vec![Fact::Publishing { items: vec![publication] }]).unwrap();
    run.record(vec![Fact::EndedAsAnnounced { items: vec![item.id] }]).unwrap();
    run.finish(&all_ok(1)).unwrap();
}

fn of_time(nanos: u32) -> PlannedItem {
    let mut item = item(0, "d/a");
    item.source.modified.nanos = nanos;
    item
}

/// The digest that a new job is told of what it copies.
fn known(scene: &Scene, nanos: u32) -> Option<Digest> {
    let run = scene.first_run();
    run.append(Queue::Items, vec![of_time(nanos)]).unwrap();
    run.record(planned(1)).unwrap();
    run.claim(Queue::Items, 1).unwrap().remove(0).known_digest
}

#[test]
fn the_latest_copy_of_the_same_size_and_time_tells_the_digest() {
    let scene = scene();
    copied(&scene, 1, 1, digest(1));
    copied(&scene, 2, 2, digest(2));
    assert_eq!(known(&scene, 2), Some(digest(2)));
    assert_eq!(
        known(&scene, 1),
        Some(digest(1)),
        "of an earlier job, in a record of the same number"
    );
    assert_eq!(known(&scene, 3), None);
    copied(&scene, 1, 1, digest(3));
    assert_eq!(known(&scene, 1), Some(digest(3)));
    // What has the digest of another algorithm says nothing.
    copied(&scene, 1, 1, Digest { algorithm: DigestAlgorithm::Sha256, bytes: vec![4; 32] });
    assert_eq!(known(&scene, 1), Some(digest(3)));
}

#[test]
fn what_changed_after_it_was_planned_is_known_as_it_was_copied() {
    let scene = scene();
    copied(&scene, 1, 2, digest(1));
    assert_eq!(known(&scene, 1), None, "that was never copied");
    assert_eq!(known(&scene, 2), Some(digest(1)));
}
