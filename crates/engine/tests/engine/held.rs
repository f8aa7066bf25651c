//! Sources that another process holds, and lets go of when it is asked to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use surecopy_engine::{
    Clock, Control, Environment, ErrorCode, Event, ItemStatus, MemoryWorkList, NoJournal,
    NoObserver, Observer, Outcome, Progress, Report, run,
};
use surecopy_fs::{FileSystem, FsErrorKind, Operation};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan};

use crate::job::{carry_out, spec};

fn scene() -> FakeFs {
    let fs = FakeFs::new();
    fs.file("/src/held", "held").file("/src/other", "another").dir("/dst");
    fs
}

fn held(plan: FaultPlan) -> FaultPlan {
    plan.only(Operation::OpenSource)
}

/// A clock on which time passes by waiting alone, and whoever waits so long cancels.
struct Waiting<'c> {
    waited_millis: AtomicU64,
    cancels: Option<(Duration, &'c Control)>,
}

impl Clock for Waiting<'_> {
    fn now(&self) -> Duration {
        Duration::from_millis(self.waited_millis.load(Ordering::Relaxed))
    }

    fn wait(&self, duration: Duration) {
        let millis = u64::try_from(duration.as_millis()).expect("a short wait");
        self.waited_millis.fetch_add(millis, Ordering::Relaxed);
        if let Some((after, control)) = self.cancels
            && self.now() >= after
        {
            control.cancel();
        }
    }
}

/// Copies, and says how long it was waited.
fn copy<F: FileSystem>(fs: &Arc<F>, cancel_after: Option<Duration>) -> (Report, Duration) {
    let control = Control::new();
    let clock = Waiting {
        waited_millis: AtomicU64::new(0),
        cancels: cancel_after.map(|after| (after, &control)),
    };
    let outside = Environment {
        fs: Arc::clone(fs),
        clock: &clock,
        journal: &NoJournal,
        work: &MemoryWorkList::default(),
        history: None,
        catalog: None,
        observer: &NoObserver,
        control: &control,
        progress: &Progress::new(),
        resolver: None,
        available_memory_bytes: None,
    };
    let report = run(&spec(fs.as_ref(), &["/src/"], "/dst"), &outside);
    (report, clock.now())
}

/// More often than a copy is begun again.
#[test]
fn a_source_that_is_held_for_a_while_is_waited_for() {
    let busy = || held(FaultPlan::once(1, FsErrorKind::Held));
    let twice = FaultFs::new(FaultFs::new(scene(), busy()), busy());
    let fs = Arc::new(FaultFs::new(FaultFs::new(twice, busy()), busy()));
    let ran = carry_out(&fs, &spec(fs.as_ref(), &["/src/"], "/dst"));
    ran.all_ok();
    assert!(fs.fired() && fs.inner().fired() && fs.inner().inner().inner().fired());
    // Nothing was begun that would have to be begun again.
    assert!(ran.item("/dst/held").retries.is_empty(), "{}", ran.in_short());
    assert_eq!(fs.count(Operation::OpenSource), 4 + 2);
}

#[test]
fn it_is_waited_for_as_long_as_a_lease_can_last_and_no_longer() {
    let plan = held(FaultPlan::from_then_on(1, FsErrorKind::Held));
    let fs = Arc::new(FaultFs::new(scene(), plan));
    let (report, waited) = copy(&fs, None);
    assert_eq!((report.tally.ok, report.tally.failed), (0, 2), "{report:#?}");
    let items = 2;
    assert!(waited >= items * Duration::from_secs(45), "{waited:?}");
    assert!(waited <= items * Duration::from_secs(60), "{waited:?}");
    let opened = fs.count(Operation::OpenSource);
    assert!((90..140).contains(&opened), "{opened}");
    let ran = carry_out(&fs, &spec(fs.as_ref(), &["/src/held"], "/dst"));
    assert_eq!(ran.code("/dst/held"), ErrorCode::FileBusy);
}

#[test]
fn waiting_ends_when_the_job_is_cancelled() {
    let plan = held(FaultPlan::from_then_on(1, FsErrorKind::Held));
    let fs = Arc::new(FaultFs::new(scene(), plan));
    let moment = Duration::from_millis(2_500);
    let (report, waited) = copy(&fs, Some(moment));
    assert_eq!((report.outcome, report.tally.failed), (Outcome::Cancelled, 0));
    assert!(waited < moment + Duration::from_millis(100), "{waited:?}");
}

/// A clock on which whoever waits does so until an item has failed.
#[derive(Default)]
struct UntilFailure {
    waited_millis: AtomicU64,
    has_failed: AtomicBool,
}

impl Clock for UntilFailure {
    fn now(&self) -> Duration {
        Duration::from_millis(self.waited_millis.load(Ordering::Relaxed))
    }

    fn wait(&self, duration: Duration) {
        let began = Instant::now();
        while !self.has_failed.load(Ordering::Acquire) {
            assert!(began.elapsed() < Duration::from_secs(60), "the other item does not fail");
            std::thread::yield_now();
        }
        let millis = u64::try_from(duration.as_millis()).expect("a short wait");
        self.waited_millis.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Observer for UntilFailure {
    fn on_event(&self, event: Event) {
        if let Event::ItemFinished(item) = event
            && matches!(item.status, ItemStatus::Error(_))
        {
            self.has_failed.store(true, Ordering::Release);
        }
    }
}

#[test]
fn waiting_ends_when_another_item_has_ended_the_run() {
    let fake = scene();
    // More than one worker takes at once, so that there is something for both.
    for number in 0..100 {
        fake.file(format!("/src/many-{number:03}"), "one of many");
    }
    let all = held(FaultPlan::from_then_on(1, FsErrorKind::Held));
    let other = held(FaultPlan::once(2, FsErrorKind::PermissionDenied));
    let fs = Arc::new(FaultFs::new(FaultFs::new(fake, all), other));
    let watch = UntilFailure::default();
    let control = Control::new();
    let outside = Environment {
        fs: Arc::clone(&fs),
        clock: &watch,
        journal: &NoJournal,
        work: &MemoryWorkList::default(),
        history: None,
        catalog: None,
        observer: &watch,
        control: &control,
        progress: &Progress::new(),
        resolver: None,
        available_memory_bytes: None,
    };
    let mut spec = spec(fs.as_ref(), &["/src/"], "/dst");
    (spec.fail_fast, spec.workers) = (true, 2);
    let report = run(&spec, &outside);
    assert_eq!(report.outcome, Outcome::StoppedAtFailure, "{report:#?}");
    assert!(watch.now() < Duration::from_secs(1), "{:?}", watch.now());
}

/// What the same worker has ready does not wait with it.
#[test]
fn what_is_complete_is_published_before_waiting() {
    let fake = scene();
    fake.file("/src/a", "first").file("/src/b", "second");
    let plan = held(FaultPlan::from_then_on(3, FsErrorKind::Held));
    let fs = Arc::new(FaultFs::new(fake.clone(), plan));
    let (report, _) = copy(&fs, Some(Duration::from_millis(100)));
    assert_eq!(report.outcome, Outcome::Cancelled);
    assert_eq!(fake.names("/dst"), ["a", "b"], "{report:#?}");
}
