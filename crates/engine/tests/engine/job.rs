//! Running a job in a test: a clock that ticks when asked, and everything that was told kept.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use surecopy_engine::{
    Catalog, Clock, Control, CopySpec, Environment, ErrorCode, Event, Fact, History, ItemReport,
    ItemStatus, Journal, JournalError, MemoryWorkList, Observer, Outcome, Preserve, Progress,
    Report, Request, Snapshot, Warning, WarningKind, WorkList, resolve_mappings, run,
};
use surecopy_fs::FileSystem;

use crate::announced::Announced;

/// The shortest buffer and chunk the engine uses, so that short files have several.
pub(crate) const CHUNK: usize = 64 << 10;

/// Time that passes by being looked at, and waited for.
#[derive(Default)]
struct Ticks(AtomicU64);

impl Clock for Ticks {
    fn now(&self) -> Duration {
        Duration::from_micros(self.0.fetch_add(1, Ordering::Relaxed))
    }

    fn wait(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).expect("a short wait");
        self.0.fetch_add(micros, Ordering::Relaxed);
    }
}

/// Keeps everything that is told.
#[derive(Default)]
struct Recorder(Mutex<Vec<Event>>);

impl Observer for Recorder {
    fn on_event(&self, event: Event) {
        self.0.lock().expect("no code panics while holding this lock").push(event);
    }
}

/// A journal that keeps facts, and fails at chosen calls.
pub(crate) struct Recording {
    facts: Mutex<Vec<Fact>>,
    calls: AtomicU64,
    /// The calls that fail, counted from 1.
    fails_at: Range<u64>,
    announced: Mutex<Announced>,
}

impl Default for Recording {
    fn default() -> Self {
        Self {
            facts: Mutex::default(),
            announced: Mutex::default(),
            calls: AtomicU64::new(0),
            fails_at: 0..0,
        }
    }
}

impl Recording {
    /// Fails at this call and at all after it.
    pub(crate) fn failing_from(call: u64) -> Self {
        Self { fails_at: call..u64::MAX, ..Self::default() }
    }

    /// Fails at this call only.
    pub(crate) fn failing_once(call: u64) -> Self {
        Self { fails_at: call..call + 1, ..Self::default() }
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    pub(crate) fn facts(&self) -> Vec<Fact> {
        self.facts.lock().expect("no code panics while holding this lock").clone()
    }
}

impl Journal for Recording {
    fn note(&self, facts: Vec<Fact>) -> Result<(), JournalError> {
        self.record(facts)
    }

    fn record(&self, facts: Vec<Fact>) -> Result<(), JournalError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if self.fails_at.contains(&call) {
            return Err(JournalError { message: "the journal's disk is full".to_owned() });
        }
        let mut announced = self.announced.lock().expect("no code panics while holding this lock");
        let facts = announced.in_full(facts);
        self.facts.lock().expect("no code panics while holding this lock").extend(facts);
        Ok(())
    }
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) report: Report,
    pub(crate) events: Vec<Event>,
    /// The counters, when it was over.
    pub(crate) counters: Snapshot,
}

impl Ran {
    /// The reports of all items, in the order in which they ended.
    pub(crate) fn items(&self) -> impl Iterator<Item = &ItemReport> {
        self.events.iter().filter_map(|event| match event {
            Event::ItemFinished(report) => Some(report.as_ref()),
            _ => None,
        })
    }

    /// The report of the item with this target.
    #[track_caller]
    pub(crate) fn item(&self, target: impl AsRef<Path>) -> &ItemReport {
        let target = target.as_ref();
        self.items()
            .find(|item| item.target == target)
            .unwrap_or_else(|| panic!("nothing was reported of {}: {self:#?}", target.display()))
    }

    /// The error code of the item with this target.
    #[track_caller]
    pub(crate) fn code(&self, target: impl AsRef<Path>) -> ErrorCode {
        match &self.item(target.as_ref()).status {
            ItemStatus::Error(error) => error.code,
            other => panic!("{} did not fail: {other:?}", target.as_ref().display()),
        }
    }

    /// The items that failed with this code.
    pub(crate) fn coded(&self, code: ErrorCode) -> impl Iterator<Item = &ItemReport> {
        self.items().filter(
            move |item| matches!(&item.status, ItemStatus::Error(error) if error.code == code),
        )
    }

    pub(crate) fn warnings(&self) -> impl Iterator<Item = &Warning> {
        self.events.iter().filter_map(|event| match event {
            Event::Warned(warning) => Some(warning),
            _ => None,
        })
    }

