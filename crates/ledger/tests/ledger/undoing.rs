//! What an undo has made of a job, whatever is done with it afterwards.

use surecopy_engine::{
    ErrorCode, Fact, ItemError, ItemStatus, Journal, Outcome, PlannedItem, Queue, WorkList,
};
use surecopy_ledger::{JobId, JobState, RunKind, Sums, Undoing};

use crate::scene::{Scene, copy, ended, item, planned, scene};

/// A job of which `a` and `b` are copied, and `c` has failed.
fn job(scene: &Scene, outcome: Outcome) -> JobId {
    let run = scene.first_run();
    let items = [item(0, "a"), item(1, "b"), item(2, "c")];
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(3)).unwrap();
    copy(&run, &items[..2]);
    fail(&run, &items[2]);
    let job = run.job();
    run.finish_as(outcome, Sums { ok: 2, failed: 1, ..Sums::default() }).unwrap();
    job
}

fn fail(run: &surecopy_ledger::JobRun, item: &PlannedItem) {
    let error = ItemError::new(ErrorCode::SourceUnreadable, "/from/c".into(), "no");
    run.note(vec![ended(item, ItemStatus::Error(error))]).unwrap();
}

/// Undoes the first items; the others it could not.
fn undo(scene: &Scene, job: JobId, items: u64, failed: u64) {
    let run = scene.ledger.begin_run(job, RunKind::Undo, 8).unwrap();
    run.note((0..items).map(|id| Fact::Undone { item: item(id, "").id }).collect()).unwrap();
    run.finish_as(Outcome::Finished, Sums { ok: items, failed, ..Sums::default() }).unwrap();
}

/// Tries `c` again, which is well now, or is not.
fn retry(scene: &Scene, job: JobId, ok: u64, outcome: Outcome) {
    let run = scene.ledger.begin_run(job, RunKind::Retry, 9).unwrap();
    let again = item(run.first_item().0, "c");
    run.append(Queue::Items, vec![again.clone()]).unwrap();
    run.record(planned(1)).unwrap();
    match ok {
        0 => fail(&run, &again),
        _ => copy(&run, &[again]),
    }
    run.finish_as(outcome, Sums { ok, failed: 1 - ok, ..Sums::default() }).unwrap();
}

/// Runs that bring nothing back that was undone.
fn look_again(scene: &Scene, job: JobId) {
    for kind in [RunKind::Verify, RunKind::Discard] {
        let run = scene.ledger.begin_run(job, kind, 9).unwrap();
        run.finish_as(Outcome::Finished, Sums::default()).unwrap();
    }
    for kind in [RunKind::Undo, RunKind::Resume, RunKind::Retry] {
        let run = scene.ledger.begin_run(job, kind, 9).unwrap();
        run.finish_as(Outcome::Refused, Sums::default()).unwrap();
    }
    drop(scene.ledger.begin_run(job, RunKind::Verify, 9).unwrap());
}

/// How far the job is, what an undo has made of it, and whether it is gone on with unasked.
fn told(scene: &Scene, job: JobId) -> (JobState, Option<Undoing>, bool) {
    let record = scene.ledger.job(job).unwrap();
    let latest = scene.ledger.latest_to_resume().unwrap();
    (record.state, record.undoing(), latest.is_some())
}

#[test]
fn what_is_undone_stays_so_when_what_had_failed_is_tried_again() {
    for outcome in [Outcome::Finished, Outcome::Cancelled] {
        let scene = scene();
        let job = job(&scene, outcome);
        undo(&scene, job, 2, 0);
        assert_eq!(told(&scene, job), (JobState::Undone, Some(Undoing::Whole), false));
        for outcome in [Outcome::Finished, Outcome::Cancelled, Outcome::StoppedAtFailure] {
            retry(&scene, job, 0, outcome);
            assert_eq!(told(&scene, job), (JobState::Undone, Some(Undoing::Whole), false));
        }
        // That one is in place now, and nothing else.
        retry(&scene, job, 1, Outcome::Finished);
        assert_eq!(told(&scene, job), (JobState::Undone, Some(Undoing::InPart), false));
        assert_eq!(scene.ledger.job(job).unwrap().undone, 2);
        undo(&scene, job, 0, 1);
        assert_eq!(told(&scene, job), (JobState::Undone, Some(Undoing::InPart), false));
        undo(&scene, job, 0, 0);
        assert_eq!(told(&scene, job), (JobState::Undone, Some(Undoing::Whole), false));
        // One that dies leaves it undone as well.
        let run = scene.ledger.begin_run(job, RunKind::Retry, 9).unwrap();
        run.record(planned(1)).unwrap();
        drop(run);
        assert_eq!(told(&scene, job), (JobState::Interrupted, Some(Undoing::InPart), false));
    }
}

