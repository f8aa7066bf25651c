//! Planned trees arrive as planned, and whatever is changed in them is told.

use std::path::Path;

use surecopy_fs::{FileKind, FileSystem, NativeFs, Timestamp};
use surecopy_testkit::tree::{TreePlan, TreeShape};
use surecopy_testkit::{FakeFs, VolumeSettings};

#[test]
fn a_tree_is_built_as_planned_everywhere() {
    for seed in 0..3 {
        let plan = TreePlan::random(seed, TreeShape { entries: 150, ..TreeShape::default() });
        let fake = FakeFs::new();
        fake.dir("/t");
        let top = fake.open_root(Path::new("/t")).unwrap();
        plan.build_through(&fake, &top).unwrap();
        assert_eq!(plan.differences(&fake, &top).unwrap(), Vec::<String>::new());

        let native = NativeFs::new();
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        plan.build_on_disk(dir.path()).unwrap();
        let top = native.open_root(dir.path()).unwrap();
        assert_eq!(plan.differences(&native, &top).unwrap(), Vec::<String>::new(), "seed {seed}");
    }
}

#[test]
fn a_plain_tree_fits_a_simple_volume() {
    let shape = TreeShape { has_odd_names: false, has_symlinks: false, ..TreeShape::default() };
    let plan = TreePlan::random(1, shape);
    let fake = FakeFs::new();
    fake.mount("/fat", VolumeSettings::of("vfat"));
    let top = fake.open_root(Path::new("/fat")).unwrap();
    plan.build_through(&fake, &top).unwrap();
    let differences = plan.differences(&fake, &top).unwrap();
    assert!(differences.iter().all(|line| line.contains("mode")), "{differences:#?}");
}

#[test]
fn every_kind_of_change_is_told() {
    let plan = TreePlan::random(1, TreeShape::default());
    let find = |kind: FileKind, least: usize| {
        let path = plan.entries.iter().find(|(_, entry)| {
            let size = match &entry.content {
                surecopy_testkit::tree::PlannedContent::File(bytes) => bytes.len(),
                _ => 0,
            };
            entry.kind() == kind && size >= least
        });
        Path::new("/t").join(path.unwrap().0)
    };
    let (file, link) = (find(FileKind::File, 1), find(FileKind::Symlink, 0));
    let modified = plan.entries[file.strip_prefix("/t").unwrap()].modified;
    type Change<'a> = &'a dyn Fn(&FakeFs);
    let changes: [(&str, Change<'_>); 7] = [
        ("differs at byte", &|fs| {
            let byte = fs.read(&file).unwrap()[0];
            fs.write(&file, 0, [byte ^ 1]).modified(&file, modified);
        }),
        ("bytes, not", &|fs| {
            fs.write(&file, fs.stat(&file).unwrap().size, b"x").modified(&file, modified);
        }),
        ("has mode", &|fs| {
            fs.mode(&file, 0o123);
        }),
        ("was modified", &|fs| {
            fs.modified(&file, Timestamp { nanos: modified.nanos ^ 1, ..modified });
        }),
        ("points to", &|fs| {
            fs.remove(&link).symlink(&link, "another");
        }),
        ("is missing", &|fs| {
            fs.remove(&link);
        }),
        ("not in the plan", &|fs| {
            fs.symlink("/t/more", "x");
        }),
    ];
    for (expected, change) in changes {
        let fake = FakeFs::new();
        fake.dir("/t").privileged(true);
        let top = fake.open_root(Path::new("/t")).unwrap();
        plan.build_through(&fake, &top).unwrap();
        change(&fake);
        let told = plan.differences(&fake, &top).unwrap();
        assert!(told.iter().any(|line| line.contains(expected)), "{expected}: {told:#?}");
    }
}
