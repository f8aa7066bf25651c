//! What is told, and in which order.

use proptest::prelude::*;
use surecopy_fs::{FileKind, FsError, FsErrorKind, NativeFs, Operation};
use surecopy_testkit::tree::{TreePlan, TreeShape};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan};

use super::reference::{self, nothing_fails};
use super::trees::trees;
use super::*;
use crate::policy::{Rule, RuleAction};

fn rules() -> Filter {
    let exclude = |pattern| Rule::new(RuleAction::Exclude, pattern).unwrap();
    Filter::new(vec![exclude("B"), exclude("a b/"), exclude("/b/a")])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_order_is_that_of_a_plain_scan(tree in trees(), is_filtered: bool) {
        let fs = tree.build();
        let mut place = Place::at(&fs, "/src").unwrap();
        if is_filtered {
            place.filter = rules();
        }
        let mut expected = Record::without(&tree.not_entered());
        reference::scan(&place, &nothing_fails, &mut expected);
        for bounds in all_bounds() {
            let mut record = Record::without(&tree.not_entered());
            prop_assert_eq!(place.scan(bounds, &mut record), Ok(()));
            prop_assert_eq!(&record.told, &expected.told, "{:?}", bounds);
            prop_assert_eq!(fs.open_handles(), 1, "the root");
        }
    }

    /// What fails is told where it would have been, and costs nothing else.
    #[test]
    fn what_fails_is_told_in_its_place(tree in trees(), at in 1u64..40, operation in 0..4usize) {
        let operation = [
            None,
            Some(Operation::OpenDir),
            Some(Operation::List),
            Some(Operation::Metadata),
        ][operation];
        for bounds in all_bounds() {
            let plan = FaultPlan { operation, ..FaultPlan::once(at, FsErrorKind::Io) };
            // The root is opened before faults begin to count.
            let fs = FaultFs::new(tree.build(), plan).exempt(&[Operation::OpenRoot]);
            let place = Place::at(&fs, "/src").unwrap();
            let mut record = Record::default();
            prop_assert_eq!(place.scan(bounds, &mut record), Ok(()));
            let failed: Vec<_> = record
                .unreadable()
                .into_iter()
                .filter(|(_, _, kind)| *kind == FsErrorKind::Io)
                .collect();
            let has_fired = fs.log().iter().any(|call| call.has_failed);
            prop_assert_eq!(failed.len(), usize::from(has_fired));
            let failing = |path: &RelPath, kind| {
                let is_it = failed.iter().any(|(at, of, _)| at == path && *of == kind);
                is_it.then(|| FsError::of_kind(Operation::Metadata, FsErrorKind::Io))
            };
            let again = tree.build();
            let place = Place::at(&again, "/src").unwrap();
            let mut expected = Record::default();
            reference::scan(&place, &failing, &mut expected);
            prop_assert_eq!(record.told, expected.told, "{:?}", bounds);
        }
    }
}

/// With nobody's help, the calls come one after another, so each can be made to fail in turn.
#[test]
fn every_call_may_fail_once_or_for_ever() {
    let tree = |fs: &FakeFs| {
        for name in ["a", "b", "c", "d/a", "d/e/f", "d/e/g", "h/i", "j/k"] {
            fs.file(format!("/src/{name}"), name);
        }
    };
    let faulty = |plan| {
        let fake = FakeFs::new();
        tree(&fake);
        FaultFs::new(fake, plan).exempt(&[Operation::OpenRoot])
    };
    let calls = {
        let fs = faulty(FaultPlan::once(u64::MAX, FsErrorKind::Io));
        Place::at(&fs, "/src").unwrap().told(SMALL);
        fs.calls()
    };
    assert!(calls > 20);
    for at in 2..=calls {
        for plan in [
            FaultPlan::once(at, FsErrorKind::PermissionDenied),
            FaultPlan::from_then_on(at, FsErrorKind::Io),
        ] {
            let (fs, other) = (faulty(plan), faulty(plan));
            let told = Place::at(&fs, "/src").unwrap().told(SMALL);
            let mut expected = Record::default();
            reference::scan(&Place::at(&other, "/src").unwrap(), &nothing_fails, &mut expected);
            assert!(fs.fired());
            assert_eq!(told, expected.told, "{plan:?}");
            assert_eq!(fs.log(), other.log(), "{plan:?}");
        }
    }
}

