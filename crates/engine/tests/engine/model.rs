//! Random trees against a model that says what a copy is: the source laid over the destination.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;
use surecopy_engine::{ItemStatus, SkipReason, StrategyChoice};
use surecopy_fs::{FileKind, Timestamp};
use surecopy_testkit::{Entry, FakeFs, VolumeSettings};

use crate::job::{CHUNK, carry_out, spec};

/// What stands under a name.
#[derive(Debug, Clone)]
enum Thing {
    /// A file: what it is filled with, how long it is, and when it was changed.
    File(u8, usize, i64),
    Link(u8),
    /// A directory and its permissions.
    Dir(u32),
}

/// Names are few, so that trees meet. A name beginning with `d` is a directory in both trees and
/// one beginning with `f` in neither: what happens where they differ is no matter of overlaying.
type Tree = BTreeMap<String, Thing>;

fn thing() -> impl Strategy<Value = Thing> {
    let length = prop_oneof![
        Just(0_usize),
        1..200_usize,
        4_095..4_098_usize,
        (CHUNK - 1)..(CHUNK + 2),
        Just(2 * CHUNK + 7),
    ];
    prop_oneof![
        8 => (any::<u8>(), length, 1..4_i64).prop_map(|(fill, length, time)| {
            Thing::File(fill, length, time)
        }),
        1 => any::<u8>().prop_map(Thing::Link),
    ]
}

fn tree() -> impl Strategy<Value = Tree> {
    let place = (prop::collection::vec(0..3_u8, 0..3), 0..5_u8);
    let files = prop::collection::vec((place, thing()), 0..12);
    let mode = prop::sample::select(vec![0o700, 0o711, 0o755, 0o1777, 0o770]);
    let dirs = prop::collection::vec((prop::collection::vec(0..3_u8, 1..4), mode), 0..3);
    (files, dirs).prop_map(|(files, dirs)| {
        let join = |dirs: &[u8]| dirs.iter().map(|d| format!("d{d}/")).collect::<String>();
        let mut tree: Tree = dirs
            .iter()
            .map(|(dirs, mode)| (join(dirs).trim_end_matches('/').to_owned(), Thing::Dir(*mode)))
            .collect();
        for ((dirs, name), thing) in files {
            tree.insert(format!("{}f{name}", join(&dirs)), thing);
        }
        tree
    })
}

fn plant(fs: &FakeFs, root: &str, tree: &Tree) {
    fs.dir(root);
    for (name, thing) in tree {
        let path = format!("{root}/{name}");
        match thing {
            Thing::File(fill, length, time) => {
                let time = Timestamp { secs: *time, nanos: 1 };
                fs.file(&path, vec![*fill; *length]).modified(&path, time);
            }
            Thing::Link(text) => {
                fs.symlink(&path, format!("to {text}"));
            }
            Thing::Dir(mode) => {
                fs.dir(&path).mode(&path, *mode);
            }
        }
    }
}

/// The model. Files of the same size and time count as the same, which is the default policy.
/// Directories get their source's permissions and times; those without a source keep theirs.
fn overlay(
    source: &BTreeMap<PathBuf, Entry>,
    destination: &BTreeMap<PathBuf, Entry>,
) -> BTreeMap<PathBuf, Entry> {
    let mut result = destination.clone();
    for (path, new) in source {
        let is_kept = destination.get(path).is_some_and(|old| {
            old.kind == FileKind::File
                && new.kind == FileKind::File
                && (old.size, old.modified) == (new.size, new.modified)
        });
        if !is_kept {
            result.insert(path.clone(), new.clone());
        }
    }
    result
}

fn volumes() -> impl Strategy<Value = VolumeSettings> {
    prop_oneof![
        Just(VolumeSettings::of("ext4")),
        Just(VolumeSettings::of("tmpfs")),
        Just(VolumeSettings::of("nfs")),
        Just(VolumeSettings::of("ext4").without_extras()),
        Just(VolumeSettings { can_copy_range_across: true, ..VolumeSettings::of("ext4") }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_copy_is_the_source_laid_over_the_destination(
        source in tree(),
        destination in tree(),
        settings in volumes(),
        workers in 1..4_usize,
        is_staged in any::<bool>(),
        transfers in prop_oneof![Just(usize::MAX), 1_000..70_000_usize],
    ) {
        let fs = FakeFs::new();
        fs.mount("/dst", settings).limit_transfers(transfers);
        plant(&fs, "/src", &source);
        plant(&fs, "/dst", &destination);
        let (before, old) = (fs.tree("/src"), fs.tree("/dst"));
        let mut spec = spec(&fs, &["/src/"], "/dst");
        spec.workers = workers;
        if is_staged {
            spec.strategy = StrategyChoice::Staged;
        }
        let fs = Arc::new(fs);
        let ran = carry_out(&fs, &spec);
        prop_assert_eq!(ran.report.tally.failed + ran.report.tally.cancelled, 0, "{}", ran.in_short());
        let found = fs.tree("/dst");
        prop_assert_eq!(&found, &overlay(&before, &old), "{}", ran.in_short());
        prop_assert_eq!(fs.tree("/src"), before, "the source changed");
        prop_assert_eq!(fs.open_handles(), 0);

        let again = carry_out(&fs, &spec);
        for item in again.items() {
            let is_skipped = item.status == ItemStatus::Skipped(SkipReason::Identical);
            prop_assert!(is_skipped, "{}", again.in_short());
            prop_assert!(!item.verified());
        }
        prop_assert_eq!(fs.tree("/dst"), found, "the second run changed something");
    }
}
