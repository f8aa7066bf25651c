//! The counters that a progress bar is made of: whatever happened, they end where they should.

use std::sync::Arc;

use surecopy_engine::{CopySpec, ItemStatus, Mechanism, SkipReason, StrategyChoice};
use surecopy_fs::{FsErrorKind, Operation};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan, VolumeSettings};

use crate::job::{CHUNK, Ran, carry_out, spec};
use crate::oracle::adds_up;

/// Copied, of; read back, of.
fn counters(ran: &Ran) -> [u64; 4] {
    adds_up(ran);
    let found = &ran.counters;
    [found.bytes_copied, found.bytes_total, found.bytes_verified, found.verify_total]
}

/// `/src` with two files of several chunks, `/dst` on a volume of its own.
fn two_files() -> (FakeFs, u64) {
    let fs = FakeFs::new();
    let content = vec![7; 3 * CHUNK + 5];
    fs.file("/src/a", &content).file("/src/b", &content).mount("/dst", VolumeSettings::of("ext4"));
    (fs, content.len() as u64)
}

fn staged(fs: &FakeFs) -> CopySpec {
    let mut spec = spec(fs, &["/src/"], "/dst");
    spec.strategy = StrategyChoice::Staged;
    spec
}

#[test]
fn what_turns_out_to_be_the_same_leaves_nothing_to_do() {
    let (fs, size) = two_files();
    let mut spec = staged(&fs);
    spec.by_content = true;
    let fs = Arc::new(fs);
    assert_eq!(counters(&carry_out(&fs, &spec)), [2 * size; 4]);
    fs.write("/src/a", 0, "other");
    let ran = carry_out(&fs, &spec);
    assert_eq!(ran.item("/dst/b").status, ItemStatus::Skipped(SkipReason::IdenticalContent));
    assert_eq!(counters(&ran), [size; 4], "{}", ran.in_short());
}

#[test]
fn shared_blocks_are_copied_and_not_read_back() {
    let fs = FakeFs::new();
    fs.mount("/v", VolumeSettings::of("btrfs")).file("/v/src/a", vec![7; CHUNK]).dir("/v/dst");
    let fs = Arc::new(fs);
    let ran = carry_out(&fs, &spec(fs.as_ref(), &["/v/src/"], "/v/dst"));
    assert_eq!(ran.item("/v/dst/a").mechanism, Some(Mechanism::Clone), "{}", ran.in_short());
    let size = CHUNK as u64;
    assert_eq!(counters(&ran), [size, size, 0, 0]);
}

/// Each attempt is counted while it lasts; what counts in the end is the last one.
#[test]
fn what_is_begun_again_is_counted_once() {
    let faults = [
        FaultPlan::once(1, FsErrorKind::Io).only(Operation::FlushFile),
        FaultPlan::once(2, FsErrorKind::Io).only(Operation::FlushFile),
        FaultPlan::once(1, FsErrorKind::Io).only(Operation::FlushDir),
        // The kernel copies some of the file and then will not copy the rest.
        FaultPlan::unsupported(3).only(Operation::CopyRange),
    ];
    for plan in faults {
        let (fake, size) = two_files();
        fake.remount("/dst", |settings| settings.can_copy_range_across = true);
        let mut spec = staged(&fake);
        if plan.operation == Some(Operation::CopyRange) {
            fake.limit_transfers(CHUNK);
            spec.strategy = StrategyChoice::Direct;
        }
        let fs = Arc::new(FaultFs::new(fake, plan));
        let ran = carry_out(&fs, &spec);
        assert!(fs.fired(), "{plan:?}");
        assert!(ran.all_ok().report.tally.retries > 0, "{plan:?}: {}", ran.in_short());
        assert_eq!(counters(&ran), [2 * size; 4], "{plan:?}: {}", ran.in_short());
    }
}

#[test]
fn a_file_that_changes_on_the_way_is_counted_once() {
    let (fs, size) = two_files();
    let spec = staged(&fs);
    fs.before(Operation::Write, |fs, nth| {
        if nth == 2 {
            fs.write("/src/a", 0, "changed");
        }
    });
    let ran = carry_out(&Arc::new(fs), &spec);
    assert!(ran.all_ok().report.tally.retries > 0, "{}", ran.in_short());
    assert_eq!(counters(&ran), [2 * size; 4], "{}", ran.in_short());
}

#[test]
fn what_fails_is_no_longer_to_be_done() {
    for operation in [Operation::Write, Operation::FlushFile, Operation::PublishNew] {
        let (fake, _) = two_files();
        let spec = staged(&fake);
        let plan = FaultPlan::from_then_on(1, FsErrorKind::Io).only(operation);
        let fs = Arc::new(FaultFs::new(fake, plan));
        let ran = carry_out(&fs, &spec);
        assert_eq!(ran.report.tally.failed, 2, "{operation:?}: {}", ran.in_short());
        assert_eq!(counters(&ran), [0; 4], "{operation:?}");
    }
}

#[test]
fn a_file_of_another_size_than_was_planned_counts_as_it_is() {
    for grown in [0, CHUNK, 5 * CHUNK] {
        let (fs, size) = two_files();
        let spec = staged(&fs);
        fs.before(Operation::OpenSource, move |fs, nth| {
            if nth == 1 {
                fs.truncate("/src/a", grown as u64);
            }
        });
        let ran = carry_out(&Arc::new(fs), &spec);
        ran.all_ok();
        assert_eq!(counters(&ran), [size + grown as u64; 4], "{grown}: {}", ran.in_short());
    }
}

/// What was planned is put right once, however often the file is begun.
#[test]
fn a_file_that_shrank_and_is_begun_again_is_counted_as_it_is() {
    let (fs, size) = two_files();
    let spec = staged(&fs);
    fs.before(Operation::OpenSource, |fs, nth| {
        if nth == 1 {
            fs.truncate("/src/a", 10);
        }
    });
    fs.before(Operation::Write, |fs, nth| {
        if nth <= 2 {
            fs.write("/src/a", 0, nth.to_le_bytes());
        }
    });
    let ran = carry_out(&Arc::new(fs), &spec);
    assert_eq!(ran.all_ok().item("/dst/a").retries.len(), 2, "{}", ran.in_short());
    assert_eq!(counters(&ran), [size + 10; 4], "{}", ran.in_short());
}

/// A further name that has to be copied was not counted as something to copy.
#[test]
fn a_hard_link_that_becomes_a_file_of_its_own_is_counted() {
    let (fs, size) = two_files();
    fs.link("/src/a", "/src/c");
    let spec = staged(&fs);
    let plan = FaultPlan::from_then_on(1, FsErrorKind::Io).only(Operation::HardLink);
    let fs = Arc::new(FaultFs::new(fs, plan));
    let ran = carry_out(&fs, &spec);
    ran.all_ok();
    assert_eq!(counters(&ran), [3 * size; 4], "{}", ran.in_short());
}
