//! What goes on while the announcement of a group is being recorded: the next group is gathered, and
//! nothing of the announced one is seen before it is known to be recorded.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use surecopy_engine::{
    Clock, Control, CopySpec, Environment, ErrorCode, Event, Fact, ItemStatus, Journal,
    JournalError, MemoryWorkList, Observer, Outcome, Progress, Recording, StrategyChoice,
    WarningKind,
};
use surecopy_fs::{FsErrorKind, Operation, Timestamp};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan, VolumeSettings};

use crate::job::{self, Ran, carry_out_with, spec};
use crate::oracle::{adds_up, leftovers};
use crate::waiting::paused;

#[derive(Default)]
struct Shared {
    journal: job::Recording,
    /// Announcements are answered when somebody looks, and not only when they wait.
    is_quick: AtomicBool,
    waits: AtomicU64,
    fails: bool,
}

/// A journal that takes its time with announcements: as long as the test likes, or until it is waited
/// for.
#[derive(Clone, Default)]
pub(crate) struct Slow(Arc<Shared>);

impl Slow {
    /// No announcement is recorded.
    fn failing() -> Self {
        Self(Arc::new(Shared { fails: true, ..Shared::default() }))
    }

    fn answer(&self) {
        self.0.is_quick.store(true, Ordering::Relaxed);
    }

    /// How often somebody waited in vain for it to be over by itself.
    fn waits(&self) -> u64 {
        self.0.waits.load(Ordering::Relaxed)
    }

    pub(crate) fn facts(&self) -> Vec<Fact> {
        self.0.journal.facts()
    }
}

impl Journal for Slow {
    fn record(&self, facts: Vec<Fact>) -> Result<(), JournalError> {
        self.0.journal.record(facts)
    }

    fn begin_record(&self, facts: Vec<Fact>) -> Box<dyn Recording> {
        Box::new(Coming { facts, shared: Arc::clone(&self.0) })
    }

    fn note(&self, facts: Vec<Fact>) -> Result<(), JournalError> {
        self.0.journal.note(facts)
    }
}

struct Coming {
    facts: Vec<Fact>,
    shared: Arc<Shared>,
}

impl Recording for Coming {
    fn is_over(&mut self) -> bool {
        self.shared.is_quick.load(Ordering::Relaxed)
    }

    fn wait(mut self: Box<Self>) -> Result<(), JournalError> {
        if !self.is_over() {
            self.shared.waits.fetch_add(1, Ordering::Relaxed);
        }
        if self.shared.fails {
            return Err(JournalError { message: "the journal's disk is full".to_owned() });
        }
        self.shared.journal.record(self.facts)
    }
}

const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// Eight files, three to a group.
fn scene() -> (FakeFs, CopySpec) {
    let fs = FakeFs::new();
    fs.dir("/dst");
    for name in NAMES {
        fs.file(format!("/src/{name}"), name);
    }
    let mut spec = spec(&fs, &["/src/"], "/dst");
    spec.limits.group_max_files = 3;
    (fs, spec)
}

/// How many are visible.
fn visible(fs: &FakeFs) -> usize {
    NAMES.into_iter().filter(|name| fs.exists(format!("/dst/{name}"))).count()
}

fn run(fs: FakeFs, spec: &CopySpec, journal: &Slow, control: &Control) -> (Arc<FakeFs>, Ran) {
    let fs = Arc::new(fs);
    let ran = carry_out_with(&fs, spec, journal, control);
    adds_up(&ran);
    (fs, ran)
}

/// Looks at what is visible whenever a partial file is about to be made, and does something then.
fn watch(fs: &FakeFs, then: impl Fn(&FakeFs, u64, usize) + Send + Sync + 'static) {
    fs.before(Operation::CreatePartial, move |fs, nth| then(fs, nth, visible(fs)));
}

