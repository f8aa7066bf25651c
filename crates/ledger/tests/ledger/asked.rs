//! What is told of jobs and runs to whoever asks, whatever else is true of them.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use surecopy_engine::{
    Check, ErrorCode, Fact, ItemError, ItemStatus, Journal, Outcome, Queue, Seen, SkipReason,
    Snapshot, WorkList,
};
use surecopy_ledger::{
    AuditBreak, JobId, JobRun, JobState, Ledger, LedgerError, ProgressRecord, RunKind, Sums,
};

use crate::scene::{
    Scene, all_ok, copy, ended, item, path, planned, rel, report, scene, seen, spec,
};

fn tamper(scene: &Scene, sql: &str) {
    let connection = Connection::open(path(&scene.temp)).unwrap();
    connection.execute("DROP TRIGGER IF EXISTS audit_is_never_changed", ()).unwrap();
    assert_eq!(connection.execute(sql, ()).unwrap(), 1, "{sql}");
}

fn error() -> ItemError {
    ItemError::new(ErrorCode::SourceUnreadable, "/from/x".into(), "no")
}

#[test]
fn a_job_is_told_by_its_number() {
    assert_eq!(JobId(17).to_string(), "17");
    assert_eq!(format!("{:>4}", JobId(17)), "  17");
}

/// A run that was interrupted can be gone on with, one that came to an end with failures is retried.
#[test]
fn what_has_come_to_its_end_is_not_resumed() {
    let complete = [JobState::Finished, JobState::Incomplete, JobState::Undone];
    for state in JobState::ALL {
        assert_eq!(state.is_complete(), complete.contains(&state), "{state:?}");
    }
}

#[test]
fn the_sums_of_a_run_are_those_it_ended_with() {
    let scene = scene();
    let run = scene.first_run();
    assert!(run.remembers_directories());
    let job = run.job();
    run.record(planned(0)).unwrap();
    let sums = Sums {
        ok: 1,
        skipped: 2,
        failed: 3,
        cancelled: 4,
        mismatched: 5,
        bytes_copied: 6,
        bytes_ok: 7,
        bytes_failed: 8,
        metadata_incomplete: 9,
        left_behind: 10,
        unfinished_directories: 11,
    };
    run.finish_as(Outcome::Finished, sums).unwrap();
    assert_eq!(scene.ledger.job(job).unwrap().runs[0].sums, sums);
}

#[test]
fn directories_that_a_job_made_are_told_the_deepest_first() {
    let scene = scene();
    let run = scene.first_run();
    for made in ["in", "in/deep", "in/deep/er"] {
        run.note(vec![Fact::DirectoryMade { mapping: 0, path: rel(made) }]).unwrap();
    }
    run.record(planned(0)).unwrap();
    let made = [(0, rel("in/deep/er")), (0, rel("in/deep")), (0, rel("in"))];
    assert_eq!(run.made_directories().unwrap(), made);
    let job = run.job();
    run.finish(&all_ok(0)).unwrap();
    assert_eq!(scene.ledger.made_directories(job).unwrap(), made);
}

/// Both the request and what the audit log has of it were changed; the digest was not.
#[test]
fn what_was_asked_for_is_held_against_the_digest_of_its_record() {
    let scene = scene();
    let job = scene.job();
    tamper(&scene, "UPDATE jobs SET request = replace(request, '/to', '/no')");
    tamper(&scene, "UPDATE audit SET body = replace(body, '/to', '/no') WHERE record = 1");
    let error = scene.ledger.begin_run(job, RunKind::Resume, 8).unwrap_err();
    assert_eq!(error, LedgerError::RequestChanged { job });
}

/// Whoever has just taken the slot is waited for, to be told by name.
#[test]
fn a_job_that_somebody_begins_is_waited_for() {
    let scene = scene();
    let new = scene.ledger.create_job(&spec()).unwrap();
    let begun = Instant::now();
    let error = scene.again().begin_run(new.id(), RunKind::Resume, 8).unwrap_err();
    assert_eq!(error, LedgerError::JobIsBeginning { job: new.id() });
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
}

/// The lock file cannot be had, though the ledger can be written.
#[test]
fn a_ledger_without_its_locks_is_not_worked_with() {
    let scene = scene();
    let ledger = path(&scene.temp);
    let state = ledger.parent().unwrap();
    let is_lock = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.contains("lock")
    };
    let files = std::fs::read_dir(state).unwrap().map(|entry| entry.unwrap().path());
    let locks: Vec<_> = files.filter(is_lock).collect();
    assert_eq!(locks.len(), 1, "{locks:?}");
    std::fs::remove_file(&locks[0]).unwrap();
    std::fs::create_dir(&locks[0]).unwrap();
    assert!(Ledger::open_existing(&ledger).is_err());
}

fn progress(scene: &Scene, job: JobId) -> Option<ProgressRecord> {
    scene.ledger.job(job).unwrap().runs.pop().unwrap().progress
}

