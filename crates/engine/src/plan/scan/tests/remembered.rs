//! A catalog that remembers the truth of some directories: what is told is what would be told without
//! it, and what is remembered costs nothing.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use surecopy_fs::{Metadata, Moment, Operation, Timestamp};
use surecopy_testkit::FakeFs;

use super::trees::{Tree, trees};
use super::*;
use crate::plan::{ListedPart, MOST_REMEMBERED_ENTRIES};
use crate::policy::{Rule, RuleAction};

type Entries = Vec<(OsString, Metadata)>;

/// What a catalog was told of one directory.
#[derive(Debug, Clone)]
struct Noted {
    began: Moment,
    metadata: Metadata,
    parts: usize,
    told: BTreeMap<usize, Entries>,
    missed: usize,
}

/// Writes down what it is told, and remembers what it was given.
#[derive(Default)]
struct Notes {
    remembered: BTreeMap<RelPath, Entries>,
    noted: Mutex<BTreeMap<RelPath, Noted>>,
    not_listed: Mutex<BTreeSet<RelPath>>,
    clock: AtomicI64,
    /// Entries that were asked for.
    given: AtomicUsize,
}

impl Catalog for Notes {
    fn entries(&self, mapping: usize, path: &RelPath) -> Option<Entries> {
        assert_eq!(mapping, 3, "the number of the mapping that is scanned");
        let entries = self.remembered.get(path)?.clone();
        self.given.fetch_add(entries.len(), Ordering::Relaxed);
        Some(entries)
    }

    fn now(&self) -> Moment {
        let secs = self.clock.fetch_add(1, Ordering::Relaxed);
        Moment { wall: Timestamp { secs, nanos: 0 }, since_boot: Duration::ZERO, boot: None }
    }

    fn listed(&self, part: &ListedPart<'_>) {
        assert_eq!(part.mapping, 3, "the number of the mapping that is scanned");
        let mut noted = self.noted.lock().unwrap();
        let noted = noted.entry(part.path.clone()).or_insert_with(|| Noted {
            began: part.began,
            metadata: part.metadata.clone(),
            parts: part.parts,
            told: BTreeMap::new(),
            missed: 0,
        });
        assert_eq!((noted.began, noted.parts), (part.began, part.parts));
        noted.missed += part.missed;
        let known = noted.told.insert(part.part, part.entries.to_vec());
        assert!(known.is_none(), "a part is told of once");
    }

    fn not_listed(&self, _: usize, path: &RelPath) {
        assert!(self.not_listed.lock().unwrap().insert(path.clone()), "it is told of once");
    }
}

impl Notes {
    fn remembering(remembered: BTreeMap<RelPath, Entries>) -> Self {
        Self { remembered, ..Self::default() }
    }

    fn noted(&self) -> BTreeMap<RelPath, Noted> {
        self.noted.lock().unwrap().clone()
    }

    /// What is in the directories of which nothing was missed.
    fn whole(&self) -> BTreeMap<RelPath, Entries> {
        let mut noted = self.noted();
        noted.retain(|_, noted| noted.missed == 0 && noted.told.len() == noted.parts);
        let entries = |noted: Noted| noted.told.into_values().flatten().collect();
        noted.into_iter().map(|(path, noted)| (path, entries(noted))).collect()
    }
}

fn rules() -> Filter {
    let exclude = |pattern| Rule::new(RuleAction::Exclude, pattern).unwrap();
    Filter::new(vec![exclude("B"), exclude("a b/"), exclude("/b/a")])
}

/// A place beneath `/src`, with or without rules.
fn place<'a>(fs: &'a FakeFs, is_filtered: bool, catalog: &'a Notes) -> Place<'a, FakeFs> {
    let mut place = Place::at(fs, "/src").unwrap();
    if is_filtered {
        place.filter = rules();
    }
    place.catalog = Some(catalog);
    place
}

