//! What the ledger costs. Run by hand, in a release build: `cargo test --release -p surecopy-ledger
//! --test ledger -- --ignored --nocapture speed`.

use std::time::Instant;

use surecopy_engine::{BATCH, History, Journal, PlannedItem, Queue, WorkList};

use crate::scene::{all_ok, copy, item, planned, rel, scene};

/// Items in directories of a hundred.
fn items(count: u64) -> Vec<PlannedItem> {
    let path = |id: u64| format!("project/part {}/file number {id}.txt", id / 100);
    (0..count).map(|id| item(id, &path(id))).collect()
}

#[test]
#[ignore = "it measures, and says nothing about right or wrong"]
fn speed() {
    const COUNT: u64 = 36_000;
    let items = items(COUNT);
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    let each = |what: &str, begun: Instant| {
        println!(
            "{what}: {:.2} \u{b5}s an item",
            begun.elapsed().as_secs_f64() * 1e6 / COUNT as f64
        );
    };
    let all = Instant::now();
    let begun = Instant::now();
    for batch in items.chunks(BATCH) {
        run.append(Queue::Items, batch.to_vec()).unwrap();
    }
    run.record(planned(COUNT)).unwrap();
    each("planned", begun);
    let begun = Instant::now();
    let mut claimed = Vec::new();
    loop {
        let next = run.claim(Queue::Items, 128).unwrap();
        if next.is_empty() {
            break;
        }
        claimed.push(next);
    }
    each("claimed", begun);
    let begun = Instant::now();
    for group in &claimed {
        copy(&run, group);
    }
    run.finish(&all_ok(COUNT)).unwrap();
    each("published and ended", begun);
    each("in all", all);
    let size = std::fs::metadata(crate::scene::path(&scene.temp)).unwrap().len();
    println!("on disk: {} bytes an item", size / COUNT);
    let run = scene.resume(job);
    let begun = Instant::now();
    for item in &items {
        run.known(0, &item.path).unwrap();
    }
    let took = begun.elapsed();
    println!("known: {:.0} a second", COUNT as f64 / took.as_secs_f64());
    let begun = Instant::now();
    for batch in items.chunks(BATCH) {
        let again = batch.iter().cloned().map(|mut item| {
            item.id.0 += COUNT;
            item
        });
        run.append(Queue::Items, again.collect()).unwrap();
    }
    run.record(planned(COUNT)).unwrap();
    each("planned again, with a look for earlier digests", begun);
    assert_eq!(run.known(0, &rel("nothing")).unwrap(), surecopy_engine::Known::Nothing);
}