#[test]
fn the_next_group_is_gathered_while_one_is_announced() {
    let (fs, spec) = scene();
    let journal = Slow::default();
    let on_hook = journal.clone();
    watch(&fs, move |_, nth, visible| {
        let expected = match nth {
            1..=5 => 0,
            // The answer has come while the fifth was copied.
            6 => 3,
            _ => 6,
        };
        assert_eq!(visible, expected, "when the {nth}th is begun");
        assert_eq!(on_hook.waits(), 0, "it is waited for when the {nth}th is begun");
        if nth == 5 {
            on_hook.answer();
        }
    });
    let (fs, ran) = run(fs, &spec, &journal, &Control::new());
    ran.all_ok();
    assert_eq!(fs.names("/dst"), NAMES);
    assert_eq!(journal.waits(), 0);
}

/// Tells of ends before they are recorded, if there are any.
struct Told {
    journal: Slow,
    too_early: Mutex<Vec<PathBuf>>,
}

impl Observer for Told {
    fn on_event(&self, event: Event) {
        let Event::ItemFinished(item) = event else { return };
        let is_its_end = |fact: &Fact| matches!(fact, Fact::Ended { report, .. } if report.target == item.target);
        if !self.journal.facts().iter().any(is_its_end) {
            let mut early = self.too_early.lock().expect("no code panics while holding this lock");
            early.push(item.target);
        }
    }
}

/// Those of one group are recorded with what the next one announces.
#[test]
fn ends_are_told_when_they_are_recorded() {
    let (fs, spec) = scene();
    let journal = Slow::default();
    let told = Told { journal: journal.clone(), too_early: Mutex::default() };
    let on_hook = journal.clone();
    watch(&fs, move |_, nth, _| {
        if nth == 7 {
            on_hook.answer();
        }
    });
    let outside = Environment {
        fs: Arc::new(fs),
        clock: &Still,
        journal: &journal,
        work: &MemoryWorkList::default(),
        history: None,
        catalog: None,
        observer: &told,
        control: &Control::new(),
        progress: &Progress::new(),
        resolver: None,
        available_memory_bytes: None,
    };
    let report = surecopy_engine::run(&spec, &outside);
    assert_eq!((report.outcome, report.tally.ok), (Outcome::Finished, 8));
    let early = told.too_early.into_inner().expect("no code panics while holding this lock");
    assert!(early.is_empty(), "told before it was recorded: {early:?}");
}

/// No time passes.
struct Still;

impl Clock for Still {
    fn now(&self) -> Duration {
        Duration::ZERO
    }

    fn wait(&self, _: Duration) {}
}

/// One group is announced at most: before a second one is, the first is published.
#[test]
fn a_full_group_waits_for_the_one_before() {
    let (fs, spec) = scene();
    let journal = Slow::default();
    let on_hook = journal.clone();
    watch(&fs, move |_, nth, visible| {
        let expected = if nth <= 6 { 0 } else { 3 };
        assert_eq!(visible, expected, "when the {nth}th is begun");
        assert_eq!(on_hook.waits(), u64::from(nth > 6), "when the {nth}th is begun");
    });
    let (fs, ran) = run(fs, &spec, &journal, &Control::new());
    ran.all_ok();
    assert_eq!(fs.names("/dst"), NAMES);
}

#[test]
fn nothing_is_published_when_the_announcement_was_not_recorded() {
    for answered in [4, 5, 6, 99] {
        let (fs, spec) = scene();
        let journal = Slow::failing();
        let on_hook = journal.clone();
        watch(&fs, move |_, nth, _| {
            if nth == answered {
                on_hook.answer();
            }
        });
        let (fs, ran) = run(fs, &spec, &journal, &Control::new());
        let what = format!("answered at {answered}: {}", ran.in_short());
        assert!(matches!(ran.report.outcome, Outcome::JournalFailed(_)), "{what}");
        assert!(fs.names("/dst").is_empty(), "{what}: {:?}", fs.names("/dst"));
        for name in ["a", "b", "c"] {
            assert_eq!(ran.code(format!("/dst/{name}")), ErrorCode::JournalFailed, "{what}");
        }
        assert!(ran.warned_of(WarningKind::LeftBehind).is_empty(), "{what}");
    }
}