    /// How each item ended, what was found beforehand and what was warned of.
    pub(crate) fn in_short(&self) -> String {
        let mut text = format!("{:?}\n", self.report.outcome);
        for problem in &self.report.problems {
            text += &format!("{:?} {:?}: {}\n", problem.scope, problem.target, problem.error);
        }
        for item in self.items() {
            text += &format!("{} {:?} {:?}\n", item.target.display(), item.mechanism, item.status);
            text += &item.retries.iter().map(|r| format!("    after {r}\n")).collect::<String>();
        }
        self.warnings().for_each(|warning| text += &format!("{warning:?}\n"));
        text
    }

    /// The paths that warnings of one kind were about.
    pub(crate) fn warned_of(&self, kind: WarningKind) -> Vec<PathBuf> {
        self.warnings().filter(|w| w.kind == kind).map(|w| w.path.clone()).collect()
    }

    /// Every item ended well.
    #[track_caller]
    pub(crate) fn all_ok(&self) -> &Self {
        assert_eq!(self.report.outcome, Outcome::Finished, "{:#?}", self.report);
        let bad: BTreeMap<_, _> = self
            .items()
            .filter(|item| item.status != ItemStatus::Ok)
            .map(|item| (&item.target, &item.status))
            .collect();
        assert!(bad.is_empty(), "{bad:#?}");
        assert!(self.report.tally.ok > 0, "nothing was copied: {:#?}", self.report);
        self
    }
}

/// A spec with one worker, everything kept, and limits that give short files several chunks and
/// windows.
#[track_caller]
pub(crate) fn spec<F: FileSystem>(fs: &F, sources: &[&str], destination: &str) -> CopySpec {
    let request = Request {
        sources: sources.iter().map(PathBuf::from).collect(),
        destination: PathBuf::from(destination),
        exact_target: false,
    };
    let mappings = resolve_mappings(fs, &request).expect("the request makes sense");
    let mut spec = CopySpec::new(mappings);
    spec.workers = 1;
    spec.nonce = 7;
    spec.preserve = Preserve::ALL;
    let chunk = CHUNK as u64;
    spec.limits.small_file_limit_bytes = chunk;
    spec.limits.buffer_size_bytes = chunk;
    spec.limits.staged_chunk_bytes = chunk;
    spec.limits.mmap_window_bytes = chunk;
    spec.limits.free_disk_space_margin_bytes = 0;
    spec
}

/// Runs a job.
pub(crate) fn carry_out<F: FileSystem>(fs: &Arc<F>, spec: &CopySpec) -> Ran {
    carry_out_with(fs, spec, &Recording::default(), &Control::new())
}

/// Runs a job with a journal and a control of the test's own.
pub(crate) fn carry_out_with<F: FileSystem>(
    fs: &Arc<F>,
    spec: &CopySpec,
    journal: &dyn Journal,
    control: &Control,
) -> Ran {
    let work = MemoryWorkList::default();
    carry_out_within(fs, spec, &Records { journal, work: &work, history: None }, control)
}

/// What a run is told of earlier ones, and where it writes down what it does.
pub(crate) struct Records<'a> {
    pub(crate) journal: &'a dyn Journal,
    pub(crate) work: &'a dyn WorkList,
    pub(crate) history: Option<&'a dyn History>,
}

/// Runs a job with records of the test's own.
pub(crate) fn carry_out_within<F: FileSystem>(
    fs: &Arc<F>,
    spec: &CopySpec,
    records: &Records<'_>,
    control: &Control,
) -> Ran {
    carry_out_remembering(fs, spec, records, None, control)
}

/// Runs a job that is told what is remembered of its sources.
pub(crate) fn carry_out_remembering<F: FileSystem>(
    fs: &Arc<F>,
    spec: &CopySpec,
    records: &Records<'_>,
    catalog: Option<&dyn Catalog>,
    control: &Control,
) -> Ran {
    let recorder = Recorder::default();
    let progress = Progress::new();
    let report = run(
        spec,
        &Environment {
            fs: Arc::clone(fs),
            clock: &Ticks::default(),
            journal: records.journal,
            work: records.work,
            history: records.history,
            catalog,
            observer: &recorder,
            control,
            progress: &progress,
            resolver: None,
            available_memory_bytes: None,
        },
    );
    let events = recorder.0.into_inner().expect("no code panics while holding this lock");
    Ran { report, events, counters: progress.snapshot() }
}

/// Copies with the defaults of [`spec`].
#[track_caller]
pub(crate) fn copy<F: FileSystem>(fs: &Arc<F>, source: &str, destination: &str) -> Ran {
    carry_out(fs, &spec(fs.as_ref(), &[source], destination))
}
