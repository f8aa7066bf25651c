//! Flushes that fail: of the group, of a file, of a directory.

use std::path::Path;
use std::sync::Arc;

use surecopy_engine::{CopySpec, ErrorCode, ItemStatus, StrategyChoice, WarningKind};
use surecopy_fs::{FsErrorKind, Operation, Timestamp};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan, VolumeSettings};

use crate::job::{Ran, carry_out, spec};
use crate::oracle::leftovers;

const OLD_TIME: Timestamp = Timestamp { secs: 77, nanos: 8 };

type Faulty = Arc<FaultFs<FakeFs>>;

fn run(plan: FaultPlan, settings: VolumeSettings, change: fn(&mut CopySpec)) -> (Faulty, Ran) {
    let (fs, ran) = run_whether_it_fires(plan, settings, change);
    assert!(fs.fired());
    (fs, ran)
}

/// Five files, one of which replaces another.
fn run_whether_it_fires(
    plan: FaultPlan,
    settings: VolumeSettings,
    change: fn(&mut CopySpec),
) -> (Faulty, Ran) {
    let fs = FakeFs::new();
    for name in ["a", "b", "c", "d", "e"] {
        fs.file(format!("/src/{name}"), format!("the new {name}"));
    }
    fs.mount("/dst", settings).file("/dst/c", "old").modified("/dst/c", OLD_TIME);
    let mut spec = spec(&fs, &["/src/"], "/dst");
    spec.strategy = StrategyChoice::Staged;
    change(&mut spec);
    let fs = Arc::new(FaultFs::new(fs, plan));
    let ran = carry_out(&fs, &spec);
    (fs, ran)
}

fn ext4() -> VolumeSettings {
    VolumeSettings::of("ext4")
}

#[test]
fn a_group_whose_flush_failed_is_copied_again_file_by_file() {
    let plan = FaultPlan::once(1, FsErrorKind::Io).only(Operation::FlushVolume);
    let (fs, ran) = run(plan, ext4(), |_| {});
    ran.all_ok();
    for name in ["a", "b", "c", "d", "e"] {
        let item = ran.item(format!("/dst/{name}"));
        let reasons: Vec<_> = item.retries.iter().map(|retry| retry.code).collect();
        assert_eq!(reasons, [ErrorCode::FlushFailed]);
        // The source itself was read again; nothing of the first attempt was trusted.
        assert_eq!(item.source_bytes_read, 2 * item.size_bytes);
        let content = fs.inner().read(format!("/dst/{name}"));
        assert_eq!(content, Some(format!("the new {name}").into_bytes()));
    }
    // One of them shows that the disk still takes files.
    assert_eq!(fs.count(Operation::CreatePartial), 10 + 1);
    assert_eq!(fs.count(Operation::FlushFile), 5 + 1, "each is flushed on its own");
    assert!(leftovers(fs.inner(), "/dst").is_empty());
}

/// It is the volume's own last flush that fails: all files are in place, and durable.
#[test]
fn row_11_directories_that_cannot_be_flushed_are_left_to_the_next_run() {
    let plan = FaultPlan::once(2, FsErrorKind::Io).only(Operation::FlushVolume);
    let (_, ran) = run(plan, ext4(), |_| {});
    assert_eq!((ran.report.tally.ok, ran.report.tally.failed), (5, 1), "{}", ran.in_short());
    assert_eq!(ran.report.tally.unfinished_directories, 1);
    // Where it cannot be flushed as a whole, the directory's last flush is the one that counts.
    let without = VolumeSettings { can_flush_group: false, ..ext4() };
    let on = |nth| FaultPlan::once(nth, FsErrorKind::Io).only(Operation::FlushDir);
    let (fs, ran) = run_whether_it_fires(on(u64::MAX), without.clone(), |_| {});
    ran.all_ok();
    let (_, ran) = run(on(fs.count(Operation::FlushDir)), without, |_| {});
    assert_eq!((ran.report.tally.ok, ran.report.tally.failed), (5, 1), "{}", ran.in_short());
    assert_eq!(ran.report.tally.unfinished_directories, 1);
}

