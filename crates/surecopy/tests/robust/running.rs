//! Running jobs, and doing something else meanwhile.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use surecopy::{
    Control, CopyRequest, ErrorCode, Event, ItemReport, ItemStatus, Mechanism, Observer, Report,
    Snapshot, Step,
};

/// Keeps what is told of items.
#[derive(Debug, Default)]
struct Items(Mutex<Vec<ItemReport>>);

impl Observer for Items {
    fn on_event(&self, event: Event) {
        if let Event::ItemFinished(item) = event {
            self.0.lock().expect("no panic while locked").push(*item);
        }
    }
}

/// A job that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) report: Report,
    pub(crate) items: Vec<ItemReport>,
    /// When the call returned.
    pub(crate) at: Instant,
    /// The awaited moment came before the end.
    pub(crate) was_reached: bool,
}

impl Ended {
    /// The one item of the job.
    pub(crate) fn only(&self) -> &ItemReport {
        assert_eq!(self.items.len(), 1, "{:?}", self.items);
        &self.items[0]
    }

    /// The error codes of failed items.
    pub(crate) fn codes(&self) -> Vec<ErrorCode> {
        let error = |item: &ItemReport| match &item.status {
            ItemStatus::Error(error) => Some(error.code),
            _ => None,
        };
        self.items.iter().filter_map(error).collect()
    }
}

/// Runs a job.
pub(crate) fn run(copy: CopyRequest) -> Ended {
    run_and(copy, |_| false, |_| ())
}

/// Runs a job on this thread, which nothing watches.
pub(crate) fn run_here(copy: CopyRequest) -> Ended {
    let items = Items::default();
    let report = copy.prepare().expect("a job").run(&items);
    let items = items.0.into_inner().expect("no panic while locked");
    Ended { report, items, at: Instant::now(), was_reached: false }
}

/// Runs a job on a thread of its own, and acts as soon as its progress shows the awaited moment.
pub(crate) fn run_and(
    copy: CopyRequest,
    is_moment: impl Fn(&Snapshot) -> bool,
    act: impl FnOnce(&Control),
) -> Ended {
    let mut act = Some(act);
    run_watched(copy, |snapshot, control| {
        let was_reached = act.is_some() && is_moment(snapshot);
        if was_reached && let Some(act) = act.take() {
            act(control);
        }
        was_reached
    })
}

/// Runs a job on a thread of its own while its progress is looked at, again and again. `watch` says
/// whether it has acted.
pub(crate) fn run_watched(
    copy: CopyRequest,
    mut watch: impl FnMut(&Snapshot, &Control) -> bool,
) -> Ended {
    let job = copy.prepare().expect("a job");
    let (control, progress) = (job.control(), job.progress());
    let items = Items::default();
    let (report, at, was_reached) = thread::scope(|scope| {
        let running = scope.spawn(|| {
            let report = job.run(&items);
            (report, Instant::now())
        });
        let mut was_reached = false;
        while !running.is_finished() {
            was_reached |= watch(&progress.snapshot(), &control);
            thread::yield_now();
        }
        let (report, at) = running.join().expect("a job does not panic");
        (report, at, was_reached)
    });
    let items = items.0.into_inner().expect("no panic while locked");
    Ended { report, items, at, was_reached }
}

/// Some item has begun this step.
pub(crate) fn is_at(snapshot: &Snapshot, step: Step) -> bool {
    snapshot.current.iter().any(|item| item.step == step)
}

/// Some item is being copied, and has come this far.
pub(crate) fn has_copied(snapshot: &Snapshot, bytes: u64) -> bool {
    let is_there = |item: &surecopy::CurrentItem| {
        item.step == Step::Copying && item.copied_bytes >= bytes && bytes < item.size_bytes
    };
    snapshot.current.iter().any(is_there)
}

/// Some item is being read back, and has come this far but not to the end.
pub(crate) fn has_verified(snapshot: &Snapshot, bytes: u64) -> bool {
    let is_there = |item: &surecopy::CurrentItem| {
        item.step == Step::Verifying
            && item.verified_bytes >= bytes
            && item.verified_bytes < item.size_bytes
    };
    snapshot.current.iter().any(is_there)
}

/// Whether the kernel moved an item's bytes, so that it is compared through memory maps.
pub(crate) fn was_moved_by_kernel(item: &ItemReport) -> bool {
    item.mechanism == Some(Mechanism::CopyFileRange)
}

/// Does something again and again on a thread of its own while a job runs. Returns how often.
pub(crate) fn run_during<T>(disturb: impl Fn(u64) + Sync, work: impl FnOnce() -> T) -> (T, u64) {
    let is_over = AtomicBool::new(false);
    let rounds = AtomicU64::new(0);
    let result = thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Acquire) {
                disturb(rounds.load(Ordering::Relaxed));
                rounds.fetch_add(1, Ordering::Release);
            }
        });
        let _end = crate::place::AtEnd::new((), |()| is_over.store(true, Ordering::Release));
        // The work begins when the disturbance has.
        while rounds.load(Ordering::Acquire) == 0 {
            thread::yield_now();
        }
        work()
    });
    (result, rounds.into_inner())
}
