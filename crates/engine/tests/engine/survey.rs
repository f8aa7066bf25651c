//! Looking over sources: what there is, told in batches, and how much.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use surecopy_engine::{
    BATCH, Catalog, Clock, Control, Environment, ErrorCode, Event, Filter, ItemError, MappingError,
    MemoryWorkList, NoJournal, Observer, Outcome, Phase, Progress, Rule, RuleAction, Snapshot,
    SurveyReport, SurveySink, SurveySpec, Surveyed, survey,
};
use surecopy_fs::{FileKind, FsErrorKind, Operation};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan};

use crate::catalog::Memory;

struct Still;

impl Clock for Still {
    fn now(&self) -> Duration {
        Duration::ZERO
    }

    fn wait(&self, _: Duration) {}
}

#[derive(Default)]
struct Phases(Mutex<Vec<Event>>);

impl Observer for Phases {
    fn on_event(&self, event: Event) {
        self.0.lock().expect("no code panics while holding this lock").push(event);
    }
}

/// Keeps what it is told, and may cancel at a batch.
#[derive(Default)]
struct Kept {
    batches: Vec<Vec<Surveyed>>,
    problems: Vec<ItemError>,
    cancels: Option<Control>,
}

impl Kept {
    fn paths(&self) -> Vec<String> {
        let all = self.batches.iter().flatten();
        all.map(|found| format!("{}:{}", found.source, found.path.as_path().display())).collect()
    }
}

impl SurveySink for Kept {
    fn found(&mut self, batch: &[Surveyed]) {
        self.batches.push(batch.to_vec());
        if let Some(control) = &self.cancels {
            control.cancel();
        }
    }

    fn problem(&mut self, error: ItemError) {
        self.problems.push(error);
    }
}

fn look<F: surecopy_fs::FileSystem>(
    fs: &Arc<F>,
    spec: &SurveySpec,
    catalog: Option<&dyn Catalog>,
    kept: &mut Kept,
) -> (SurveyReport, Snapshot, Vec<Event>) {
    let (observer, progress) = (Phases::default(), Progress::new());
    let control = kept.cancels.clone().unwrap_or_default();
    let work = MemoryWorkList::default();
    let outside = Environment {
        fs: Arc::clone(fs),
        clock: &Still,
        journal: &NoJournal,
        work: &work,
        history: None,
        catalog,
        observer: &observer,
        control: &control,
        progress: &progress,
        resolver: None,
        available_memory_bytes: None,
    };
    let report = survey(spec, &outside, kept);
    let events = observer.0.into_inner().expect("no code panics while holding this lock");
    (report, progress.snapshot(), events)
}

fn spec<F: surecopy_fs::FileSystem>(fs: &F, sources: &[&str]) -> SurveySpec {
    let sources: Vec<PathBuf> = sources.iter().map(PathBuf::from).collect();
    SurveySpec::new(fs, &sources).expect("they are there")
}

fn two_sources() -> FakeFs {
    let fs = FakeFs::new();
    fs.file("/one/b", [1; 10]).file("/one/deep/a", [2; 20]).symlink("/one/link", "b");
    fs.fifo("/one/pipe").file("/two/skipped.o", [3; 40]).file("/two/c", [4; 5]).dir("/two/empty");
    fs
}

#[test]
fn everything_is_told_in_order_and_counted() {
    let fs = Arc::new(two_sources());
    let mut spec = spec(fs.as_ref(), &["/one/", "/two", "/one/b"]);
    spec.filter = Filter::new(vec![Rule::new(RuleAction::Exclude, "*.o").expect("a pattern")]);
    let mut kept = Kept::default();
    let (report, counters, events) = look(&fs, &spec, None, &mut kept);
    let expected =
        ["0:", "0:b", "0:link", "0:pipe", "0:deep", "0:deep/a", "1:", "1:c", "1:empty", "2:"];
    assert_eq!(kept.paths(), expected);
    let expected =
        SurveyReport { files: 4, bytes: 45, directories: 4, others: 2, ..SurveyReport::default() };
    assert_eq!(report, expected);
    assert_eq!(report.entries(), 10);
    assert_eq!((counters.items_total, counters.bytes_total), (6, 45));
    assert_eq!(counters.phase, Some(Phase::Ready));
    let ended = |phase, duration| Event::PhaseFinished { phase, entries: 6, bytes: 45, duration };
    let expected = [Phase::ProgressiveScanning, Phase::Ready]
        .map(|phase| [Event::PhaseStarted { phase }, ended(phase, Duration::ZERO)]);
    assert_eq!(events, expected.concat());
    assert_eq!(fs.open_handles(), 0);
}