#[test]
fn counters_are_shown_once_a_second() {
    let scene = scene();
    let run = scene.first_run();
    let of = |items_done| Snapshot { items_done, ..Snapshot::default() };
    loop {
        let begun = Instant::now();
        run.tick(&of(1));
        run.tick(&of(2));
        // Written in the order in which they were told.
        run.record(vec![]).unwrap();
        if begun.elapsed() < Duration::from_secs(1) {
            break;
        }
    }
    assert_eq!(progress(&scene, run.job()).unwrap().items_done, 1);
    std::thread::sleep(Duration::from_millis(1_010));
    run.tick(&of(3));
    run.record(vec![]).unwrap();
    assert_eq!(progress(&scene, run.job()).unwrap().items_done, 3);
}

#[test]
fn what_is_left_goes_down_as_items_are_taken() {
    let scene = scene();
    let run = scene.first_run();
    run.append(Queue::Items, (0..3).map(|id| item(id, &format!("{id}"))).collect()).unwrap();
    run.record(planned(3)).unwrap();
    for left in [2, 1, 0] {
        run.claim(Queue::Items, 1).unwrap();
        assert_eq!((run.rest().items, run.rest().bytes), (left, left * 4_096));
    }
}

fn told_of(run: &JobRun, name: &str) -> surecopy_engine::Known {
    use surecopy_engine::History;
    run.known(0, &rel(name)).unwrap()
}

/// The tables say that it was copied, and the audit log does not: it is looked at anew.
#[test]
fn an_item_that_only_the_tables_call_copied_is_not_known() {
    let scene = scene();
    let run = scene.first_run();
    let one = item(0, "a");
    run.append(Queue::Items, vec![one.clone()]).unwrap();
    run.record(planned(1)).unwrap();
    let mut skipped = report(&one);
    skipped.status = ItemStatus::Skipped(SkipReason::TargetNewer);
    skipped.landed = None;
    run.record(vec![Fact::Ended { item: one.id, report: Box::new(skipped) }]).unwrap();
    let job = run.job();
    run.finish(&all_ok(0)).unwrap();
    assert!(matches!(told_of(&scene.resume(job), "a"), surecopy_engine::Known::Skipped { .. }));
    tamper(&scene, "UPDATE ends SET state = 'ok'");
    assert_eq!(told_of(&scene.resume(job), "a"), surecopy_engine::Known::Nothing);
}

fn refuse(run: &JobRun, path: &str) {
    let mut refused = report(&item(99, path));
    refused.status = ItemStatus::Error(error());
    run.note(vec![Fact::Refused { report: Box::new(refused) }]).unwrap();
}

fn superseded(scene: &Scene, job: JobId) -> Vec<bool> {
    let refusals = scene.ledger.refusals(job, 0, 9).unwrap();
    refusals.into_iter().map(|refusal| refusal.is_superseded).collect()
}

#[test]
fn a_refusal_stands_until_a_run_has_looked_at_everything() {
    let scene = scene();
    let run = scene.first_run();
    refuse(&run, "a");
    run.record(planned(0)).unwrap();
    let job = run.job();
    run.finish(&all_ok(0)).unwrap();
    assert_eq!(superseded(&scene, job), [false]);
    // Refused again, the later one stands.
    let run = scene.resume(job);
    refuse(&run, "a");
    run.record(planned(0)).unwrap();
    run.finish(&all_ok(0)).unwrap();
    assert_eq!(superseded(&scene, job), [true, false]);
    // Not met any more.
    let run = scene.resume(job);
    run.record(planned(0)).unwrap();
    run.finish(&all_ok(0)).unwrap();
    assert_eq!(superseded(&scene, job), [true, true]);
}

/// It had failed before, and what tried again then did not come to it.
#[test]
fn an_earlier_failure_does_not_end_a_refusal() {
    let scene = scene();
    let run = scene.first_run();
    run.append(Queue::Items, vec![item(0, "a")]).unwrap();
    run.record(planned(1)).unwrap();
    run.note(vec![ended(&item(0, "a"), ItemStatus::Error(error()))]).unwrap();
    let job = run.job();
    run.finish(&all_ok(0)).unwrap();
    let run = scene.resume(job);
    refuse(&run, "a");
    run.record(planned(0)).unwrap();
    run.finish(&all_ok(0)).unwrap();
    let run = scene.ledger.begin_run(job, RunKind::Retry, 9).unwrap();
    run.record(planned(0)).unwrap();
    run.finish(&all_ok(0)).unwrap();
    assert_eq!(superseded(&scene, job), [false]);
    assert_eq!(scene.ledger.failed_paths(job).unwrap(), [vec![rel("a")]]);
}

