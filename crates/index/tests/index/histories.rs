//! Random histories of a tree in memory: after each, what is stale is listed again, and what is remembered
//! is what a full walk finds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use surecopy_fs::{FileKind, FileSystem, Node, RelPath, Times, Timestamp};
use surecopy_testkit::{FakeFs, VolumeSettings};

use crate::scene::{Place, Tree, scene};

/// What happens to the tree, or to the clock.
#[derive(Debug, Clone)]
enum Step {
    File(PathBuf, usize),
    Directory(PathBuf),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
    /// Somebody sets the modification time of a directory to what it was at the last refresh, or so many
    /// seconds before that, as unpacking does.
    SetBack(PathBuf, i64),
    Pass(u64),
    /// Somebody sets the clock.
    SetClock(i64),
    /// Changes happen at the same time, or not.
    StandStill(bool),
    Reboot,
    /// What is stale is listed again.
    Refresh,
}

fn path() -> impl Strategy<Value = PathBuf> {
    let names = proptest::collection::vec(prop_oneof!["[a-c]", Just("a-".to_owned())], 1..4);
    names.prop_map(|names| names.iter().collect())
}

/// Steps of a machine whose clock goes as it should.
fn calm() -> BoxedStrategy<Step> {
    prop_oneof![
        4 => (path(), 0..2_000usize).prop_map(|(path, size)| Step::File(path, size)),
        4 => path().prop_map(Step::Directory),
        2 => path().prop_map(Step::Remove),
        3 => (path(), path()).prop_map(|(from, to)| Step::Rename(from, to)),
        2 => (path(), prop_oneof![Just(0), 0..5_000i64])
            .prop_map(|(path, secs)| Step::SetBack(path, secs)),
        1 => (0..3_000u64).prop_map(Step::Pass),
        2 => Just(Step::Refresh),
    ]
    .boxed()
}

fn wild() -> BoxedStrategy<Step> {
    prop_oneof![
        8 => calm(),
        1 => prop_oneof![-5_000..5_000i64, -100_000_000..100_000_000i64].prop_map(Step::SetClock),
        1 => any::<bool>().prop_map(Step::StandStill),
        1 => Just(Step::Reboot),
    ]
    .boxed()
}

struct World<'a> {
    fs: &'a FakeFs,
    root: PathBuf,
    /// Directories in which a name has come or gone, or whose times were set, since the last refresh.
    touched: BTreeSet<PathBuf>,
    /// Files that were rewritten in place at some time: their sizes may be remembered wrongly.
    rewritten: BTreeSet<PathBuf>,
    /// The modification times of directories at the last refresh.
    modified: BTreeMap<PathBuf, Timestamp>,
}