/// Scans, and says what was told as if nothing had been remembered, and how much was.
fn told(place: &Place<'_, FakeFs>, tree: &Tree, bounds: Bounds) -> (Vec<Told>, usize) {
    let mut record = Record::without(&tree.not_entered());
    assert_eq!(place.scan(bounds, &mut record), Ok(()));
    let mut remembered = 0;
    for told in &mut record.told {
        if let Told::Entry(entry) = told
            && std::mem::replace(&mut entry.origin, Origin::Read) == Origin::Remembered
        {
            remembered += 1;
        }
    }
    (record.told, remembered)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_is_remembered_is_told_like_what_is_read(
        tree in trees(),
        is_filtered: bool,
        is_in_order: bool,
        chosen: u64,
    ) {
        let fs = tree.build();
        let learned = Notes::default();
        let (expected, _) = told(&place(&fs, is_filtered, &learned), &tree, SMALL);
        let mut all = learned.whole();
        if !is_in_order {
            all.values_mut().for_each(|entries| entries.reverse());
        }
        let mut some = all.clone();
        let mut nth = 0;
        some.retain(|_, _| {
            nth += 1;
            chosen.rotate_left(nth) & 1 == 0
        });
        for remembered in [some, all] {
            for bounds in all_bounds() {
                let catalog = Notes::remembering(remembered.clone());
                fs.reset_counts();
                let (told, as_remembered) = told(&place(&fs, is_filtered, &catalog), &tree, bounds);
                prop_assert_eq!(&told, &expected, "{:?}", bounds);
                let is_beneath = |told: &&Told| match told {
                    Told::Entry(entry) => entry
                        .path
                        .parent()
                        .is_some_and(|parent| remembered.contains_key(&parent)),
                    Told::Unreadable(..) => false,
                };
                prop_assert_eq!(as_remembered, expected.iter().filter(is_beneath).count());
                // Nobody lists ahead what is not wanted in the end, when nobody helps.
                if bounds.listers == 0 {
                    let looked = learned.noted().len() + learned.not_listed.lock().unwrap().len();
                    let lists = (looked - remembered.len()) as u64;
                    prop_assert_eq!(fs.count(Operation::OpenDir), lists);
                }
                // What is remembered is not told again.
                let noted = catalog.noted();
                prop_assert!(noted.keys().all(|path| !remembered.contains_key(path)));
            }
        }
    }

    #[test]
    fn the_catalog_is_told_of_all_that_is_listed(tree in trees(), is_filtered: bool) {
        let fs = tree.build();
        for bounds in all_bounds() {
            let catalog = Notes::default();
            let place = place(&fs, is_filtered, &catalog);
            told(&place, &tree, bounds);
            for (path, noted) in catalog.noted() {
                if noted.told.len() < noted.parts {
                    // Begun ahead, and left out before it was finished.
                    let is_left = |left: &RelPath| path.starts_with(left);
                    prop_assert!(tree.not_entered().iter().any(is_left), "{path:?}");
                    continue;
                }
                let dir = fs.open_dir(&place.root, &path).unwrap();
                let mut names = fs.list(&dir).unwrap();
                names.sort();
                prop_assert_eq!(noted.metadata, fs.metadata(surecopy_fs::Node::Dir(&dir)).unwrap());
                let entries: Entries = noted.told.into_values().flatten().collect();
                prop_assert_eq!(entries.len() + noted.missed, names.len(), "nothing is filtered");
                names.retain(|name| fs.metadata_at(&dir, name).is_ok());
                let expected: Entries = names
                    .into_iter()
                    .map(|name| { let found = fs.metadata_at(&dir, &name).unwrap(); (name, found) })
                    .collect();
                prop_assert_eq!(entries, expected);
            }
            for path in catalog.not_listed.lock().unwrap().iter() {
                let dir = fs.open_dir(&place.root, path);
                prop_assert!(dir.and_then(|dir| fs.list(&dir)).is_err());
            }
        }
    }
}

fn remembered_of(fs: &FakeFs, top: &str, names: &[&str]) -> Entries {
    let of = |name: &&str| ((*name).into(), fs.stat(format!("{top}/{name}")).unwrap());
    names.iter().map(of).collect()
}

/// The time is asked before the directory is looked at: what changes after that makes it stale.
#[test]
fn the_time_comes_before_the_directory_and_that_before_its_names() {
    let fs = FakeFs::new();
    fs.file("/src/a", "").modified("/src", Timestamp { secs: 7, nanos: 0 });
    fs.before(Operation::List, |fs, _| {
        fs.file("/src/late", "").modified("/src", Timestamp { secs: 8, nanos: 0 });
    });
    let catalog = std::sync::Arc::new(Notes::default());
    let clock = std::sync::Arc::clone(&catalog);
    fs.before(Operation::OpenDir, move |_, _| {
        clock.clock.fetch_add(100, Ordering::Relaxed);
    });
    let place = place(&fs, false, &catalog);
    assert_eq!(place.told(SMALL).len(), 3);
    let noted = &catalog.noted()[&RelPath::root()];
    assert_eq!(noted.began.wall.secs, 0, "before it is opened");
    assert_eq!(noted.metadata.modified.secs, 7, "before it is listed");
    assert_eq!(noted.told[&0].len(), 2);
}

#[test]
fn a_directory_that_does_not_tell_its_own_time_is_not_told_of() {
    use surecopy_testkit::{FaultFs, FaultPlan};
    let fake = FakeFs::new();
    fake.file("/src/a", "");
    // The source's own metadata come first, and then those of the directory that is listed.
    let plan = FaultPlan::once(2, FsErrorKind::Io).only(Operation::Metadata);
    let fs = FaultFs::new(fake, plan);
    let catalog = Notes::default();
    let mut place = Place::at(&fs, "/src").unwrap();
    place.catalog = Some(&catalog);
    assert_eq!(place.told(SMALL).len(), 2, "the copy need not know it");
    assert!(fs.fired());
    assert!(catalog.noted().is_empty());
    assert_eq!(catalog.not_listed.lock().unwrap().len(), 1);
}