/// A check that died has found what it had found.
#[test]
fn damage_found_by_a_check_that_died_is_told() {
    let scene = scene();
    let run = scene.first_run();
    let items = [item(0, "a"), item(1, "b")];
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(2)).unwrap();
    copy(&run, &items);
    let job = run.job();
    run.finish(&all_ok(2)).unwrap();
    let run = scene.ledger.begin_run(job, RunKind::Verify, 8).unwrap();
    let found = Check::Damaged(error());
    run.note(vec![Fact::Checked { item: items[1].id, found }]).unwrap();
    drop(run);
    assert_eq!(scene.ledger.job(job).unwrap().damaged, 1);
}

/// A job that has replaced two files, and keeps what they were if it is to. Another one was to be replaced
/// too, and was gone when it came to that.
fn keeping(scene: &Scene, keeps: bool) -> JobId {
    let mut request = spec();
    request.keep_replaced = keeps;
    let run = scene.ledger.create_job(&request).unwrap().begin(7).unwrap();
    let old: Seen = seen(5, 4_096);
    let mut items = [item(0, "gone"), item(1, "a"), item(2, "b")];
    for item in &mut items {
        item.action = surecopy_engine::Action::Replace(old);
    }
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(3)).unwrap();
    let kept = |item: &surecopy_engine::PlannedItem| {
        let mut report = report(item);
        report.landed.as_mut().unwrap().replaced = Some(old);
        report.backup = Some(report.target.with_file_name("kept"));
        Fact::Ended { item: item.id, report: Box::new(report) }
    };
    copy(&run, &items[..1]);
    run.record(items[1..].iter().map(kept).collect()).unwrap();
    let job = run.job();
    run.finish(&all_ok(3)).unwrap();
    job
}

#[test]
fn what_was_kept_and_is_given_up_is_told() {
    let scene = scene();
    let job = keeping(&scene, true);
    assert!(!scene.ledger.has_given_up(job).unwrap());
    // One that came to nothing.
    let run = scene.ledger.begin_run(job, RunKind::Discard, 8).unwrap();
    run.finish_as(Outcome::Cancelled, Sums::default()).unwrap();
    assert!(!scene.ledger.has_given_up(job).unwrap());
    let run = scene.ledger.begin_run(job, RunKind::Discard, 8).unwrap();
    run.note(vec![Fact::Discarded { item: item(1, "a").id }]).unwrap();
    run.finish_as(Outcome::Cancelled, Sums::default()).unwrap();
    assert!(scene.ledger.has_given_up(job).unwrap());
    // What was never kept is not given up.
    let job = keeping(&scene, false);
    assert!(!scene.ledger.has_given_up(job).unwrap());
}

/// While it is at work, and when it has died.
#[test]
fn what_an_undo_has_undone_is_counted_when_it_is_over() {
    let scene = scene();
    let job = keeping(&scene, true);
    let counted = || scene.ledger.job(job).unwrap().undone;
    let run = scene.ledger.begin_run(job, RunKind::Undo, 8).unwrap();
    run.record(vec![Fact::Undone { item: item(0, "a").id }]).unwrap();
    assert_eq!(counted(), 0, "its own counters tell");
    drop(run);
    assert_eq!(counted(), 1);
    // Another run at work has nothing to tell of that.
    let run = scene.ledger.begin_run(job, RunKind::Verify, 8).unwrap();
    assert_eq!(counted(), 1);
    run.finish_as(Outcome::Finished, Sums::default()).unwrap();
    assert_eq!(counted(), 1);
}

#[test]
fn an_end_that_the_tables_call_something_else_is_found() {
    for status in [ItemStatus::Error(error()), ItemStatus::Skipped(SkipReason::TargetNewer)] {
        let scene = scene();
        let run = scene.first_run();
        run.append(Queue::Items, vec![item(0, "a")]).unwrap();
        run.record(planned(1)).unwrap();
        run.note(vec![ended(&item(0, "a"), status)]).unwrap();
        let job = run.job();
        run.finish(&all_ok(0)).unwrap();
        let broken = || scene.ledger.check_audit(job).unwrap().broken;
        assert_eq!(broken(), None);
        tamper(&scene, "UPDATE ends SET state = 'cancelled'");
        assert!(matches!(broken(), Some(AuditBreak::End { item: 0, .. })), "{:?}", broken());
    }
}

#[test]
fn directories_of_forgotten_jobs_are_forgotten() {
    let scene = scene();
    let count = || {
        let connection = Connection::open(path(&scene.temp)).unwrap();
        connection.query_row("SELECT count(*) FROM directories", (), |row| row.get::<_, u64>(0))
    };
    let run = scene.first_run();
    run.append(Queue::Items, vec![item(0, "d/a"), item(1, "e/b")]).unwrap();
    run.record(planned(2)).unwrap();
    copy(&run, &[item(0, "d/a"), item(1, "e/b")]);
    run.finish(&all_ok(2)).unwrap();
    assert!(count().unwrap() >= 2);
    assert_eq!(scene.ledger.prune(i64::MAX).unwrap().len(), 1);
    assert_eq!(count().unwrap(), 0);
}
