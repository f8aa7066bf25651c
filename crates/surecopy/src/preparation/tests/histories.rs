//! Random histories of a tree: after each preparation, what is told is what a full scan finds, and only what
//! has changed was listed.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use surecopy_engine::{Control, NoObserver, Outcome};
use surecopy_fs::{FileKind, Operation};
use surecopy_index::{Confidence, Index};
use surecopy_testkit::VolumeSettings;

use super::model::{Step, World};
use super::{Listing, PrepareMode, Scene, sums_of};

fn path() -> impl Strategy<Value = PathBuf> {
    let names = proptest::collection::vec(prop_oneof!["[a-c]", Just("a-".to_owned())], 1..4);
    names.prop_map(|names| names.iter().collect())
}

/// One within the other, apart, twice, what is no directory, and what is not there.
fn sources() -> impl Strategy<Value = Vec<PathBuf>> {
    prop_oneof![
        4 => Just(vec![PathBuf::new()]),
        3 => proptest::collection::vec(path(), 1..3),
        1 => path().prop_map(|path| vec![PathBuf::new(), path]),
        1 => path().prop_map(|path| vec![path.clone(), path]),
    ]
}

fn mode() -> impl Strategy<Value = PrepareMode> {
    prop_oneof![
        6 => Just(PrepareMode::Auto),
        1 => Just(PrepareMode::Scan),
        1 => Just(PrepareMode::IndexOnly),
    ]
}

fn kind() -> impl Strategy<Value = FileKind> {
    prop_oneof![
        Just(FileKind::Directory),
        Just(FileKind::File),
        Just(FileKind::Symlink),
        Just(FileKind::Fifo)
    ]
}

fn change() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (path(), 0..2_000usize).prop_map(|(path, size)| Step::File(path, size)),
        2 => (path(), 0..2_000usize).prop_map(|(path, size)| Step::Replace(path, size)),
        5 => path().prop_map(Step::Directory),
        1 => path().prop_map(Step::Link),
        1 => (path(), path()).prop_map(|(from, to)| Step::HardLink(from, to)),
        2 => path().prop_map(Step::Remove),
        4 => (path(), path()).prop_map(|(from, to)| Step::Rename(from, to)),
        2 => (path(), kind()).prop_map(|(path, kind)| Step::Become(path, kind)),
        1 => path().prop_map(Step::Mode),
        2 => (path(), prop_oneof![Just(0), 0..5_000i64])
            .prop_map(|(path, secs)| Step::SetBack(path, secs)),
        1 => (0..3_000u64).prop_map(Step::Pass),
    ]
}

/// Steps of a machine whose clock goes as it should.
fn calm() -> BoxedStrategy<Step> {
    prop_oneof![
        8 => change(),
        3 => (sources(), mode()).prop_map(|(sources, mode)| Step::Prepare(sources, mode)),
        1 => (sources(), mode(), 0..40u64)
            .prop_map(|(sources, mode, calls)| Step::Cancelled(sources, mode, calls)),
    ]
    .boxed()
}

fn wild() -> BoxedStrategy<Step> {
    prop_oneof![
        9 => calm(),
        1 => prop_oneof![-5_000..5_000i64, -100_000_000..100_000_000i64].prop_map(Step::SetClock),
        1 => any::<bool>().prop_map(Step::StandStill),
        1 => Just(Step::Reboot),
    ]
    .boxed()
}

/// Cancels whatever is to be cancelled, before some call or other.
#[derive(Clone, Default)]
struct Canceller {
    calls: Arc<AtomicI64>,
    control: Arc<Mutex<Option<Control>>>,
}

impl Canceller {
    fn waits_in(scene: &Scene) -> Self {
        let canceller = Self::default();
        for operation in [Operation::List, Operation::Metadata, Operation::OpenDir] {
            let canceller = canceller.clone();
            scene.fs.before(operation, move |_, _| {
                if canceller.calls.fetch_sub(1, Ordering::Relaxed) <= 0
                    && let Some(control) = canceller.control.lock().unwrap().take()
                {
                    control.cancel();
                }
            });
        }
        canceller
    }