/// It was recorded, but the journal has failed since.
#[test]
fn nothing_is_published_once_the_journal_has_failed_at_something_else() {
    struct FailsToNote(Slow);
    impl Journal for FailsToNote {
        fn record(&self, facts: Vec<Fact>) -> Result<(), JournalError> {
            self.0.record(facts)
        }
        fn begin_record(&self, facts: Vec<Fact>) -> Box<dyn Recording> {
            self.0.begin_record(facts)
        }
        fn note(&self, facts: Vec<Fact>) -> Result<(), JournalError> {
            if !facts.iter().any(|fact| matches!(fact, Fact::Ended { .. })) {
                return self.0.note(facts);
            }
            Err(JournalError { message: "the journal's disk is full".to_owned() })
        }
    }
    let (fs, spec) = scene();
    // It cannot be read, which is noted.
    fs.before(Operation::OpenSource, |fs, nth| {
        if nth == 5 {
            fs.remove("/src/e");
        }
    });
    let journal = FailsToNote(Slow::default());
    let fs = Arc::new(fs);
    let ran = carry_out_with(&fs, &spec, &journal, &Control::new());
    assert!(matches!(ran.report.outcome, Outcome::JournalFailed(_)), "{}", ran.in_short());
    assert!(fs.names("/dst").is_empty(), "{}", ran.in_short());
    assert_eq!(ran.code("/dst/a"), ErrorCode::JournalFailed);
}

#[test]
fn a_cancelled_job_leaves_nothing_of_an_announced_group() {
    for (at, is_answered) in [(4, false), (5, true), (6, false), (6, true)] {
        let (fs, spec) = scene();
        let control = Control::new();
        let switch = control.clone();
        let journal = Slow::default();
        let on_hook = journal.clone();
        watch(&fs, move |_, nth, _| {
            if nth == at {
                if is_answered {
                    on_hook.answer();
                }
                switch.cancel();
            }
        });
        let (fs, ran) = run(fs, &spec, &journal, &control);
        let what = format!("at {at}, {is_answered}: {}", ran.in_short());
        assert_eq!(ran.report.outcome, Outcome::Cancelled, "{what}");
        assert!(fs.names("/dst").is_empty(), "{what}");
        assert_eq!(ran.report.tally.cancelled, 8, "{what}");
        assert_eq!(ran.item("/dst/a").status, ItemStatus::Cancelled, "{what}");
    }
}

#[test]
fn an_announced_group_does_not_wait_for_the_end_of_a_pause() {
    // When the file after it is begun, while that is copied, and when another one is gathered.
    for (at, complete) in [
        ((Operation::OpenSource, 4), 4),
        ((Operation::Write, 5), 4),
        ((Operation::OpenSource, 5), 5),
    ] {
        let (fs, mut spec) = scene();
        fs.file("/src/d", vec![b'd'; 300_000]);
        spec.strategy = StrategyChoice::Staged;
        let journal = Slow::default();
        let paused = paused(fs, &spec, at, &NAMES[..complete], &journal, &|| journal.facts());
        paused.ran.all_ok();
        assert!(paused.is_committed, "{at:?}");
        assert_eq!(paused.begun, complete as u64, "an item was begun during the pause: {at:?}");
    }
}

#[test]
fn an_announced_group_does_not_wait_for_a_large_file() {
    let (fs, mut spec) = scene();
    fs.file("/src/d", vec![b'd'; 5_000]);
    spec.limits.group_max_bytes = 5_000;
    watch(&fs, |_, nth, visible| {
        if nth == 4 {
            assert_eq!(visible, 3);
        }
    });
    run(fs, &spec, &Slow::default(), &Control::new()).1.all_ok();
}

