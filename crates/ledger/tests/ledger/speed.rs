//! What the ledger costs. Run by hand, in a release build: `cargo test --release -p surecopy-ledger
//! --test ledger -- --ignored --nocapture speed`.

use std::time::Instant;

use surecopy_engine::{BATCH, History, Journal, PlannedItem, Queue, WorkList};

use crate::scene::{all_ok, copy, item, planned, rel, scene};

/// What this process has had of the processors, in seconds: other programs do not count.
fn processor_secs() -> f64 {
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / TICKS
}

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
    let begin = || (Instant::now(), processor_secs());
    let each = |what: &str, (begun, before): (Instant, f64)| {
        let micros = |secs: f64| secs * 1e6 / COUNT as f64;
        let (took, used) = (begun.elapsed().as_secs_f64(), processor_secs() - before);
        println!("{what}: {:.1} \u{b5}s an item, {:.1} of a processor", micros(took), micros(used));
    };
    let all = begin();
    let begun = begin();
    for batch in items.chunks(BATCH) {
        run.append(Queue::Items, batch.to_vec()).unwrap();
    }
    run.record(planned(COUNT)).unwrap();
    each("planned", begun);
    let begun = begin();
    let mut claimed = Vec::new();
    loop {
        let next = run.claim(Queue::Items, 128).unwrap();
        if next.is_empty() {
            break;
        }
        claimed.push(next);
    }
    each("claimed", begun);
    let begun = begin();
    for group in &claimed {
        copy(&run, group);
    }
    run.finish(&all_ok(COUNT)).unwrap();
    each("published and ended", begun);
    each("in all", all);
    let size = std::fs::metadata(crate::scene::path(&scene.temp)).unwrap().len();
    println!("on disk: {} bytes an item", size / COUNT);
    let begun = begin();
    scene.ledger.check_database().unwrap();
    each("found whole", begun);
    let begun = begin();
    assert_eq!(scene.ledger.check_audit(job).unwrap().broken, None);
    each("audit log checked", begun);
    let run = scene.resume(job);
    let begun = begin();
    for item in &items {
        run.known(0, &item.path).unwrap();
    }
    each("known", begun);
    let begun = begin();
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
