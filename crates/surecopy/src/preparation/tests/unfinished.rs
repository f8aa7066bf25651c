//! What others write who scan at the same time, or were killed while they did, is not taken for more than
//! it is.

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use surecopy_engine::{Event, Observer, Phase};
use surecopy_fs::{FileSystem, Node, RelPath};
use surecopy_index::{Index, Listed, LocationId, Recorder, ScanEnd};
use surecopy_testkit::FakeDir;

use super::{PrepareMode, Scene, sums_of};

/// Somebody else who scans the location `/v`.
struct Other<'a> {
    scene: &'a Scene,
    index: Index,
    location: LocationId,
    root: FakeDir,
}

impl<'a> Other<'a> {
    fn of(scene: &'a Scene) -> Self {
        let index = Index::open(&scene.index()).unwrap();
        let (location, _) = index.location_of(Path::new("/v")).unwrap().unwrap();
        let root = scene.fs.open_root(Path::new("/v")).unwrap();
        Self { scene, index, location: location.id, root }
    }

    fn begin(&self) -> Recorder {
        let volume = self.scene.fs.volume(&self.root).unwrap();
        Recorder::begin(&self.index, self.location, &volume, &self.scene.fs.moment()).unwrap()
    }

    fn list(&self, recorder: &Recorder, path: &str) {
        let fs = &self.scene.fs;
        let path = RelPath::new(path).unwrap();
        let began = fs.moment();
        let dir = fs.open_dir(&self.root, &path).unwrap();
        let metadata = fs.metadata(Node::Dir(&dir)).unwrap();
        let mut names = fs.list(&dir).unwrap();
        names.sort();
        let look = |name: OsString| {
            let metadata = fs.metadata_at(&dir, &name).unwrap();
            (name, metadata)
        };
        let entries: Vec<_> = names.into_iter().map(look).collect();
        let (path, began, metadata, entries) = (&path, &began, &metadata, &entries[..]);
        recorder.listed(&Listed { path, began, metadata, entries, part: 0, parts: 1 });
    }