#[test]
fn an_announced_group_waits_no_longer_than_any() {
    const SKIPPED: usize = 3_000;
    let (fs, mut spec) = scene();
    for nth in 0..SKIPPED {
        for root in ["src", "dst"] {
            let path = format!("/{root}/c{nth:04}");
            fs.file(&path, "same").modified(&path, Timestamp { secs: 1, nanos: 1 });
        }
    }
    (spec.limits.group_max_millis, spec.limits.group_max_files) = (1, 1);
    watch(&fs, |_, nth, visible| {
        if nth == 4 {
            assert_eq!(visible, 3, "it waits until something else is copied");
        }
    });
    let ran = run(fs, &spec, &Slow::default(), &Control::new()).1;
    assert_eq!((ran.report.tally.ok, ran.report.tally.skipped), (8, SKIPPED as u64));
}

/// An item that lacks something that the announced group holds.
#[test]
fn an_announced_group_makes_way() {
    let (fake, spec) = scene();
    let plan = FaultPlan::once(4, FsErrorKind::TooManyOpenFiles).only(Operation::CreatePartial);
    let fs = Arc::new(FaultFs::new(fake, plan));
    let ran = carry_out_with(&fs, &spec, &Slow::default(), &Control::new());
    assert!(fs.fired());
    ran.all_ok();
    assert!(ran.items().all(|item| item.retries.is_empty()), "{}", ran.in_short());
}

/// The first name fails; the second is copied in its place, and is announced when the third comes.
#[test]
fn further_names_are_linked_to_one_that_is_announced() {
    let fake = FakeFs::new();
    fake.mount("/dst", VolumeSettings::of("ext4"));
    fake.file("/src/a", "of three names").link("/src/a", "/src/b").link("/src/a", "/src/c");
    let mut spec = spec(&fake, &["/src/"], "/dst");
    spec.limits.group_max_files = 1;
    let first_fails = FaultPlan::once(1, FsErrorKind::Io).only(Operation::OpenSource);
    let fs = Arc::new(FaultFs::new(fake, first_fails));
    let ran = carry_out_with(&fs, &spec, &Slow::default(), &Control::new());
    assert_eq!(ran.code("/dst/a"), ErrorCode::SourceIoError, "{}", ran.in_short());
    let id = |path| fs.inner().stat(path).expect("it is there").id;
    assert_eq!(id("/dst/b"), id("/dst/c"), "{}", ran.in_short());
}

/// The flush of the names of one group fails when four files of the next are complete. What it reports
/// may be about those, and is not reported again.
#[test]
fn what_is_gathered_is_copied_again_when_names_cannot_be_flushed() {
    const GROUP: u64 = 6;
    let fake = FakeFs::new();
    fake.mount("/dst", VolumeSettings::of("ext4"));
    // In directories of their own, so that their names are flushed with the volume.
    for nth in 1..=12 {
        fake.file(format!("/src/{nth:02}/f"), "content");
    }
    let mut spec = spec(&fake, &["/src/"], "/dst");
    spec.limits.group_max_files = GROUP;
    let journal = Slow::default();
    let on_hook = journal.clone();
    fake.before(Operation::CreatePartial, move |_, nth| {
        if nth == 10 {
            on_hook.answer();
        }
    });
    // After that of the content.
    let plan = FaultPlan::once(2, FsErrorKind::Io).only(Operation::FlushVolume);
    let fs = Arc::new(FaultFs::new(fake, plan));
    let ran = carry_out_with(&fs, &spec, &journal, &Control::new());
    assert!(fs.fired());
    ran.all_ok();
    for nth in 1..=12 {
        let item = ran.item(format!("/dst/{nth:02}/f"));
        let reasons: Vec<_> = item.retries.iter().map(|retry| retry.code).collect();
        let expected = if nth <= 10 { &[ErrorCode::FlushFailed][..] } else { &[] };
        assert_eq!(reasons, expected, "{nth}: {}", ran.in_short());
        assert_eq!(item.rollback_performed, nth <= GROUP, "{nth}: {}", ran.in_short());
    }
    assert!(leftovers(fs.inner(), "/dst").is_empty());
}
