//! What has failed and is not well yet: what is tried again goes by it, and whether a job is finished.

use std::path::PathBuf;

use surecopy_engine::{
    ErrorCode, Fact, ItemError, ItemKind, ItemStatus, Journal, Mapping, Outcome, PlannedItem,
    Queue, Report, WorkList,
};
use surecopy_ledger::{JobId, JobRun, JobState, RunKind, Sums};

use crate::scene::{Scene, all_ok, copy, ended, item, planned, rel, report, scene, spec};

fn error() -> ItemError {
    ItemError::new(ErrorCode::SourceUnreadable, "/from/x".into(), "no")
}

fn refuse(run: &JobRun, path: &str) {
    refuse_kind(run, path, ItemKind::File);
}

fn refuse_kind(run: &JobRun, path: &str, kind: ItemKind) {
    let mut refused = report(&item(99, path));
    refused.kind = kind;
    refused.status = ItemStatus::Error(error());
    run.note(vec![Fact::Refused { report: Box::new(refused) }]).unwrap();
}

fn fail(run: &JobRun, item: &PlannedItem) {
    run.note(vec![ended(item, ItemStatus::Error(error()))]).unwrap();
}

fn some_failed(ok: u64, failed: u64) -> Report {
    let mut report = all_ok(ok);
    report.tally.failed = failed;
    report
}

/// A job of which `a` is copied, `d/z` has failed and `d/x` was refused.
fn job(scene: &Scene) -> JobId {
    let run = scene.first_run();
    let items = [item(0, "a"), item(1, "d/z")];
    run.append(Queue::Items, items.to_vec()).unwrap();
    refuse(&run, "d/x");
    run.record(planned(2)).unwrap();
    copy(&run, &items[..1]);
    fail(&run, &items[1]);
    let job = run.job();
    run.finish(&some_failed(1, 2)).unwrap();
    job
}

fn retry(scene: &Scene, job: JobId) -> JobRun {
    scene.ledger.begin_run(job, RunKind::Retry, 9).unwrap()
}

fn state(scene: &Scene, job: JobId) -> JobState {
    scene.ledger.job(job).unwrap().state
}

#[test]
fn what_a_run_has_planned_that_was_refused_stays_failed() {
    let scene = scene();
    let job = job(&scene);
    let both = [vec![rel("d/x"), rel("d/z")]];
    for kind in [RunKind::Retry, RunKind::Resume] {
        let run = scene.ledger.begin_run(job, kind, 9).unwrap();
        run.append(Queue::Items, vec![item(run.first_item().0, "d/z")]).unwrap();
        run.finish_as(Outcome::Refused, Sums::default()).unwrap();
        assert_eq!(scene.ledger.failed_paths(job).unwrap(), both, "{kind:?}");
        // One that died before it knew what to do has found out nothing either.
        drop(scene.ledger.begin_run(job, kind, 9).unwrap());
        assert_eq!(scene.ledger.failed_paths(job).unwrap(), both, "{kind:?}");
    }
}

#[test]
fn a_job_is_not_finished_as_long_as_something_is_failed() {
    let scene = scene();
    let job = job(&scene);
    let run = retry(&scene, job);
    let again = item(2, "d/z");
    run.append(Queue::Items, vec![again.clone()]).unwrap();
    run.record(planned(1)).unwrap();
    copy(&run, std::slice::from_ref(&again));
    refuse(&run, "d/x");
    // Even if it does not say so itself.
    run.finish(&all_ok(1)).unwrap();
    assert_eq!(state(&scene, job), JobState::Incomplete);
    let run = retry(&scene, job);
    assert_eq!(run.failed_paths().unwrap(), [vec![rel("d/x")]]);
    let again = item(3, "d/x");
    run.append(Queue::Items, vec![again.clone()]).unwrap();
    run.record(planned(1)).unwrap();
    copy(&run, std::slice::from_ref(&again));
    run.finish(&all_ok(1)).unwrap();
    assert_eq!(state(&scene, job), JobState::Finished);
    assert_eq!(scene.ledger.failed_paths(job).unwrap(), [vec![]]);
}

#[test]
fn what_was_planned_again_and_not_copied_stays_failed() {
    let scene = scene();
    let job = job(&scene);
    let run = retry(&scene, job);
    let again = [item(2, "d/x"), item(3, "d/z")];
    run.append(Queue::Items, again.to_vec()).unwrap();
    run.record(planned(2)).unwrap();
    run.note(again.iter().map(|item| ended(item, ItemStatus::Cancelled)).collect()).unwrap();
    run.finish_as(Outcome::Cancelled, Sums::default()).unwrap();
    assert_eq!(scene.ledger.failed_paths(job).unwrap(), [vec![rel("d/x"), rel("d/z")]]);
}

