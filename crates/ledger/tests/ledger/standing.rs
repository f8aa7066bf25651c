//! Which rows of an entry still say what is so.

use std::path::Path;

use surecopy_engine::{
    Check, ErrorCode, Fact, ItemError, ItemStatus, Journal, Outcome, Queue, WorkList,
};
use surecopy_ledger::{ItemState, JobId, JobRun, JobState, RunKind, Sums};

use crate::scene::{Scene, all_ok, copy, ended, item, planned, scene};

/// A job of two files, of which one was found to be damaged.
fn damaged(scene: &Scene) -> JobId {
    let run = scene.first_run();
    let items = [item(0, "a"), item(1, "d/b")];
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(2)).unwrap();
    copy(&run, &items);
    let job = run.job();
    run.finish(&all_ok(2)).unwrap();
    let run = scene.ledger.begin_run(job, RunKind::Verify, 8).unwrap();
    let error = ItemError::new(ErrorCode::VerifyMismatch, "/to/in/a".into(), "other bytes");
    let found = Check::Damaged(error);
    run.note(vec![Fact::Checked { item: items[0].id, found }]).unwrap();
    run.finish_as(Outcome::Finished, Sums { ok: 1, failed: 1, ..Sums::default() }).unwrap();
    job
}

fn count(scene: &Scene, job: JobId) -> u64 {
    scene.ledger.job(job).unwrap().damaged
}

#[test]
fn damage_is_known_until_it_is_mended() {
    let scene = scene();
    let job = damaged(&scene);
    assert_eq!(count(&scene, job), 1);
    assert_eq!(scene.ledger.prune(i64::MAX).unwrap(), []);
    // What was only to be copied again has not been.
    let run = scene.resume(job);
    let again = item(2, "a");
    run.append(Queue::Items, vec![again.clone()]).unwrap();
    run.finish_as(Outcome::Refused, Sums::default()).unwrap();
    assert_eq!(scene.ledger.job(job).unwrap().state, JobState::Finished);
    assert_eq!(count(&scene, job), 1);
    let run = scene.resume(job);
    let again = item(3, "a");
    run.append(Queue::Items, vec![again.clone()]).unwrap();
    run.record(planned(1)).unwrap();
    assert_eq!(count(&scene, job), 1, "until it is in place");
    copy(&run, &[again]);
    run.finish(&all_ok(1)).unwrap();
    assert_eq!(count(&scene, job), 0);
    assert_eq!(scene.ledger.prune(i64::MAX).unwrap(), [job]);
}

#[test]
fn what_a_later_look_finds_well_is_not_damaged() {
    let scene = scene();
    let job = damaged(&scene);
    let run = scene.ledger.begin_run(job, RunKind::Verify, 9).unwrap();
    let found = Check::Same(surecopy_engine::Evidence::Device);
    run.note(vec![Fact::Checked { item: item(0, "a").id, found }]).unwrap();
    run.finish_as(Outcome::Finished, Sums { ok: 2, ..Sums::default() }).unwrap();
    assert_eq!(count(&scene, job), 0);
}

#[test]
fn a_job_that_is_to_be_undone_is_not_gone_on_with_unasked() {
    let scene = scene();
    let run = scene.first_run();
    run.append(Queue::Items, vec![item(0, "a"), item(1, "b")]).unwrap();
    run.record(planned(2)).unwrap();
    copy(&run, &[item(0, "a")]);
    let job = run.job();
    run.finish_as(Outcome::Cancelled, Sums::default()).unwrap();
    let latest = || scene.ledger.latest_to_resume().unwrap().map(|record| record.id);
    assert_eq!(latest(), Some(job));
    // One that has died, then one that was cancelled when it had done some.
    drop(scene.ledger.begin_run(job, RunKind::Undo, 8).unwrap());
    assert_eq!(latest(), None);
    let run = scene.ledger.begin_run(job, RunKind::Undo, 9).unwrap();
    run.note(vec![Fact::Undone { item: item(0, "a").id }]).unwrap();
    run.finish_as(Outcome::Cancelled, Sums::default()).unwrap();
    let record = scene.ledger.job(job).unwrap();
    assert_eq!((record.undone, record.undone_bytes), (1, 4_096));
    assert_eq!(latest(), None);
    // Asked for by its number, it is copied again, as soon as it is known what that is.
    drop(scene.resume(job));
    assert_eq!(latest(), None);
    let run = scene.resume(job);
    run.record(planned(1)).unwrap();
    drop(run);
    assert_eq!(latest(), Some(job));
}

/// The rows that stand: their entry, run and state.
fn rows(scene: &Scene, job: JobId) -> Vec<(String, u64, ItemState)> {
    let items = scene.ledger.items(job, None, None, 99).unwrap();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let standing = items.iter().filter(|item| !item.is_superseded);
    let mut rows: Vec<_> =
        standing.map(|item| (name(&item.source), item.run, item.state)).collect();
    rows.sort_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
    rows
}

#[test]
fn of_several_attempts_the_last_that_came_to_something_stands() {
    let scene = scene();
    let row = |name: &str, run, state| (name.to_owned(), run, state);
    let fail = |run: &JobRun, item| {
        let error = ItemError::new(ErrorCode::SourceUnreadable, "/from/b".into(), "no");
        run.note(vec![ended(item, ItemStatus::Error(error))]).unwrap();
    };
    let run = scene.first_run();
    let items = [item(0, "a"), item(1, "b"), item(2, "c")];
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(3)).unwrap();
    copy(&run, &items[..1]);
    fail(&run, &items[1]);
    run.note(vec![ended(&items[2], ItemStatus::Cancelled)]).unwrap();
    let job = run.job();
    run.finish_as(Outcome::Cancelled, Sums::default()).unwrap();
    let first = [
        row("a", 1, ItemState::Ok),
        row("b", 1, ItemState::Failed),
        row("c", 1, ItemState::Cancelled),
    ];
    assert_eq!(rows(&scene, job), first);
    // One that was refused has planned everything anew, and done nothing.
    let run = scene.resume(job);
    run.append(Queue::Items, vec![item(3, "a"), item(4, "b"), item(5, "c")]).unwrap();
    run.finish_as(Outcome::Refused, Sums::default()).unwrap();
    assert_eq!(rows(&scene, job), first);
    let run = scene.resume(job);
    let items = [item(6, "b"), item(7, "c")];
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(2)).unwrap();
    copy(&run, &items[1..]);
    fail(&run, &items[0]);
    run.finish_as(Outcome::Finished, Sums { ok: 1, failed: 1, ..Sums::default() }).unwrap();
    let third =
        [row("a", 1, ItemState::Ok), row("b", 3, ItemState::Failed), row("c", 3, ItemState::Ok)];
    assert_eq!(rows(&scene, job), third);
    // The source of what failed has gone, and what was copied has changed.
    let run = scene.resume(job);
    run.append(Queue::Items, vec![item(8, "a")]).unwrap();
    run.record(planned(1)).unwrap();
    run.note(vec![ended(&item(8, "a"), ItemStatus::Cancelled)]).unwrap();
    run.finish_as(Outcome::Cancelled, Sums::default()).unwrap();
    assert_eq!(rows(&scene, job), [row("a", 4, ItemState::Cancelled), row("c", 3, ItemState::Ok)]);
}