#[test]
fn batches_are_no_larger_than_they_may_be() {
    let fs = FakeFs::new();
    for file in 0..2 * BATCH + 500 {
        fs.file(format!("/src/{}/{file}", file % 7), "x");
    }
    let fs = Arc::new(fs);
    let mut kept = Kept::default();
    let (report, ..) = look(&fs, &spec(fs.as_ref(), &["/src"]), None, &mut kept);
    let sizes: Vec<_> = kept.batches.iter().map(Vec::len).collect();
    assert_eq!(sizes, [BATCH, BATCH, 508]);
    assert_eq!((report.files, report.bytes, report.directories), (2500, 2500, 8));
}

#[test]
fn what_cannot_be_looked_at_is_a_problem_and_the_rest_goes_on() {
    let fs = two_sources();
    fs.mode("/one/deep", 0);
    let fs = Arc::new(fs);
    let survey_spec = spec(fs.as_ref(), &["/one/", "/two/"]);
    let mut kept = Kept::default();
    let (report, ..) = look(&fs, &survey_spec, None, &mut kept);
    assert_eq!((report.problems, report.outcome), (1, Outcome::Finished));
    assert_eq!(kept.problems[0].code, ErrorCode::SourceUnreadable);
    assert_eq!(kept.problems[0].path, PathBuf::from("/one/deep"));
    assert_eq!((report.files, report.directories), (3, 4));
    // A source that went away after it was resolved.
    let plan = FaultPlan::once(1, FsErrorKind::NotFound).only(Operation::OpenRoot);
    let faulty = Arc::new(FaultFs::new(two_sources(), plan));
    let mut kept = Kept::default();
    let (report, ..) = look(&faulty, &survey_spec, None, &mut kept);
    assert!(faulty.fired());
    assert_eq!(kept.problems[0].code, ErrorCode::SourceMissing);
    assert_eq!(kept.problems[0].path, PathBuf::from("/one"));
    assert_eq!((report.problems, report.files, report.directories), (1, 2, 2));
}

#[test]
fn a_cancel_ends_it_and_what_was_found_is_told() {
    let fs = FakeFs::new();
    for file in 0..3 * BATCH {
        fs.file(format!("/src/{file}"), "x");
    }
    let fs = Arc::new(fs);
    let mut kept = Kept { cancels: Some(Control::new()), ..Kept::default() };
    let (report, ..) = look(&fs, &spec(fs.as_ref(), &["/src"]), None, &mut kept);
    assert_eq!(report.outcome, Outcome::Cancelled);
    let told: usize = kept.batches.iter().map(Vec::len).sum();
    assert!((BATCH..3 * BATCH).contains(&told), "{told}");
    assert_eq!(report.entries(), told as u64);
    let mut cancelled = Kept { cancels: Some(Control::new()), ..Kept::default() };
    cancelled.cancels.as_ref().expect("it was just set").cancel();
    let (report, ..) = look(&fs, &spec(fs.as_ref(), &["/src"]), None, &mut cancelled);
    assert_eq!((report.entries(), report.outcome), (0, Outcome::Cancelled));
}

#[test]
fn what_is_remembered_is_told_as_it_is_remembered() {
    let fs = Arc::new(two_sources());
    let memory = Memory::of(&fs, "/one");
    fs.write("/one/b", 0, [9; 100]);
    let mut kept = Kept::default();
    fs.reset_counts();
    let (report, ..) = look(&fs, &spec(fs.as_ref(), &["/one/"]), Some(&memory), &mut kept);
    assert_eq!(fs.count(Operation::List), 0);
    assert_eq!((report.files, report.bytes, report.remembered), (2, 30, 5));
    let is_remembered = |found: &Surveyed| found.is_remembered;
    assert_eq!(kept.batches[0].iter().filter(|found| !is_remembered(found)).count(), 1);
    assert_eq!(kept.batches[0][0].metadata.kind, FileKind::Directory, "the source itself");
}

#[test]
fn sources_are_resolved_as_for_a_copy() {
    let fs = two_sources();
    for (path, root, below) in
        [("/one", "/", "one"), ("/one/", "/one/", ""), ("/one/b", "/one", "b")]
    {
        let spec = spec(&fs, &[path]);
        let source = &spec.sources[0];
        assert_eq!(source.root, PathBuf::from(root), "{path}");
        assert_eq!(source.below.as_path(), std::path::Path::new(below), "{path}");
    }
    let refused = |path: &str| SurveySpec::new(&fs, &[PathBuf::from(path)]).expect_err("no such");
    assert!(matches!(refused(""), MappingError::EmptyPath));
    assert!(matches!(refused("/none"), MappingError::SourceMissing { .. }));
    assert!(matches!(refused("/one/b/"), MappingError::SourceNotADirectory { .. }));
}