#[test]
fn trees_on_disk_are_told_as_a_plain_scan_tells_them() {
    let fs = NativeFs::new();
    for seed in 0..12 {
        let temp = tempfile::tempdir().unwrap();
        let shape = TreeShape { entries: 200, max_file_bytes: 10_000, ..TreeShape::default() };
        TreePlan::random(seed, shape).build_on_disk(temp.path()).unwrap();
        let place = Place::at(&fs, temp.path()).unwrap();
        let mut expected = Record::default();
        reference::scan(&place, &nothing_fails, &mut expected);
        assert!(expected.told.len() > 200 || !expected.unreadable().is_empty());
        for bounds in all_bounds() {
            let (told, expected) = (place.told(bounds), expected.told.iter());
            let same: Vec<_> = expected.map(without_last_access).collect();
            let told: Vec<_> = told.iter().map(without_last_access).collect();
            assert_eq!(told, same, "seed {seed}, {bounds:?}");
        }
    }
}

/// A directory is read by being listed.
fn without_last_access(told: &Told) -> Told {
    let mut told = told.clone();
    if let Told::Entry(entry) = &mut told {
        entry.metadata.accessed = entry.metadata.modified;
    }
    told
}

/// The names are sorted in pieces and merged.
#[test]
fn a_huge_directory_is_in_order() {
    let fs = FakeFs::new();
    let mut names: Vec<String> =
        (0..40_000u32).map(|n| format!("{:x}", n.wrapping_mul(2_654_435_761))).collect();
    for name in &names {
        fs.file(format!("/src/{name}"), "");
    }
    names.sort();
    let place = Place::at(&fs, "/src").unwrap();
    for listers in [0, 2] {
        let bounds = Bounds { listers, part_entries: 1024, ahead_entries: 4096, ..SMALL };
        let told = place.told(bounds);
        let found: Vec<&str> = told[1..]
            .iter()
            .map(|told| match told {
                Told::Entry(entry) => entry.path.as_path().to_str().unwrap(),
                Told::Unreadable(..) => panic!("{told:?}"),
            })
            .collect();
        assert_eq!(found, names);
    }
}

#[test]
fn neither_depth_nor_length_is_limited() {
    let name = "n".repeat(50);
    let fs = FakeFs::new();
    let mut deepest = RelPath::root();
    for _ in 0..1000 {
        deepest = deepest.join(name.as_ref());
    }
    fs.file(Path::new("/src").join(deepest.as_path()).join("file"), "");
    for listers in [0, 3] {
        let told = Place::at(&fs, "/src").unwrap().told(Bounds { listers, ..SMALL });
        assert_eq!(told.len(), 1002);
        let file = deepest.join("file".as_ref());
        assert!(matches!(&told[1001], Told::Entry(entry) if entry.path == file));
    }
}

#[test]
fn what_is_left_out_is_not_told_of() {
    for bounds in all_bounds() {
        let fs = FakeFs::new();
        fs.file("/src/kept/file", "").file("/src/left/deep/down/file", "");
        fs.dir("/src/left/closed").mode("/src/left/closed", 0);
        let place = Place::at(&fs, "/src").unwrap();
        let mut record = Record::without(&BTreeSet::from([path("left")]));
        place.scan(bounds, &mut record).unwrap();
        let paths: Vec<_> = record
            .told
            .iter()
            .map(|told| match told {
                Told::Entry(entry) => entry.path.clone(),
                Told::Unreadable(..) => panic!("{told:?}"),
            })
            .collect();
        assert_eq!(paths, ["", "kept", "left", "kept/file"].map(path));
    }
}

/// What vanishes or appears while it is listed is told as it is found, and the rest goes on.
#[test]
fn a_tree_may_change_meanwhile() {
    for bounds in all_bounds() {
        for nth in 1..=12 {
            let fs = FakeFs::new();
            for directory in 0..4 {
                for file in 0..5 {
                    fs.file(format!("/src/{directory}/deep/{file}"), "");
                }
            }
            fs.before(Operation::List, move |fs, at| {
                if at == nth && fs.exists("/src/2") {
                    fs.rename("/src/2", "/src/later");
                    fs.remove("/src/3/deep/0").file("/src/1/deep/new", "");
                }
            });
            let place = Place::at(&fs, "/src").unwrap();
            let mut record = Record::default();
            place.scan(bounds, &mut record).unwrap();
            for (path, kind, error) in record.unreadable() {
                let is_gone = path.starts_with(&super::path("2"))
                    || path == super::path("3/deep/0") && kind.is_none();
                assert!(is_gone && error == FsErrorKind::NotFound, "{path:?}: {error:?}");
                assert_ne!(kind, Some(FileKind::File));
            }
            // What was not touched is all there, in order.
            let zero: Vec<_> = (0..5).map(|file| super::path(&format!("0/deep/{file}"))).collect();
            let found = record.told.iter().filter_map(|told| match told {
                Told::Entry(entry) if zero.contains(&entry.path) => Some(entry.path.clone()),
                _ => None,
            });
            assert_eq!(found.collect::<Vec<_>>(), zero);
            assert_eq!(fs.open_handles(), 1);
        }
    }
}
