//! How long what is complete waits before it is visible, durable and told of.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use surecopy_engine::{Control, CopySpec, Fact, Journal, StrategyChoice};
use surecopy_fs::{Operation, Timestamp};
use surecopy_testkit::FakeFs;

use crate::job::{Ran, Recording, carry_out, carry_out_with, spec};

fn scene(files: &[(&str, usize)]) -> (FakeFs, CopySpec) {
    let fs = FakeFs::new();
    fs.dir("/dst");
    for (name, size) in files {
        fs.file(format!("/src/{name}"), vec![b'x'; *size]);
    }
    let spec = spec(&fs, &["/src/"], "/dst");
    (fs, spec)
}

#[test]
fn what_is_complete_does_not_wait_for_a_large_file() {
    let (fs, mut spec) = scene(&[("a", 10), ("b", 10), ("c-large", 5_000), ("d", 10)]);
    spec.limits.group_max_bytes = 5_000;
    let was_there = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&was_there);
    fs.before(Operation::CreatePartial, move |fs, nth| {
        if nth == 3 {
            seen.store(fs.exists("/dst/a") && fs.exists("/dst/b"), Ordering::Relaxed);
        }
    });
    carry_out(&Arc::new(fs), &spec).all_ok();
    assert!(was_there.load(Ordering::Relaxed), "they wait while the large one is copied");
}

/// Time passes by being looked at: the items in between take none but what that takes.
#[test]
fn what_is_complete_does_not_wait_for_many_that_are_skipped() {
    const SKIPPED: usize = 3_000;
    let (fs, mut spec) = scene(&[("a", 10), ("c", 10)]);
    for nth in 0..SKIPPED {
        for root in ["src", "dst"] {
            let path = format!("/{root}/b{nth:04}");
            fs.file(&path, "same").modified(&path, Timestamp { secs: 1, nanos: 1 });
        }
    }
    spec.limits.group_max_millis = 1;
    let was_there = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&was_there);
    fs.before(Operation::CreatePartial, move |fs, nth| {
        if nth == 2 {
            seen.store(fs.exists("/dst/a"), Ordering::Relaxed);
        }
    });
    let ran = carry_out(&Arc::new(fs), &spec);
    assert_eq!((ran.report.tally.ok, ran.report.tally.skipped), (2, SKIPPED as u64));
    assert!(was_there.load(Ordering::Relaxed), "it waits until something else is copied");
}

/// What came of a job that was paused.
pub(crate) struct Paused {
    pub(crate) ran: Ran,
    /// What was complete was there before it went on.
    pub(crate) is_committed: bool,
    /// Items that were begun by then.
    pub(crate) begun: u64,
}

/// Pauses the job before this call, and lets it go on when all that was complete by then is there, and
/// recorded.
pub(crate) fn paused(
    fs: FakeFs,
    spec: &CopySpec,
    at: (Operation, u64),
    complete: &[&str],
    journal: &(dyn Journal + Sync),
    facts: &(dyn Fn() -> Vec<Fact> + Sync),
) -> Paused {
    const LONG: Duration = Duration::from_secs(20);
    // Time to begin another item, were that possible.
    const SHORT: Duration = Duration::from_millis(20);
    let control = Control::new();
    let switch = control.clone();
    fs.before(at.0, move |_, nth| {
        if nth == at.1 {
            switch.pause();
        }
    });
    let fs = Arc::new(fs);
    let are_there = || {
        let is_end = |fact: &Fact| matches!(fact, Fact::Ended { .. });
        let ended = facts().iter().filter(|fact| is_end(fact)).count();
        let is_visible = |name: &&str| fs.exists(Path::new("/dst").join(name));
        complete.iter().all(is_visible) && ended >= complete.len()
    };
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !control.is_paused() && !is_over.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
            let begun = Instant::now();
            while !are_there() && begun.elapsed() < LONG {
                std::thread::yield_now();
            }
            let is_committed = control.is_paused() && are_there();
            let seen = Instant::now();
            while seen.elapsed() < SHORT {
                std::thread::yield_now();
            }
            let begun = fs.count(Operation::OpenSource);
            control.resume();
            (is_committed, begun)
        });
        let ran = carry_out_with(&fs, spec, journal, &control);
        is_over.store(true, Ordering::Release);
        let (is_committed, begun) = watcher.join().expect("the watcher does not panic");
        Paused { ran, is_committed, begun }
    })
}

#[test]
fn what_is_complete_does_not_wait_for_the_end_of_a_pause() {
    for (at, group_files, complete) in [
        // When the second is begun, ...
        ((Operation::OpenSource, 2), 128, 2),
        // ... while it is copied, ...
        ((Operation::Write, 2), 128, 2),
        // ... and while a group is flushed and proved.
        ((Operation::FlushVolume, 1), 128, 4),
        ((Operation::OpenReadBack, 1), 128, 4),
        ((Operation::FlushFile, 1), 2, 2),
        ((Operation::OpenReadBack, 2), 2, 2),
        // When a group was published, and the next file is in the middle of being copied.
        ((Operation::Write, 4), 2, 3),
    ] {
        let (fs, mut spec) = scene(&[("a", 10), ("b", 10), ("c", 300_000), ("d", 10)]);
        spec.limits.group_max_files = group_files;
        spec.strategy = StrategyChoice::Staged;
        let journal = Recording::default();
        let complete = &["a", "b", "c", "d"][..complete];
        let paused = paused(fs, &spec, at, complete, &journal, &|| journal.facts());
        paused.ran.all_ok();
        assert!(paused.is_committed, "{at:?}");
        assert_eq!(
            paused.begun,
            complete.len() as u64,
            "an item was begun during the pause: {at:?}"
        );
    }
}