#[test]
fn a_refused_directory_is_dealt_with_when_a_run_could_look_into_it() {
    // What could not be looked at at all is taken for a file.
    for kind in [ItemKind::Directory, ItemKind::File] {
        let scene = scene();
        let run = scene.first_run();
        let job = run.job();
        refuse_kind(&run, "d", kind);
        run.record(planned(0)).unwrap();
        run.finish(&some_failed(0, 1)).unwrap();
        let run = retry(&scene, job);
        refuse_kind(&run, "d", kind);
        run.record(planned(0)).unwrap();
        run.finish(&some_failed(0, 1)).unwrap();
        let run = retry(&scene, job);
        assert_eq!(run.failed_paths().unwrap(), [vec![rel("d")]]);
        // Directories are no items: what is in them is.
        run.append(Queue::Items, vec![item(0, "d/new")]).unwrap();
        run.record(planned(1)).unwrap();
        copy(&run, &[item(0, "d/new")]);
        run.finish(&all_ok(1)).unwrap();
        assert_eq!(state(&scene, job), JobState::Finished, "{kind:?}");
    }
}

#[test]
fn what_was_copied_before_it_was_refused_need_not_be_copied_again() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    run.append(Queue::Items, vec![item(0, "a")]).unwrap();
    run.record(planned(1)).unwrap();
    copy(&run, &[item(0, "a")]);
    run.finish(&all_ok(1)).unwrap();
    let run = scene.resume(job);
    refuse(&run, "a");
    run.record(planned(0)).unwrap();
    run.finish(&some_failed(0, 1)).unwrap();
    let run = retry(&scene, job);
    assert_eq!(run.failed_paths().unwrap(), [vec![rel("a")]]);
    run.record(planned(0)).unwrap();
    run.finish(&all_ok(0)).unwrap();
    assert_eq!(state(&scene, job), JobState::Finished);
}

#[test]
fn what_a_run_through_the_whole_job_did_not_meet_is_gone() {
    let scene = scene();
    let job = job(&scene);
    let run = scene.resume(job);
    run.record(planned(0)).unwrap();
    run.finish(&all_ok(0)).unwrap();
    assert_eq!(scene.ledger.failed_paths(job).unwrap(), [vec![]]);
    assert_eq!(state(&scene, job), JobState::Finished);
}

#[test]
fn to_try_again_what_failed_ends_no_job_of_which_more_is_left() {
    for failed in [0, 1] {
        let scene = scene();
        let run = scene.first_run();
        let job = run.job();
        run.append(Queue::Items, vec![item(0, "a"), item(1, "b")]).unwrap();
        run.record(planned(2)).unwrap();
        fail(&run, &item(0, "a"));
        drop(run);
        assert_eq!(state(&scene, job), JobState::Interrupted);
        let run = retry(&scene, job);
        let again = item(2, "a");
        run.append(Queue::Items, vec![again.clone()]).unwrap();
        run.record(planned(1)).unwrap();
        match failed {
            0 => copy(&run, &[again]),
            _ => fail(&run, &again),
        }
        run.finish(&some_failed(1 - failed, failed)).unwrap();
        assert_eq!(state(&scene, job), JobState::Interrupted, "{failed} failed");
    }
}

/// The contents of a directory, typed with a slash behind it.
#[test]
fn what_was_refused_of_the_contents_of_a_directory_is_known_to_be_well() {
    let scene = scene();
    let mut request = spec();
    request.mappings[0].source_root = PathBuf::from("/from/");
    let run = scene.ledger.create_job(&request).unwrap().begin(7).unwrap();
    let job = run.job();
    for path in ["x", "d/x"] {
        refuse(&run, path);
    }
    run.record(planned(0)).unwrap();
    run.finish(&some_failed(0, 2)).unwrap();
    let run = retry(&scene, job);
    assert_eq!(run.failed_paths().unwrap(), [vec![rel("d/x"), rel("x")]]);
    let again = [item(0, "x"), item(1, "d/x")];
    run.append(Queue::Items, again.to_vec()).unwrap();
    run.record(planned(2)).unwrap();
    copy(&run, &again);
    run.finish(&all_ok(2)).unwrap();
    assert_eq!(state(&scene, job), JobState::Finished);
    let refusals = scene.ledger.refusals(job, 0, 9).unwrap();
    assert!(refusals.iter().all(|refusal| refusal.is_superseded), "{refusals:?}");
}

#[test]
fn of_a_source_within_a_source_each_has_its_own_failures() {
    let scene = scene();
    let mut request = spec();
    request.mappings.push(Mapping {
        source_root: PathBuf::from("/from"),
        source: rel("d"),
        destination_root: PathBuf::from("/to"),
        target: rel("other"),
    });
    let run = scene.ledger.create_job(&request).unwrap().begin(7).unwrap();
    let job = run.job();
    // Of the first, whose targets are beneath /to/in.
    refuse(&run, "d/x");
    run.record(planned(0)).unwrap();
    run.finish(&some_failed(0, 1)).unwrap();
    assert_eq!(scene.ledger.failed_paths(job).unwrap(), [vec![rel("d/x")], vec![]]);
}