    fn set(&self, calls: u64, control: Control) {
        self.calls.store(i64::try_from(calls).unwrap(), Ordering::Relaxed);
        *self.control.lock().unwrap() = Some(control);
    }

    fn unset(&self) {
        self.control.lock().unwrap().take();
    }
}

/// A history in the making.
struct Run<'a> {
    scene: &'a Scene,
    world: World,
    canceller: Canceller,
    /// The clock goes as it should: then it is counted what is listed.
    is_calm: bool,
}

impl Run<'_> {
    fn there(&self, sources: &[PathBuf]) -> Vec<PathBuf> {
        // Some of them lead through links.
        let paths = sources.iter().map(|path| self.world.root.join(path));
        paths.filter(|path| self.scene.fs.exists(path)).collect()
    }

    /// Directories that have to be listed, told of each source by itself.
    fn due(&mut self, sources: &[PathBuf]) -> Vec<Vec<PathBuf>> {
        sources.iter().map(|source| self.world.due(source)).collect()
    }

    fn record(&mut self, sources: &[PathBuf], due: &[Vec<PathBuf>], began: i128, found: &Listing) {
        for (number, (source, due)) in sources.iter().zip(due).enumerate() {
            self.world.record(source, due, began, &found.remembered_of(number, source));
        }
    }

    /// Holds the locations against those of the index.
    fn see_locations(&mut self, are_all_added: bool) {
        let index = Index::open_existing(&self.scene.index()).unwrap();
        let there = index.map_or_else(Vec::new, |index| index.locations().unwrap());
        let paths = there.into_iter().map(|location| location.path).collect();
        self.world.has_locations(paths, are_all_added);
    }

    fn began(&self) -> i128 {
        self.scene.fs.moment().wall.as_nanos()
    }

    fn prepare(&mut self, sources: &[PathBuf], mode: PrepareMode) {
        let sources = self.there(sources);
        if sources.is_empty() {
            return;
        }
        if self.is_calm {
            // So that nothing is listed so soon after a change that it has to be listed again.
            self.scene.fs.pass(Duration::from_secs(10));
        }
        let there = self.scene.look(&sources);
        let stale = self.due(&sources);
        let began = self.began();
        let (prepared, found) = self.scene.list(&sources, mode);
        assert_eq!((&prepared.outcome, prepared.warnings), (&Outcome::Finished, 0), "{prepared:?}");
        self.see_locations(mode != PrepareMode::IndexOnly);
        if mode == PrepareMode::IndexOnly {
            assert_eq!((found.found.len(), prepared.listed_directories), (0, 0));
            self.must_be_exact_or_say_so(&prepared, &there);
            return;
        }
        let stale = match mode {
            PrepareMode::Scan => self.all_of(&there, &sources),
            _ => stale,
        };
        let expected: usize = stale.iter().map(Vec::len).sum();
        if self.is_calm {
            assert!(prepared.listed_directories <= expected as u64, "{prepared:?}, {stale:?}");
        }
        self.world.check(&sources, &found, &there);
        assert_eq!(sums_of(&prepared), found.sums());
        assert!(is_as_exact_as_can_be(&prepared), "{prepared:?}");
        self.record(&sources, &stale, began, &found);
        self.sums_are_those_of_a_listing(&sources);
    }

    /// Every directory of each source.
    fn all_of(&self, there: &Listing, sources: &[PathBuf]) -> Vec<Vec<PathBuf>> {
        let mut all = vec![Vec::new(); sources.len()];
        for (source, path, kind) in there.names() {
            if kind == FileKind::Directory {
                all[source].push(sources[source].join(path.as_path()).components().collect());
            }
        }
        all
    }

    /// Nothing has happened since: it is all known, and known rightly.
    fn sums_are_those_of_a_listing(&mut self, sources: &[PathBuf]) {
        let sums = self.scene.run(sources, PrepareMode::Auto);
        let (prepared, found) = self.scene.list(sources, PrepareMode::Auto);
        assert_eq!(sums_of(&sums), found.sums(), "{sums:?}");
        assert!(is_as_exact_as_can_be(&sums), "{sums:?}");
        if sources.iter().all(|source| self.world.is_known(source)) {
            let estimate = prepared.estimate.unwrap();
            let estimated = [estimate.files, estimate.bytes, estimate.directories, estimate.others];
            assert_eq!((estimated, estimate.unknown_directories), (found.sums(), 0));
            if self.is_calm {
                assert_eq!((sums.listed_directories, sums.stale_directories), (0, 0), "{sums:?}");
                assert_eq!(prepared.listed_directories, 0, "{prepared:?}");
            }
        }
    }

    fn must_be_exact_or_say_so(&self, prepared: &super::Prepared, there: &Listing) {
        if prepared.is_exact {
            let ([files, _, directories, others], found) = (there.sums(), sums_of(prepared));
            assert_eq!([files, directories, others], [found[0], found[2], found[3]]);
        }
    }

    fn cancel(&mut self, sources: &[PathBuf], mode: PrepareMode, calls: u64) {
        let sources = self.there(sources);
        if sources.is_empty() {
            return;
        }
        let preparation = self.scene.preparation(&sources, mode);
        self.canceller.set(calls, preparation.control());
        let mut listing = Listing::default();
        let prepared = match calls % 2 {
            0 => preparation.run(&NoObserver),
            _ => preparation.run_listing(&NoObserver, &mut listing),
        };
        self.canceller.unset();
        assert_eq!(prepared.warnings, 0);
        if prepared.outcome == Outcome::Cancelled {
            assert!(!prepared.is_exact, "{prepared:?}");
        }
        self.due(&sources);
        self.see_locations(false);
        self.world.was_cancelled();
    }
}

