//! What was copied without all that could have been kept of it is known as such, until it is copied again.

use rusqlite::Connection;
use surecopy_engine::{
    Fact, History, Journal, Known, LinkRole, LossCause, MetadataLoss, MetadataWarning, PlannedItem,
    Queue, WorkList,
};
use surecopy_ledger::{AuditBreak, JobId, JobRun, JobState, RunKind};

use crate::scene::{Scene, all_ok, copy, done, item, planned, publication, rel, report, scene};

fn warning(cause: LossCause) -> MetadataWarning {
    let (loss, message) = (MetadataLoss::Owner, "no".to_owned());
    MetadataWarning { loss, message, cause }
}

/// Tells that an item was published, with something that was not kept.
fn copy_without(run: &JobRun, item: &PlannedItem, cause: LossCause) {
    let mut publication = publication(item);
    publication.report.metadata_warnings = vec![warning(cause)];
    run.record(vec![Fact::Publishing { items: vec![publication] }]).unwrap();
    let items = vec![item.id];
    let ends = Fact::EndedAsAnnounced { items: items.clone() };
    run.record(vec![ends, Fact::Settled { items }]).unwrap();
}

/// A job of which `a` is whole, `d/b` lacks something for no reason and `c` for a good one. `e` is another name
/// of `d/b`, and `f` one of `a`.
fn job(scene: &Scene) -> JobId {
    let run = scene.first_run();
    let mut id = 0..;
    let mut items =
        ["a", "d/b", "c", "e", "f"].map(|path| item(id.next().expect("numbers go on"), path));
    items[1].link_role = LinkRole::First;
    items[3].link_role = LinkRole::Further(Box::new((0, rel("d/b"))));
    items[4].link_role = LinkRole::Further(Box::new((0, rel("a"))));
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(5)).unwrap();
    copy(&run, &items[..1]);
    copy_without(&run, &items[1], LossCause::Failed);
    copy_without(&run, &items[2], LossCause::NotPossible);
    copy(&run, &items[3..]);
    let job = run.job();
    run.finish(&all_ok(5)).unwrap();
    job
}

#[test]
fn row_47_what_lacks_something_is_known_until_it_is_copied_again() {
    let scene = scene();
    let job = job(&scene);
    let incomplete = || scene.ledger.job(job).unwrap().incomplete;
    assert_eq!(incomplete(), 1);
    assert_eq!(scene.ledger.check_audit(job).unwrap().broken, None);
    // It has not failed, and is tried again with all its names.
    assert_eq!(scene.ledger.failed_paths(job).unwrap(), [vec![]]);
    let names = [vec![rel("d/b"), rel("e")]];
    assert_eq!(scene.ledger.paths_to_retry(job).unwrap(), names);

    let mut told = report(&item(1, "d/b"));
    told.metadata_warnings = vec![warning(LossCause::Failed)];
    let known = |run: &JobRun, path: &str| run.known(0, &rel(path)).unwrap();
    let run = scene.resume(job);
    assert!(done(&told).is_incomplete);
    assert_eq!(known(&run, "d/b"), Known::Done(done(&told)));
    run.record(planned(0)).unwrap();
    run.finish(&all_ok(0)).unwrap();
    assert_eq!((incomplete(), scene.ledger.job(job).unwrap().state), (1, JobState::Finished));

    // Again in vain.
    for (id, cause) in [(5, LossCause::Failed), (6, LossCause::NotPossible)] {
        let run = scene.ledger.begin_run(job, RunKind::Retry, 9).unwrap();
        assert_eq!(run.paths_to_retry().unwrap(), names);
        assert!(matches!(known(&run, "d/b"), Known::DoneBadly(done) if done.is_incomplete));
        assert!(matches!(known(&run, "c"), Known::Done(_)));
        let again = item(id, "d/b");
        run.append(Queue::Items, vec![again.clone()]).unwrap();
        run.record(planned(1)).unwrap();
        copy_without(&run, &again, cause);
        run.finish(&all_ok(1)).unwrap();
        assert_eq!(incomplete(), u64::from(cause == LossCause::Failed));
        assert_eq!(scene.ledger.job(job).unwrap().state, JobState::Finished);
    }
    assert_eq!(scene.ledger.paths_to_retry(job).unwrap(), [vec![]]);
    assert_eq!(scene.ledger.check_audit(job).unwrap().broken, None);
}

#[test]
fn row_47_that_something_is_lacking_cannot_be_taken_out_of_the_tables() {
    let scene = scene();
    let job = job(&scene);
    let connection = Connection::open(scene.ledger.path()).unwrap();
    for (change, item) in [("is_incomplete = 0", 1), ("is_incomplete = 1", 0)] {
        let change = format!("UPDATE ends SET {change} WHERE item = {item}");
        assert_eq!(connection.execute(&change, ()).unwrap(), 1);
        let broken = scene.ledger.check_audit(job).unwrap().broken;
        assert!(matches!(broken, Some(AuditBreak::End { .. })), "{change}: {broken:?}");
    }
}

/// What an earlier version had in the log only is known after its ledger was brought up to date.
#[test]
fn row_47_what_an_older_version_has_copied_without_is_known() {
    let scene = scene();
    let job = job(&scene);
    let path = scene.ledger.path().to_owned();
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "DROP INDEX ends_incomplete; ALTER TABLE ends DROP COLUMN is_incomplete;
             PRAGMA user_version = 3",
        )
        .unwrap();
    drop(connection);
    let ledger = surecopy_ledger::Ledger::open(&path).unwrap();
    assert_eq!(ledger.job(job).unwrap().incomplete, 1);
    assert_eq!(ledger.check_audit(job).unwrap().broken, None);
}
