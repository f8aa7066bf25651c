//! Every planned item is handed out, once and in order, however it was put into its line.

use rusqlite::Connection;
use surecopy_engine::{History, Journal, PlannedItem, Queue, WorkList};

use crate::scene::{item, path, planned, scene};

/// So many that not all of them are at hand.
const ITEMS: usize = 46_000;

#[test]
fn all_items_are_handed_out_however_they_were_put_down() {
    let scene = scene();
    let run = scene.first_run();
    let mut lines: [Vec<PlannedItem>; 2] = Default::default();
    let sizes = [1_000, 501, 1, 999, 730, 1_000];
    let mut next = 0;
    for (at, size) in sizes.into_iter().cycle().enumerate() {
        if next >= ITEMS {
            break;
        }
        let batch: Vec<_> =
            (next..next + size).map(|id| item(id as u64, &format!("f{id}"))).collect();
        next += size;
        // Nearly all are in one line.
        let queue = if at % 12 == 1 { Queue::FurtherNames } else { Queue::Items };
        run.append(queue, batch.clone()).unwrap();
        lines[usize::from(queue == Queue::FurtherNames)].extend(batch);
    }
    for (queue, line) in [Queue::Items, Queue::FurtherNames].into_iter().zip(lines) {
        let mut handed = Vec::new();
        for limit in [64, 1, 300].into_iter().cycle() {
            let batch = run.claim(queue, limit).unwrap();
            if batch.is_empty() {
                break;
            }
            handed.extend(batch);
        }
        assert_eq!(handed.len(), line.len(), "{queue:?}");
        assert!(handed == line, "{queue:?}: the order");
    }
    assert_eq!(run.rest().items, 0);
}

#[test]
fn what_is_put_down_while_others_are_handed_out_comes_too() {
    let scene = scene();
    let run = scene.first_run();
    let items: Vec<_> = (0..30).map(|id| item(id, &format!("f{id}"))).collect();
    let mut handed = Vec::new();
    for batch in items.chunks(3) {
        run.append(Queue::Items, batch.to_vec()).unwrap();
        handed.extend(run.claim(Queue::Items, 2).unwrap());
    }
    for _ in 0..items.len() {
        handed.extend(run.claim(Queue::Items, 2).unwrap());
    }
    assert_eq!(handed, items);
}

#[test]
fn what_is_handed_out_counts_as_begun_and_what_is_far_behind_does_not() {
    const ALL: u64 = 10_000;
    let scene = scene();
    let run = scene.first_run();
    let items: Vec<_> = (0..ALL).map(|id| item(id, &format!("d{id}/f"))).collect();
    for batch in items.chunks(1_000) {
        run.append(Queue::Items, batch.to_vec()).unwrap();
    }
    run.note(planned(ALL)).unwrap();
    let mut handed = 0;
    while handed < 5_000 {
        handed += run.claim(Queue::Items, 64).unwrap().len();
    }
    let job = run.job();
    drop(run);
    let in_flight = scene.resume(job).in_flight().directories.len();
    assert!(in_flight >= handed, "{in_flight} of {handed}");
    assert!(in_flight < ALL as usize, "{in_flight}");
}

#[test]
fn whoever_waits_for_items_hears_that_the_ledger_has_failed() {
    let scene = scene();
    let run = scene.first_run();
    run.append(Queue::Items, vec![item(0, "a")]).unwrap();
    assert_eq!(run.claim(Queue::Items, 9).unwrap().len(), 1);
    // The same number again.
    run.append(Queue::Items, vec![item(0, "a")]).unwrap();
    run.claim(Queue::Items, 9).unwrap_err();
    run.claim(Queue::FurtherNames, 9).unwrap();
}

#[test]
fn items_are_handed_out_when_it_is_written_down_where_they_go_and_not_before() {
    let scene = scene();
    let run = scene.first_run();
    let items: Vec<_> = (0..10_000).map(|id| item(id, &format!("d{id}/f"))).collect();
    for batch in items.chunks(1_000) {
        run.append(Queue::Items, batch.to_vec()).unwrap();
    }
    run.note(planned(10_000)).unwrap();
    assert!(!run.claim(Queue::Items, 64).unwrap().is_empty());
    let connection = Connection::open(path(&scene.temp)).unwrap();
    let roots: u64 = connection.query_row("SELECT count(*) FROM roots", (), |r| r.get(0)).unwrap();
    assert_eq!(roots, 1);
}

#[test]
fn nothing_was_begun_by_a_run_that_died_while_it_planned() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    run.append(Queue::Items, vec![item(0, "a"), item(1, "deep/b")]).unwrap();
    drop(run);
    assert!(scene.resume(job).in_flight().directories.is_empty());
}
