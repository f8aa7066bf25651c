//! A watch that runs beside a test, and how to wait for what it does.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use surecopy_engine::Control;
use surecopy_fs::{FileSystem, Moment};
use surecopy_index::{
    EventSource, Index, LocationId, StaleReason, Watch, WatchFact, WatchPace, Watched,
};

use crate::scene::Place;

/// Far more than anything here takes.
pub(super) const LONGEST: Duration = Duration::from_secs(60);

/// A watch that runs.
pub(super) struct Session<'a> {
    facts: &'a Mutex<Vec<WatchFact>>,
}

impl Session<'_> {
    pub(super) fn facts(&self) -> Vec<WatchFact> {
        self.facts.lock().unwrap().clone()
    }

    /// How many facts are of a kind.
    pub(super) fn count(&self, is_it: impl Fn(&WatchFact) -> bool) -> usize {
        self.facts.lock().unwrap().iter().filter(|fact| is_it(fact)).count()
    }

    /// Waits for a fact of a kind.
    #[track_caller]
    pub(super) fn wait_for(&self, what: &str, is_it: impl Fn(&WatchFact) -> bool) {
        until(what, || self.count(&is_it) > 0, || format!("{:?}", self.facts()));
    }

    /// Waits until locations were looked through so often, all told.
    #[track_caller]
    pub(super) fn wait_for_checks(&self, count: usize) {
        let is_check = |fact: &WatchFact| matches!(fact, WatchFact::Checked { .. });
        until("a check", || self.count(is_check) >= count, || format!("{:?}", self.facts()));
    }
}

/// Waits for something that has to come.
#[track_caller]
pub(super) fn until(what: &str, mut is_so: impl FnMut() -> bool, seen: impl Fn() -> String) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONGEST, "no {what}: {}", seen());
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Ends a watch however the test ends.
struct Ending<'a>(&'a Control);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Watches through a connection of its own while `body` runs, and ends then.
pub(super) fn watching<F: FileSystem, S: EventSource + Sync, T>(
    index: &Index,
    fs: &F,
    source: &S,
    locations: &[LocationId],
    time: (impl Fn() -> Moment + Send, WatchPace),
    body: impl FnOnce(&Session<'_>) -> T,
) -> T {
    watching_some(index, fs, source, Watched::These(locations), time, body)
}

/// The same, whatever is watched.
pub(super) fn watching_some<F: FileSystem, S: EventSource + Sync, T>(
    index: &Index,
    fs: &F,
    source: &S,
    locations: Watched<'_>,
    (clock, pace): (impl Fn() -> Moment + Send, WatchPace),
    body: impl FnOnce(&Session<'_>) -> T,
) -> T {
    let facts = Mutex::new(Vec::new());
    let control = Control::new();
    let path = index.path();
    std::thread::scope(|scope| {
        let (facts, control) = (&facts, &control);
        let watch = scope.spawn(move || {
            let index = Index::open(path).unwrap();
            let observer = |fact: &WatchFact| facts.lock().unwrap().push(fact.clone());
            let (clock, observer) = (&clock, &observer);
            Watch { index: &index, locations, clock, control, observer, pace }.run(fs, source)
        });
        let ending = Ending(control);
        let outcome = body(&Session { facts });
        drop(ending);
        watch.join().unwrap().unwrap();
        outcome
    })
}

/// The directories that were marked, as far as the index knows them.
pub(super) fn marked<F: FileSystem>(place: &Place<'_, F>) -> BTreeSet<String> {
    let validated = place.validate();
    let stale = validated.stale_directories.into_iter();
    let is_marked = |reason| matches!(reason, StaleReason::Marked | StaleReason::Unwatched);
    stale
        .filter(|stale| is_marked(stale.reason))
        .map(|stale| stale.path.as_path().to_str().unwrap().to_owned())
        .collect()
}

/// Waits until exactly these directories are marked.
#[track_caller]
pub(super) fn wait_for_marks<F: FileSystem>(place: &Place<'_, F>, expected: &[&str]) {
    let expected: BTreeSet<String> = expected.iter().map(|path| (*path).to_owned()).collect();
    let missing = || -> Vec<String> { expected.difference(&marked(place)).cloned().collect() };
    until("mark", || missing().is_empty(), || format!("{:?} are missing", missing()));
    let found = marked(place);
    let more: Vec<_> = found.difference(&expected).collect();
    assert!(more.is_empty(), "marked without need: {more:?}");
}

/// Times of changes are told apart from those of a scan after a second.
pub(super) fn settle() {
    std::thread::sleep(Duration::from_millis(1_200));
}

/// A path below a folder.
pub(super) fn at(folder: &Path, path: &str) -> std::path::PathBuf {
    folder.join(path)
}
