//! The suite must be able to fail: for everything that is counted as an operation of its own (some
//! methods share one, such as those that set times by handle and by name), and for lies that are
//! easy to overlook.

use std::collections::BTreeSet;
use std::path::Path;

use surecopy_fs::{FileSystem, FsErrorKind, Operation};
use surecopy_testkit::conformance::{Lab, broken_rules};
use surecopy_testkit::{FakeFs, Fault, FaultFs, FaultPlan, VolumeSettings};

fn fake() -> FakeFs {
    let fake = FakeFs::new();
    // Offers all there is, so that no case is skipped.
    fake.mount("/lab", VolumeSettings { can_clone: true, ..VolumeSettings::default() });
    fake
}

fn broken<F: FileSystem>(fs: &F) -> Vec<&'static str> {
    broken_rules(fs, &Lab::at(Path::new("/lab")))
}

/// Every operation that the suite makes use of.
fn operations_used() -> BTreeSet<Operation> {
    let counting = FaultFs::counting(fake());
    assert_eq!(broken(&counting), Vec::<&str>::new());
    counting.log().into_iter().map(|call| call.operation).collect()
}

#[test]
fn an_operation_that_never_works_breaks_a_rule() {
    let operations = operations_used();
    assert_eq!(operations.len(), 39, "all there are: {operations:?}");
    for operation in operations {
        let plan = FaultPlan::from_then_on(1, FsErrorKind::Io).only(operation);
        let fs = FaultFs::new(fake(), plan);
        assert!(!broken(&fs).is_empty(), "{operation:?} is called, but not held to anything");
    }
}

#[test]
fn an_operation_that_is_not_offered_breaks_none() {
    for operation in operations_used() {
        let plan = FaultPlan::from_then_on(1, FsErrorKind::NotSupported).only(operation);
        let fs = FaultFs::new(fake(), FaultPlan { fault: Fault::Unsupported, ..plan });
        let expected: &[&str] = match operation {
            // Attributes that can be set and not listed would be lost by the next copy.
            Operation::ListXattrs => &["attributes_come_back_sorted_and_whole"],
            _ => &[],
        };
        assert_eq!(broken(&fs), expected, "{operation:?} unsupported");
    }
}

#[test]
fn what_a_volume_claims_is_checked() {
    type Lie = fn(&mut VolumeSettings);
    let lies: [(Lie, &str); 3] = [
        (|settings| settings.can_store_holes = false, "a_length_can_be_set_both_ways"),
        (|settings| settings.is_memory = true, "dropped_pages_are_counted_as_gone"),
        (
            |settings| settings.capacity_bytes = Some(100_000),
            "equal_files_compare_equal_and_are_shown",
        ),
    ];
    for (lie, rule) in lies {
        let fake = fake();
        fake.remount("/lab", lie);
        let broken = broken(&fake);
        assert!(broken.contains(&rule), "{rule} is not among {broken:?}");
    }
    let fake = FakeFs::new();
    let lying = VolumeSettings { can_flush_group: true, ..VolumeSettings::of("nfs") };
    fake.mount("/lab", lying);
    assert_eq!(broken(&fake), ["everything_can_be_flushed"]);
}

#[test]
fn a_device_that_lies_is_noticed() {
    let flipped = fake();
    flipped.before(Operation::FlushFile, |fs, _| {
        let path = "/lab/reads_past_the_cache_show_the_content/file";
        if fs.exists(path) {
            fs.corrupt_device(path, 5000);
        }
    });
    assert_eq!(broken(&flipped), ["reads_past_the_cache_show_the_content"]);
}

#[test]
fn a_lock_that_nobody_holds_or_releases_is_noticed() {
    for answer in [true, false] {
        let is_locked = move |_: &Path| answer;
        let lab = Lab { is_locked: Some(&is_locked), ..Lab::at(Path::new("/lab")) };
        let broken = broken_rules(&fake(), &lab);
        assert_eq!(broken, ["a_new_file_is_locked_while_its_handle_lives"], "always {answer}");
    }
}