#[test]
fn a_file_that_cannot_be_flushed_is_not_published() {
    let plan = FaultPlan::from_then_on(1, FsErrorKind::Io).only(Operation::FlushFile);
    let (fs, ran) = run(plan, ext4(), |spec| spec.limits.group_max_files = 1);
    assert_eq!(ran.report.tally.failed, 5);
    for item in ran.items() {
        let ItemStatus::Error(error) = &item.status else { panic!("{item:#?}") };
        assert_eq!(error.code, ErrorCode::FlushFailed);
        assert_eq!(item.retries.len(), 2);
    }
    assert_eq!(fs.inner().names("/dst"), ["c"]);
    assert_eq!(fs.inner().read("/dst/c").as_deref(), Some(&b"old"[..]));
    let flushes = fs.count(Operation::FlushFile);
    assert_eq!(flushes, fs.count(Operation::CreatePartial), "a partial file was flushed twice");
}

#[test]
fn a_failed_flush_of_the_directory_is_answered_by_putting_the_old_file_back() {
    let without_exchange = VolumeSettings { can_exchange: false, ..ext4() };
    let without_links = VolumeSettings { can_hard_link: false, ..without_exchange.clone() };
    for settings in [ext4(), without_exchange, without_links] {
        // The flush after putting back may succeed or fail; the old file is back in any case.
        let plan = FaultPlan::from_then_on(1, FsErrorKind::Io).only(Operation::FlushDir);
        let (fs, ran) = run(plan, settings, |spec| spec.limits.group_max_files = 1);
        assert_eq!(ran.report.tally.failed, 5, "{}", ran.in_short());
        for item in ran.items() {
            let ItemStatus::Error(error) = &item.status else { panic!("{item:#?}") };
            assert_eq!(error.code, ErrorCode::FlushFailed, "{item:#?}");
            assert!(item.rollback_performed && item.rollback_succeeded, "{item:#?}");
            assert_eq!(item.retries.len(), 2, "{item:#?}");
        }
        assert_eq!(fs.inner().names("/dst"), ["c"]);
        assert_eq!(fs.inner().read("/dst/c").as_deref(), Some(&b"old"[..]));
        let stat = fs.inner().stat("/dst/c").expect("it is there");
        assert_eq!((stat.modified, stat.mode & 0o777), (OLD_TIME, 0o644));
    }
}

#[test]
fn a_directory_whose_flush_failed_once_is_tried_again() {
    for settings in [ext4(), ext4().without_extras()] {
        let plan = FaultPlan::once(3, FsErrorKind::Io).only(Operation::FlushDir);
        let (fs, ran) = run(plan, settings, |spec| spec.limits.group_max_files = 1);
        ran.all_ok();
        let item = ran.item("/dst/c");
        assert!(item.rollback_performed && item.rollback_succeeded);
        assert_eq!(item.retries.len(), 1);
        assert_eq!(fs.inner().read("/dst/c").as_deref(), Some(&b"the new c"[..]));
        assert!(leftovers(fs.inner(), "/dst").is_empty());
    }
}

#[test]
fn when_the_old_file_cannot_be_put_back_both_are_kept() {
    let fs = FakeFs::new();
    fs.file("/src/c", "the new c").mount("/dst", ext4()).file("/dst/c", "old");
    // From the first flush of the directory on, nothing works.
    let mut at = FaultFs::counting(fs.clone());
    let spec = spec(&fs, &["/src/c"], "/dst");
    let counted = Arc::new(at);
    carry_out(&counted, &spec).all_ok();
    let flush = counted.log().into_iter().find(|call| call.operation == Operation::FlushDir);
    let flush = flush.expect("the directory is flushed").ordinal;

    let fs = FakeFs::new();
    fs.file("/src/c", "the new c").mount("/dst", ext4()).file("/dst/c", "old");
    at = FaultFs::new(fs, FaultPlan::from_then_on(flush, FsErrorKind::Io));
    let faulty = Arc::new(at);
    let ran = carry_out(&faulty, &spec);
    let item = ran.item("/dst/c");
    assert_eq!(ran.code("/dst/c"), ErrorCode::DurabilityUnknown, "{}", ran.in_short());
    assert!(item.rollback_performed && !item.rollback_succeeded);
    assert!(item.retries.is_empty());
    let fs = faulty.inner();
    assert_eq!(fs.read("/dst/c").as_deref(), Some(&b"the new c"[..]));
    let backup = item.backup.as_ref().expect("it says where the old file is");
    assert_eq!(fs.read(backup).as_deref(), Some(&b"old"[..]));
    assert!(ran.warned_of(WarningKind::LeftBehind).is_empty(), "it is kept, not left behind");
}