#[test]
fn what_is_undone_in_part_stays_so_when_what_had_failed_is_tried_again() {
    let scene = scene();
    let job = job(&scene, Outcome::Finished);
    undo(&scene, job, 1, 1);
    retry(&scene, job, 1, Outcome::Finished);
    assert_eq!(told(&scene, job), (JobState::Finished, Some(Undoing::InPart), false));
}

#[test]
fn an_undo_that_stopped_short_is_not_forgotten_by_what_is_done_with_the_job_afterwards() {
    let scene = scene();
    let job = job(&scene, Outcome::Cancelled);
    assert_eq!(told(&scene, job), (JobState::Cancelled, None, true));
    // Before it could record anything.
    drop(scene.ledger.begin_run(job, RunKind::Undo, 8).unwrap());
    assert_eq!(told(&scene, job), (JobState::Cancelled, Some(Undoing::Open), false));
    look_again(&scene, job);
    assert_eq!(told(&scene, job), (JobState::Cancelled, Some(Undoing::Open), false));
    undo(&scene, job, 1, 1);
    assert_eq!(told(&scene, job), (JobState::Cancelled, Some(Undoing::InPart), false));
    look_again(&scene, job);
    assert_eq!(told(&scene, job), (JobState::Cancelled, Some(Undoing::InPart), false));
    // Until all of it is to be there again.
    let run = scene.resume(job);
    run.record(planned(2)).unwrap();
    assert_eq!(scene.ledger.job(job).unwrap().undoing(), None);
    run.finish_as(Outcome::Cancelled, Sums::default()).unwrap();
    assert_eq!(told(&scene, job), (JobState::Cancelled, None, true));
}

/// Also where there was nothing that could be undone.
#[test]
fn a_job_that_was_undone_is_not_gone_on_with_when_trying_again_died() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    run.append(Queue::Items, vec![item(0, "c")]).unwrap();
    run.record(planned(1)).unwrap();
    fail(&run, &item(0, "c"));
    run.finish_as(Outcome::Finished, Sums { failed: 1, ..Sums::default() }).unwrap();
    undo(&scene, job, 0, 0);
    drop(scene.ledger.begin_run(job, RunKind::Retry, 9).unwrap());
    assert_eq!(told(&scene, job), (JobState::Interrupted, None, false));
}

#[test]
fn what_an_undo_has_left_keeps_its_job() {
    let scene = scene();
    let finished = || {
        let run = scene.first_run();
        let items = [item(0, "a"), item(1, "b")];
        run.append(Queue::Items, items.to_vec()).unwrap();
        run.record(planned(2)).unwrap();
        copy(&run, &items);
        let job = run.job();
        run.finish_as(Outcome::Finished, Sums { ok: 2, ..Sums::default() }).unwrap();
        job
    };
    let prunable = || scene.ledger.prunable(i64::MAX).unwrap();
    let (in_part, dead) = (finished(), finished());
    assert_eq!(prunable(), [in_part, dead]);
    undo(&scene, in_part, 1, 1);
    drop(scene.ledger.begin_run(dead, RunKind::Undo, 8).unwrap());
    assert_eq!(told(&scene, in_part), (JobState::Finished, Some(Undoing::InPart), false));
    assert_eq!(prunable(), []);
    assert_eq!(scene.ledger.prune(i64::MAX).unwrap(), []);
    undo(&scene, dead, 2, 0);
    assert_eq!(scene.ledger.prune(i64::MAX).unwrap(), [dead]);
}
