//! What is known of an entry, by how it ended.

use surecopy_engine::{
    Action, Check, Done, ErrorCode, Evidence, Fact, History, ItemError, ItemStatus, Journal, Known,
    Landed, PlannedItem, Queue, SkipReason, WorkList,
};

use crate::scene::{all_ok, copy, ended, item, planned, rel, report, scene};

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
        let landed = report(item).landed.unwrap();
        let done = Done { source: landed.source, target: landed.target, target_name: None };
        assert_eq!(known(name), Known::Done(done), "{name}");
    }
    let skipped = Known::Skipped { reason: SkipReason::TargetNewer, target_name: None };
    assert_eq!(known("skipped"), skipped);
    for name in ["cancelled", "planned"] {
        assert_eq!(known(name), Known::Unfinished { target_name: None }, "{name}");
    }
    assert!(matches!(known("damaged"), Known::Damaged(_)));
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