/// A flush of the directory that fails once, and the call that fails besides.
fn replace_with(besides: Option<FaultPlan>, has_old: bool) -> (Arc<FaultFs<FaultFs<FakeFs>>>, Ran) {
    let fs = FakeFs::new();
    fs.file("/src/c", "the new c").mount("/dst", ext4());
    if has_old {
        fs.file("/dst/c", "old");
    }
    let mut spec = spec(&fs, &["/src/c"], "/dst");
    spec.retries = 0;
    let flush = FaultPlan::once(1, FsErrorKind::Io).only(Operation::FlushDir);
    let fs = FaultFs::new(fs, flush);
    let fs = Arc::new(match besides {
        Some(plan) => FaultFs::new(fs, plan),
        None => FaultFs::counting(fs),
    });
    let ran = carry_out(&fs, &spec);
    assert!(fs.inner().fired());
    assert_eq!(fs.fired(), besides.is_some());
    (fs, ran)
}

/// The number, among calls of its kind, of the first that follows the last exchange.
fn first_after_exchanging_back(operation: Operation) -> u64 {
    let log = replace_with(None, true).0.log();
    let back = log.iter().rposition(|call| call.operation == Operation::Exchange);
    let until = back.expect("there was an exchange back");
    1 + log[..until].iter().filter(|call| call.operation == operation).count() as u64
}

#[test]
fn the_new_file_that_stays_after_a_rollback_is_told_of_and_is_not_the_backup() {
    for operation in [Operation::RemoveFile, Operation::Metadata] {
        let nth = first_after_exchanging_back(operation);
        let plan = FaultPlan::once(nth, FsErrorKind::Io).only(operation);
        let (fs, ran) = replace_with(Some(plan), true);
        let what = format!("{operation:?}: {}", ran.in_short());
        let item = ran.item("/dst/c");
        assert_eq!(ran.code("/dst/c"), ErrorCode::FlushFailed, "{what}");
        assert!(item.rollback_performed && item.rollback_succeeded, "{what}");
        assert_eq!(item.backup, None, "{what}");
        let fs = fs.inner().inner();
        assert_eq!(fs.read("/dst/c").as_deref(), Some(&b"old"[..]), "{what}");
        let left = leftovers(fs, "/dst").into_iter().map(|left| Path::new("/dst").join(left));
        let left: Vec<_> = left.collect();
        assert_eq!(left.len(), 1, "{what}");
        assert_eq!(fs.read(&left[0]).as_deref(), Some(&b"the new c"[..]), "{what}");
        assert_eq!(ran.warned_of(WarningKind::LeftBehind), left, "{what}");
    }
}

#[test]
fn a_former_file_is_told_of_only_where_there_was_one() {
    for has_old in [true, false] {
        let at = if has_old { Operation::Exchange } else { Operation::RemoveFile };
        // The first exchange is the publishing.
        let plan = FaultPlan::once(1 + u64::from(has_old), FsErrorKind::Io).only(at);
        let (fs, ran) = replace_with(Some(plan), has_old);
        let item = ran.item("/dst/c");
        let ItemStatus::Error(error) = &item.status else { panic!("{item:#?}") };
        assert_eq!(error.code, ErrorCode::DurabilityUnknown, "{}", ran.in_short());
        assert!(item.rollback_performed && !item.rollback_succeeded, "{}", ran.in_short());
        assert_eq!(item.backup.is_some(), has_old, "{}", ran.in_short());
        let details = error.details.as_deref().expect("there are details");
        match &item.backup {
            Some(backup) => {
                assert!(details.contains(&format!("former file is kept as {}", backup.display())));
                let kept = fs.inner().inner().read(backup);
                assert_eq!(kept.as_deref(), Some(&b"old"[..]));
            }
            None => assert!(!details.contains("former"), "{details}"),
        }
        let visible = fs.inner().inner().read("/dst/c");
        assert_eq!(visible.as_deref(), Some(&b"the new c"[..]));
    }
}