    /// Waits until it is written what a directory holds.
    fn wait_for(&self, path: &str) {
        let there = self.scene.fs.names(Path::new("/v").join(path)).len();
        let path = RelPath::new(path).unwrap();
        let written = || {
            let directory = self.index.directory(self.location, &path).unwrap()?;
            Some(self.index.entries(directory).unwrap()?.len())
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        while written() != Some(there) {
            assert!(Instant::now() < deadline, "nothing is written");
            std::thread::yield_now();
        }
    }

    /// Lists directories and is killed before it can add up what is beneath them.
    fn list_and_be_killed(&self, directories: &[&str]) {
        let recorder = self.begin();
        directories.iter().for_each(|path| self.list(&recorder, path));
        // What was handed over is written in the background.
        drop(recorder);
        directories.iter().for_each(|path| self.wait_for(path));
    }
}

fn scene() -> Scene {
    let scene = Scene::new();
    scene.fs.file("/v/a/one", "1").file("/v/a/below/two", "22").file("/v/b/three", "333");
    scene.fs.pass(Duration::from_secs(10));
    scene.run(&["/v".into()], PrepareMode::Auto);
    scene
}

#[test]
fn sums_that_were_not_added_up_are_not_told() {
    for directories in [&["a/below"][..], &["a", "a/below"], &["b"], &["", "a", "a/new"]] {
        let scene = scene();
        scene.fs.file("/v/a/below/more", "4444").file("/v/b/more", "55555");
        if directories.contains(&"a/new") {
            scene.fs.file("/v/a/new/more", "666666").file("/v/more", "7777777");
        }
        scene.fs.pass(Duration::from_secs(10));
        Other::of(&scene).list_and_be_killed(directories);
        let there = scene.look(&["/v".into()]).sums();
        for mode in [PrepareMode::IndexOnly, PrepareMode::Auto, PrepareMode::Auto] {
            let prepared = scene.run(&["/v".into()], mode);
            assert!(!prepared.is_exact || sums_of(&prepared) == there, "{mode:?}: {prepared:?}");
            assert!(prepared.is_exact || mode == PrepareMode::IndexOnly, "{prepared:?}");
        }
        // All is as it was before.
        let prepared = scene.run(&["/v".into()], PrepareMode::IndexOnly);
        assert_eq!((prepared.is_exact, sums_of(&prepared)), (true, there), "{directories:?}");
    }
}

#[test]
fn all_that_changed_may_be_listed_and_not_added_up() {
    let scene = scene();
    scene.fs.file("/v/a/below/more", "4444");
    scene.fs.pass(Duration::from_secs(10));
    Other::of(&scene).list_and_be_killed(&["a/below"]);
    let there = scene.look(&["/v".into()]).sums();
    let prepared = scene.run(&["/v".into()], PrepareMode::Auto);
    assert_eq!((prepared.is_exact, sums_of(&prepared)), (true, there), "{prepared:?}");
    assert_eq!(prepared.listed_directories, 0);
}

/// Does something when the quick assessment is over.
struct AfterAssessment<W>(W);

impl<W: Fn() + Send + Sync> Observer for AfterAssessment<W> {
    fn on_event(&self, event: Event) {
        if matches!(event, Event::PhaseFinished { phase: Phase::QuickAssessment, .. }) {
            self.0();
        }
    }
}

#[test]
fn what_others_list_between_two_phases_counts() {
    let scene = scene();
    scene.fs.file("/v/a/below/more", "4444");
    scene.fs.pass(Duration::from_secs(10));
    let there = scene.look(&["/v".into()]).sums();
    let other = AfterAssessment(|| {
        let other = Other::of(&scene);
        let recorder = other.begin();
        other.list(&recorder, "a/below");
        recorder.finish(ScanEnd::Part, scene.fs.moment().wall).unwrap();
    });
    let prepared = scene.preparation(&["/v".into()], PrepareMode::Auto).run(&other);
    assert_eq!((prepared.is_exact, sums_of(&prepared)), (true, there), "{prepared:?}");
    assert_eq!((prepared.listed_directories, prepared.estimate.unwrap().files), (0, 3));
}

#[test]
fn a_directory_that_somebody_tells_of_too_late_is_nowhere() {
    let scene = scene();
    scene.fs.file("/v/b/ghost/of", "55555");
    scene.fs.pass(Duration::from_secs(10));
    let other = Other::of(&scene);
    let recorder = other.begin();
    // It is listed as it is now, and told of when others know that it is gone.
    let late = scene.fs.moment();
    let dir = scene.fs.open_dir(&other.root, &RelPath::new("b/ghost").unwrap()).unwrap();
    let metadata = scene.fs.metadata(Node::Dir(&dir)).unwrap();
    let entries = [(OsString::from("of"), scene.fs.metadata_at(&dir, "of".as_ref()).unwrap())];
    scene.fs.remove("/v/b/ghost");
    scene.fs.pass(Duration::from_secs(10));
    scene.run(&["/v".into()], PrepareMode::Auto);
    recorder.listed(&Listed {
        path: &RelPath::new("b/ghost").unwrap(),
        began: &late,
        metadata: &metadata,
        entries: &entries,
        part: 0,
        parts: 1,
    });
    recorder.finish(ScanEnd::Part, scene.fs.moment().wall).unwrap();
    // Something else is stale.
    scene.fs.file("/v/a/more", "4444");
    scene.fs.pass(Duration::from_secs(10));
    let there = scene.look(&["/v".into()]).sums();
    for _ in 0..2 {
        let prepared = scene.run(&["/v".into()], PrepareMode::Auto);
        assert_eq!((prepared.is_exact, sums_of(&prepared)), (true, there), "{prepared:?}");
    }
    let prepared = scene.run(&["/v".into()], PrepareMode::IndexOnly);
    assert_eq!((prepared.is_exact, prepared.gone_directories), (true, 0), "{prepared:?}");
}
