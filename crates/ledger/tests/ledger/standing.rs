//! Which rows of an entry still say what is so.

use surecopy_engine::{Check, ErrorCode, Fact, ItemError, Journal, Outcome, Queue, WorkList};
use surecopy_ledger::{JobId, JobState, RunKind, Sums};

use crate::scene::{Scene, all_ok, copy, item, planned, scene};

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