/// What is taken for unchanged, and may have changed unseen, is not exact.
fn is_as_exact_as_can_be(prepared: &super::Prepared) -> bool {
    let is_believed = prepared.confidence.is_none_or(|it| it > Confidence::Low);
    prepared.is_exact == (is_believed || prepared.fresh_directories == 0)
}

fn run(filesystem: &str, identity: Option<&str>, steps: &[Step], is_calm: bool) {
    let scene = Scene::new();
    let settings = VolumeSettings::of(filesystem);
    let settings = match identity {
        Some(identity) => settings.identity(identity),
        None => settings,
    };
    scene.fs.mount("/v", settings).file("/v/a/b", "1").dir("/v/b");
    scene.fs.pass(Duration::from_secs(10));
    let canceller = Canceller::waits_in(&scene);
    let world = World::new(&scene.fs, "/v".as_ref());
    let mut run = Run { scene: &scene, world, canceller, is_calm };
    let last = Step::Prepare(vec![PathBuf::new()], PrepareMode::Auto);
    for step in steps.iter().chain([&last]) {
        run.world.step += 1;
        match step {
            Step::Prepare(sources, mode) => run.prepare(sources, *mode),
            Step::Cancelled(sources, mode, calls) => run.cancel(sources, *mode, *calls),
            other => run.world.apply(other),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..Default::default() })]

    #[test]
    fn only_what_has_changed_is_listed_again(
        filesystem in prop_oneof![Just("ext4"), Just("ext3"), Just("tmpfs")],
        steps in proptest::collection::vec(calm(), 0..40),
    ) {
        run(filesystem, None, &steps, true);
    }

    #[test]
    fn what_is_told_is_what_is_there_whatever_the_clock_does(
        filesystem in prop_oneof![
            Just("ext4"), Just("ext3"), Just("vfat"), Just("exfat"), Just("tmpfs"), Just("nfs"),
        ],
        has_identity: bool,
        steps in proptest::collection::vec(wild(), 0..50),
    ) {
        run(filesystem, has_identity.then_some("uuid:1234"), &steps, false);
    }
}
