//! What is known of an entry, by how it ended.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use surecopy_engine::{
    Action, Check, ErrorCode, Evidence, Fact, History, ItemError, ItemStatus, Journal, Known,
    Landed, PlannedItem, Queue, SkipReason, Snapshot, WorkList,
};
use surecopy_ledger::JobRun;

use crate::scene::{all_ok, copy, done, ended, item, path, planned, rel, report, scene};

fn skipped(item: &PlannedItem, reason: SkipReason, landed: Option<Landed>) -> Fact {
    let mut report = report(item);
    (report.status, report.landed) = (ItemStatus::Skipped(reason), landed);
    Fact::Ended { item: item.id, report: Box::new(report) }
}

#[test]
fn every_state() {
    let error = ItemError::new(ErrorCode::SourceMissing, "/from/x".into(), "it is gone");
    let names = [
        "ok",
        "skipped",
        "failed",
        "cancelled",
        "planned",
        "to skip",
        "damaged",
        "undone",
        "same content",
    ];
    let mut items: Vec<PlannedItem> =
        names.iter().zip(0..).map(|(name, id)| item(id, &format!("d/{name}"))).collect();
    items[5].action = Action::Skip(SkipReason::Identical);
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    run.append(Queue::Items, items.clone()).unwrap();
    run.record(planned(9)).unwrap();
    let good = [items[0].clone(), items[6].clone(), items[7].clone()];
    copy(&run, &good);
    run.note(vec![
        skipped(&items[1], SkipReason::TargetNewer, None),
        skipped(&items[8], SkipReason::IdenticalContent, report(&items[8]).landed),
        ended(&items[2], ItemStatus::Error(error.clone())),
        ended(&items[3], ItemStatus::Cancelled),
        Fact::Checked { item: items[0].id, found: Check::Same(Evidence::Cache) },
        Fact::Checked { item: items[6].id, found: Check::Damaged(error) },
        Fact::Undone { item: items[7].id },
    ])
    .unwrap();
    run.finish(&all_ok(3)).unwrap();
    let run = scene.resume(job);
    let known = |name: &str| run.known(0, &rel(&format!("d/{name}"))).unwrap();
    for (name, item) in [("ok", &items[0]), ("same content", &items[8])] {
        assert_eq!(known(name), Known::Done(done(&report(item))), "{name}");
    }
    let skipped = Known::Skipped { reason: SkipReason::TargetNewer, target_name: None };
    assert_eq!(known("skipped"), skipped);
    for name in ["cancelled", "planned"] {
        assert_eq!(known(name), Known::Unfinished { target_name: None }, "{name}");
    }
    assert!(matches!(known("damaged"), Known::DoneBadly(_)));
    for name in ["failed", "to skip", "undone", "never heard of"] {
        assert_eq!(known(name), Known::Nothing, "{name}");
    }
    assert_eq!(run.known(0, &rel("elsewhere/ok")).unwrap(), Known::Nothing);
    // What this run plans is not from earlier.
    let first = run.first_item().0;
    run.append(Queue::Items, vec![item(first, "d/new"), item(first + 1, "d/ok")]).unwrap();
    run.record(planned(2)).unwrap();
    assert_eq!(run.known(0, &rel("d/new")).unwrap(), Known::Nothing);
    assert!(matches!(known("ok"), Known::Done(_)));
}

/// Writes, and tells whether that can be put into the database at once: not as long as somebody still
/// reads what was there before.
fn is_held_up(run: &JobRun, other: &Connection) -> bool {
    run.record(vec![Fact::DirectoryMade { mapping: 0, path: rel("in/made") }]).unwrap();
    let sql = "PRAGMA wal_checkpoint(PASSIVE)";
    let (written, in_place): (i64, i64) =
        other.query_row(sql, (), |row| Ok((row.get(1)?, row.get(2)?))).unwrap();
    in_place < written
}

/// The run waits for the user after a question, or asks only now and then.
#[test]
fn what_is_asked_seldom_holds_nothing_up_for_long() {
    for is_asking in [false, true] {
        let scene = scene();
        let run = scene.first_run();
        let other = Connection::open(path(&scene.temp)).unwrap();
        run.known(0, &rel("a")).unwrap();
        assert!(is_held_up(&run, &other), "the reader reads");
        let begun = Instant::now();
        let mut questions = 0;
        while is_held_up(&run, &other) {
            assert!(begun.elapsed() < Duration::from_secs(60) && questions < 4_000);
            std::thread::sleep(Duration::from_millis(20));
            if is_asking {
                questions += 1;
                run.known(0, &rel("a")).unwrap();
            } else {
                run.tick(&Snapshot::default());
            }
        }
    }
}

/// However long it was asked nothing since.
#[test]
fn what_was_asked_long_ago_holds_nothing_up() {
    let scene = scene();
    let run = scene.first_run();
    let other = Connection::open(path(&scene.temp)).unwrap();
    run.known(0, &rel("a")).unwrap();
    assert!(is_held_up(&run, &other), "the reader reads");
    std::thread::sleep(Duration::from_millis(600));
    run.tick(&Snapshot::default());
    assert!(!is_held_up(&run, &other));
}

#[test]
fn a_run_that_was_cut_short_hides_nothing_of_what_it_was_to_leave_alone() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    run.append(Queue::Items, vec![item(0, "a")]).unwrap();
    run.record(planned(1)).unwrap();
    copy(&run, &[item(0, "a")]);
    drop(run);
    // It was kept, for the sake of other names; once that comes to be interrupted, once cancelled.
    for end in [None, Some(ItemStatus::Cancelled)] {
        let run = scene.resume(job);
        let mut kept = item(run.first_item().0, "a");
        kept.action = Action::Skip(SkipReason::Identical);
        run.append(Queue::Items, vec![kept.clone()]).unwrap();
        run.record(planned(1)).unwrap();
        run.claim(Queue::Items, 1).unwrap();
        run.record(end.map(|status| ended(&kept, status)).into_iter().collect()).unwrap();
        drop(run);
        let run = scene.resume(job);
        assert!(matches!(run.known(0, &rel("a")).unwrap(), Known::Done(_)));
    }
}