impl World<'_> {
    fn kind(&self, path: &Path) -> Option<FileKind> {
        self.fs.stat(self.root.join(path)).map(|metadata| metadata.kind)
    }

    /// Whether a new name can stand there.
    fn has_room(&self, path: &Path) -> bool {
        self.kind(path).is_none() && self.kind(path.parent().unwrap()) == Some(FileKind::Directory)
    }

    fn touch_parent(&mut self, path: &Path) {
        self.touched.insert(path.parent().unwrap().to_owned());
    }

    /// A directory that has come, with all in it.
    fn touch_tree(&mut self, path: &Path) {
        for (below, entry) in self.fs.tree(self.root.join(path)) {
            if entry.kind == FileKind::Directory {
                let path =
                    if below.as_os_str().is_empty() { path.into() } else { path.join(below) };
                self.touched.insert(path);
            }
        }
    }

    fn apply(&mut self, step: &Step) {
        let fs = self.fs;
        let root = self.root.clone();
        let at = |path: &Path| root.join(path);
        match step {
            Step::File(path, size) => match self.kind(path) {
                Some(FileKind::File) => {
                    fs.file(at(path), vec![1; *size]);
                    self.rewritten.insert(path.clone());
                }
                None if self.has_room(path) => {
                    fs.file(at(path), vec![1; *size]);
                    self.touch_parent(path);
                }
                _ => {}
            },
            Step::Directory(path) if self.has_room(path) => {
                fs.dir(at(path));
                self.touch_parent(path);
                self.touch_tree(path);
            }
            Step::Remove(path) if self.kind(path).is_some() => {
                fs.remove(at(path));
                self.touch_parent(path);
            }
            Step::Rename(from, to)
                if self.kind(from).is_some() && self.has_room(to) && !to.starts_with(from) =>
            {
                fs.rename(at(from), at(to));
                self.touch_parent(from);
                self.touch_parent(to);
                self.touch_tree(to);
            }
            Step::SetBack(path, secs) if self.kind(path) == Some(FileKind::Directory) => {
                let root = fs.open_root(&self.root).unwrap();
                let dir = fs.open_dir(&root, &RelPath::new(path).unwrap()).unwrap();
                let known = self.modified.get(path).copied();
                let mut modified = known.unwrap_or(fs.stat(at(path)).unwrap().modified);
                modified.secs -= secs;
                let times = Times { accessed: None, modified, created: None };
                fs.set_times(Node::Dir(&dir), times).unwrap();
                self.touched.insert(path.clone());
            }
            Step::Pass(millis) => {
                fs.pass(Duration::from_millis(*millis));
            }
            Step::SetClock(millis) => {
                let now = fs.moment().wall.as_nanos() + i128::from(*millis) * 1_000_000;
                let secs = i64::try_from(now.div_euclid(1_000_000_000)).unwrap();
                let nanos = u32::try_from(now.rem_euclid(1_000_000_000)).unwrap();
                fs.set_clock(Timestamp { secs, nanos });
            }
            Step::StandStill(is_still) => {
                fs.set_tick(if *is_still { 0 } else { 1_000 });
            }
            Step::Reboot => {
                fs.reboot();
            }
            Step::Directory(_)
            | Step::Remove(_)
            | Step::Rename(..)
            | Step::SetBack(..)
            | Step::Refresh => {}
        }
    }

    fn note_times(&mut self) {
        let tree = self.fs.tree(&self.root).into_iter();
        self.modified = tree.map(|(path, entry)| (path, entry.modified)).collect();
    }

    /// A full walk.
    fn tree(&self) -> Tree {
        let tree = self.fs.tree(&self.root).into_iter();
        tree.filter(|(path, _)| !path.as_os_str().is_empty())
            .map(|(path, entry)| (path, (entry.kind, entry.size)))
            .collect()
    }

    /// Names and kinds are the same, and sizes as far as they have to be.
    fn check(&self, found: &Tree) {
        let names = |tree: &Tree| -> Vec<_> {
            tree.iter().map(|(path, (kind, _))| (path.clone(), *kind)).collect()
        };
        let there = self.tree();
        assert_eq!(names(found), names(&there));
        for (path, (kind, size)) in found {
            if *kind == FileKind::File && !self.rewritten.contains(path) {
                assert_eq!(*size, there[path].1, "{}", path.display());
            }
        }
    }
}

fn run(filesystem: &str, steps: &[Step], is_calm: bool) {
    let (scene, fs) = (scene(), FakeFs::new());
    fs.mount("/v", VolumeSettings::of(filesystem)).file("/v/a/b", "1").dir("/v/b");
    let place = Place::new(&scene.index, &fs, Path::new("/v"), || fs.moment());
    let mut world = World {
        fs: &fs,
        root: "/v".into(),
        touched: BTreeSet::new(),
        rewritten: BTreeSet::new(),
        modified: BTreeMap::new(),
    };
    fs.pass(Duration::from_secs(10));
    place.scan();
    world.note_times();
    for step in steps.iter().chain([&Step::Refresh]) {
        if !matches!(step, Step::Refresh) {
            world.apply(step);
            continue;
        }
        if is_calm {
            // So that nothing is listed so soon after a change that it has to be listed again.
            fs.pass(Duration::from_secs(10));
        }
        let scanned = place.refresh();
        world.check(&scanned.tree);
        let remembered = place.remembered();
        world.check(&remembered);
        place.check_totals(&remembered);
        if is_calm {
            let listed: BTreeSet<PathBuf> = scanned.listed.into_iter().collect();
            let there = |path: &&PathBuf| world.kind(path) == Some(FileKind::Directory);
            let expected: BTreeSet<PathBuf> = world.touched.iter().filter(there).cloned().collect();
            assert!(listed.is_subset(&expected), "{listed:?} of {expected:?}");
        }
        world.touched.clear();
        world.note_times();
    }
}

fn filesystem() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("ext4"), Just("ext3"), Just("vfat"), Just("exfat"), Just("tmpfs"), Just("nfs")]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn only_what_has_changed_is_listed_again(
        filesystem in prop_oneof![Just("ext4"), Just("ext3"), Just("vfat"), Just("tmpfs")],
        steps in proptest::collection::vec(calm(), 0..40),
    ) {
        run(filesystem, &steps, true);
    }

    #[test]
    fn nothing_is_missed_whatever_the_clock_does(
        filesystem in filesystem(),
        steps in proptest::collection::vec(wild(), 0..60),
    ) {
        run(filesystem, &steps, false);
    }
}