/// Names come from a file that anybody may have written to, and lead nowhere else.
#[test]
fn what_does_not_look_like_a_listing_is_none() {
    let fs = FakeFs::new();
    fs.file("/src/a", "").file("/secret", "");
    let secret = fs.stat("/secret").unwrap();
    for name in ["../secret", "..", ".", "", "/secret", "a/b", "a/", "a\0b"] {
        let mut entries = remembered_of(&fs, "/src", &["a"]);
        entries.push((name.into(), secret.clone()));
        let catalog = Notes::remembering(BTreeMap::from([(RelPath::root(), entries)]));
        let found = place(&fs, false, &catalog).told(SMALL);
        assert!(matches!(&found[1..], [Told::Entry(Entry { origin: Origin::Read, .. })]), "{name}");
    }
    let mut entries = remembered_of(&fs, "/src", &["a", "a"]);
    let catalog = Notes::remembering(BTreeMap::from([(RelPath::root(), entries.clone())]));
    let found = place(&fs, false, &catalog).told(SMALL);
    assert!(matches!(&found[1..], [Told::Entry(Entry { origin: Origin::Remembered, .. })]));
    let file = entries.remove(0).1;
    let many = (0..=MOST_REMEMBERED_ENTRIES).map(|n| (n.to_string().into(), file.clone()));
    let catalog = Notes::remembering(BTreeMap::from([(RelPath::root(), many.collect())]));
    assert_eq!(place(&fs, false, &catalog).told(SMALL).len(), 2, "it is listed");
}

/// Goes into what is a directory by now, whatever was remembered.
struct Anew<'a>(&'a FakeFs, Vec<String>);

impl ScanSink for Anew<'_> {
    fn entry(&mut self, entry: Entry) -> bool {
        let path = Path::new("/src").join(entry.path.as_path());
        self.1.push(path.display().to_string());
        self.0.stat(path).is_some_and(|now| now.kind == FileKind::Directory)
    }

    fn unreadable(&mut self, path: RelPath, _: Option<FileKind>, error: FsError) {
        panic!("{path:?}: {error}");
    }
}

#[test]
fn what_has_become_a_directory_is_gone_into_in_its_place() {
    for bounds in all_bounds() {
        let fs = FakeFs::new();
        for name in ["a/1", "c/1", "e/1"] {
            fs.file(format!("/src/{name}"), "");
        }
        for name in ["b", "d", "f"] {
            fs.file(format!("/src/{name}"), "");
        }
        let entries = remembered_of(&fs, "/src", &["a", "b", "c", "d", "e", "f"]);
        fs.remove("/src/b").remove("/src/d").remove("/src/e").file("/src/e", "");
        for name in ["b/2", "d/2", "b/deep/3"] {
            fs.file(format!("/src/{name}"), "");
        }
        let catalog = Notes::remembering(BTreeMap::from([(RelPath::root(), entries)]));
        let mut anew = Anew(&fs, Vec::new());
        place(&fs, false, &catalog).scan(bounds, &mut anew).unwrap();
        let told = anew.1.join(" ").replace("/src", "");
        let expected = "/ /b /d /f /a /c /e /a/1 /b/2 /b/deep /b/deep/3 /c/1 /d/2";
        assert_eq!(told, expected, "{bounds:?}");
    }
}

/// Takes its time until the listers hold as much as they may.
struct Slow<'a> {
    catalog: &'a Notes,
    taken: usize,
    most_ahead: usize,
    room: usize,
}

impl Slow<'_> {
    fn ahead(&self) -> usize {
        self.catalog.given.load(Ordering::Relaxed).saturating_sub(self.taken)
    }
}

impl ScanSink for Slow<'_> {
    fn entry(&mut self, entry: Entry) -> bool {
        self.taken += usize::from(!entry.path.is_root());
        if entry.metadata.kind == FileKind::File {
            while self.ahead() < std::mem::take(&mut self.room) {
                std::thread::yield_now();
            }
        }
        self.most_ahead = self.most_ahead.max(self.ahead());
        entry.metadata.kind == FileKind::Directory
    }

    fn unreadable(&mut self, path: RelPath, _: Option<FileKind>, error: FsError) {
        panic!("{path:?}: {error}");
    }
}

#[test]
fn what_is_held_of_what_is_remembered_is_as_little() {
    const AHEAD: usize = 100;
    const PART: usize = 8;
    const LISTERS: usize = 3;
    let fs = FakeFs::new();
    for directory in 0..200 {
        for file in 0..6 {
            fs.file(format!("/src/{directory:03}/{file}"), "");
        }
    }
    let learned = Notes::default();
    place(&fs, false, &learned).told(SMALL);
    let mut remembered = learned.whole();
    remembered.remove(&RelPath::root());
    let catalog = Notes::remembering(remembered);
    let bounds =
        Bounds { listers: LISTERS, alone_entries: 1, part_entries: PART, ahead_entries: AHEAD };
    let mut slow = Slow { catalog: &catalog, taken: 0, most_ahead: 0, room: AHEAD / 2 };
    // The directories themselves were listed, and are not among what the catalog gave.
    let place = place(&fs, false, &catalog);
    place.scan(bounds, &mut slow).unwrap();
    assert!(slow.most_ahead <= AHEAD + (LISTERS + 1) * PART, "{} entries", slow.most_ahead);
    assert_eq!(catalog.given.load(Ordering::Relaxed), 1200);
}
