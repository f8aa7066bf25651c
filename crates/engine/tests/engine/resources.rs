//! Few open files: fewer at once, and no failures.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use surecopy_engine::{Control, CopySpec, Fact, ItemStatus, Journal};
use surecopy_fs::{FsErrorKind, Operation};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan, VolumeSettings};

use crate::job::{Recording, carry_out, carry_out_with, spec};
use crate::while_announced::Slow;

/// Files longer than this are copied by the kernel.
const SMALL: usize = 4096;

/// Open files that the engine leaves to others.
const OTHERS: u64 = 24;

/// Operations before which most is open: a source is, all of a group is.
const WATCHED: [Operation; 3] =
    [Operation::CreatePartial, Operation::CompareMapped, Operation::PublishNew];

/// Files that the kernel copies, so that their sources stay open until they are compared; each in
/// a directory of its own.
fn tree(files: usize) -> FakeFs {
    let fs = FakeFs::new();
    let settings = VolumeSettings { can_copy_range_across: true, ..VolumeSettings::of("ext4") };
    fs.mount("/dst", settings);
    for nth in 0..files {
        fs.file(format!("/src/d{nth}/f"), vec![b'x'; SMALL + 1 + nth]);
    }
    fs
}

/// The most handles that were open at once.
fn watch(fs: &FakeFs) -> Arc<AtomicU64> {
    let most = Arc::new(AtomicU64::new(0));
    for operation in WATCHED {
        let most = Arc::clone(&most);
        fs.before(operation, move |fs, _| {
            most.fetch_max(fs.open_handles(), Ordering::Relaxed);
        });
    }
    most
}

fn roomy(fs: &FakeFs) -> CopySpec {
    let mut spec = spec(fs, &["/src/"], "/dst");
    spec.limits.small_file_limit_bytes = SMALL as u64;
    // Only the number of open files ends a group.
    spec.limits.group_max_bytes = 1 << 40;
    spec.limits.group_max_millis = 1 << 40;
    spec
}

#[test]
fn open_files_stay_within_what_the_process_may_have() {
    for (open_files, workers, files) in [(64, 8, 600), (128, 1, 60), (256, 8, 300)] {
        // A journal that answers at once, and one that does when it is waited for.
        for journal in [&Recording::default() as &dyn Journal, &Slow::default()] {
            let fs = tree(files);
            let most = watch(&fs);
            let mut spec = roomy(&fs);
            (spec.open_files, spec.workers) = (open_files, workers);
            let fs = Arc::new(fs);
            let ran = carry_out_with(&fs, &spec, journal, &Control::new());
            ran.all_ok();
            let (most, bound) = (most.load(Ordering::Relaxed), open_files - OTHERS);
            assert!(most <= bound, "{most} open files of {open_files}, with {workers} workers");
            // One worker may do it all; a group of its has several members.
            assert!(most > 8, "only {most} open files of {open_files}: nothing was tried");
            assert_eq!(fs.open_handles(), 0);
        }
    }
}

/// Those of one directory share its handle, and a group that is announced does not make the next one
/// smaller.
#[test]
fn groups_are_as_large_as_asked_for_with_as_many_open_files_as_are_common() {
    for (workers, group) in [(2, 128), (3, 120)] {
        let fs = FakeFs::new();
        let settings = VolumeSettings { can_copy_range_across: true, ..VolumeSettings::of("ext4") };
        fs.mount("/dst", settings);
        for nth in 0..6 * group {
            fs.file(format!("/src/{nth:03}"), vec![b'x'; SMALL + 1]);
        }
        let mut spec = roomy(&fs);
        (spec.open_files, spec.workers) = (1024, workers);
        spec.limits.group_max_files = group as u64;
        let journal = Slow::default();
        carry_out_with(&Arc::new(fs), &spec, &journal, &Control::new()).all_ok();
        let announced = journal.facts().into_iter().filter_map(|fact| match fact {
            Fact::Publishing { items } => Some(items.len()),
            _ => None,
        });
        let announced: Vec<usize> = announced.collect();
        // The last of each worker is what was left for it.
        let full = announced.iter().filter(|items| **items == group).count();
        assert!(full + workers >= announced.len() && full > 0, "{announced:?}");
    }
}

/// Groups give way before an item fails for want of a handle.
#[test]
fn a_group_is_committed_when_an_item_lacks_handles() {
    for operation in [Operation::OpenSource, Operation::CreatePartial] {
        let fake = tree(6);
        let spec = roomy(&fake);
        let plan = FaultPlan::once(4, FsErrorKind::TooManyOpenFiles).only(operation);
        let fs = Arc::new(FaultFs::new(fake, plan));
        let ran = carry_out(&fs, &spec);
        assert!(fs.fired());
        ran.all_ok();
        for item in ran.items() {
            assert!(item.retries.is_empty(), "{operation:?}: {}", ran.in_short());
        }
        // The three before it were published before it was tried again.
        let failed = fs.log().iter().position(|call| call.has_failed).expect("it fired");
        let again = fs.log()[failed + 1..].iter().position(|call| call.operation == operation);
        let published = fs.log()[failed + 1..]
            .iter()
            .take(again.expect("it is tried again"))
            .filter(|call| call.operation == Operation::PublishNew)
            .count();
        assert_eq!(published, 3, "{operation:?}");
    }
}

/// Without a group there is nothing to give way.
#[test]
fn an_item_fails_when_there_are_no_handles_at_all() {
    let fake = tree(2);
    let spec = roomy(&fake);
    let plan = FaultPlan::once(1, FsErrorKind::TooManyOpenFiles).only(Operation::OpenSource);
    let fs = Arc::new(FaultFs::new(fake, plan));
    let ran = carry_out(&fs, &spec);
    let failed = ran.items().filter(|item| matches!(item.status, ItemStatus::Error(_))).count();
    assert_eq!(failed, 1, "{}", ran.in_short());
}
