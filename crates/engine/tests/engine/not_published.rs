//! The step that makes a file visible fails, or is answered with an error: what is reported is what
//! was the case, and nothing is removed that is not ours.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use surecopy_engine::{
    CopySpec, ErrorCode, ItemStatus, ReadBack, StrategyChoice, VerifyPolicy, WarningKind,
};
use surecopy_fs::{FsErrorKind, Operation};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan, VolumeSettings};

use crate::job::{Ran, carry_out, spec};
use crate::oracle::leftovers;

const NEW: &[u8] = b"the new file";
const OLD: &[u8] = b"the old file, longer than the new one";
const THEIRS: &[u8] = b"what another program wrote meanwhile";

/// The names that the first file of a run is given.
const PARTIAL: &str = "/dst/.surecopy-0000000000000007-0000000000.partial";
const BACKUP: &str = "/dst/.surecopy-0000000000000007-0000000001.backup";

fn ext4() -> VolumeSettings {
    VolumeSettings::of("ext4")
}

fn scene(settings: VolumeSettings, has_old: bool) -> (FakeFs, CopySpec) {
    let fs = FakeFs::new();
    fs.file("/src/file", NEW).mount("/dst", settings);
    if has_old {
        fs.file("/dst/file", OLD);
    }
    let mut spec = spec(&fs, &["/src/file"], "/dst");
    spec.retries = 0;
    (fs, spec)
}

fn failing(fs: &FakeFs, plan: FaultPlan) -> Arc<FaultFs<FakeFs>> {
    Arc::new(FaultFs::new(fs.clone(), plan))
}

/// How many of these calls there are before the first one of another operation.
fn calls_before(settings: VolumeSettings, of: Operation, until: Operation) -> u64 {
    let (fs, spec) = scene(settings, true);
    let fs = Arc::new(FaultFs::counting(fs));
    carry_out(&fs, &spec).all_ok();
    calls_of(&fs, of, until, 1)
}

/// How many there were before the n-th one of another operation.
fn calls_of(fs: &FaultFs<FakeFs>, of: Operation, until: Operation, nth: usize) -> u64 {
    let log = fs.log();
    let mut ends = log.iter().enumerate().filter(|(_, call)| call.operation == until);
    let (end, _) = ends.nth(nth - 1).expect("it was called as often");
    log[..end].iter().filter(|call| call.operation == of).count() as u64
}

#[track_caller]
fn message(ran: &Ran) -> &str {
    match &ran.item("/dst/file").status {
        ItemStatus::Error(error) => &error.message,
        other => panic!("{other:?}"),
    }
}

/// Another program is blamed when it was at it, and only then.
#[test]
fn another_program_is_blamed_for_what_it_did() {
    type Change = fn(&FakeFs);
    let changes: [(bool, Operation, Change); 3] = [
        (false, Operation::PublishNew, |fs| {
            fs.file("/dst/file", THEIRS);
        }),
        (true, Operation::FlushFile, |fs| {
            fs.remove("/dst/file");
        }),
        (true, Operation::Exchange, |fs| {
            fs.remove("/dst/file");
        }),
    ];
    for (has_old, operation, change) in changes {
        let (fs, spec) = scene(VolumeSettings { can_flush_group: false, ..ext4() }, has_old);
        let is_done = AtomicBool::new(false);
        fs.before(operation, move |fs, _| {
            if !is_done.swap(true, Ordering::Relaxed) {
                change(fs);
            }
        });
        let ran = carry_out(&Arc::new(fs), &spec);
        assert_eq!(ran.code("/dst/file"), ErrorCode::TargetChanged, "{operation:?}");
        assert!(message(&ran).contains("another program"), "{operation:?}: {}", message(&ran));
    }
}

#[test]
fn another_program_is_not_blamed_for_what_a_disk_did() {
    let look = calls_before(ext4(), Operation::Metadata, Operation::PublishNew);
    for (has_old, operation, nth) in [
        (false, Operation::PublishNew, 1),
        (true, Operation::PublishNew, 1),
        // The last look at the target before anything is renamed.
        (true, Operation::Metadata, look),
    ] {
        let (fs, spec) = scene(ext4(), has_old);
        let fs = failing(&fs, FaultPlan::once(nth, FsErrorKind::Io).only(operation));
        let ran = carry_out(&fs, &spec);
        assert!(fs.fired(), "{operation:?}");
        let code = ran.code("/dst/file");
        assert_eq!(code, ErrorCode::DestinationIoError, "{operation:?} {}", ran.in_short());
        assert!(leftovers(fs.inner(), "/dst").is_empty(), "{:?}", fs.inner().names("/dst"));
    }
}

/// The first exchange is answered with an error; then this happens before anything is looked at.
fn after_a_failed_exchange(then: fn(&FakeFs)) -> (FakeFs, Ran) {
    let (fake, spec) = scene(ext4(), true);
    let fs = failing(&fake, FaultPlan::once(1, FsErrorKind::Io).only(Operation::Exchange));
    let (asked, is_done) = (Arc::downgrade(&fs), AtomicBool::new(false));
    fake.before(Operation::Metadata, move |fs, _| {
        let has_failed = asked.upgrade().is_some_and(|asked| asked.fired());
        if has_failed && !is_done.swap(true, Ordering::Relaxed) {
            then(fs);
        }
    });
    let ran = carry_out(&fs, &spec);
    assert!(fs.fired());
    (fake, ran)
}

fn exchange(fs: &FakeFs) {
    fs.rename(BACKUP, "/dst/between").rename("/dst/file", BACKUP);
    fs.rename("/dst/between", "/dst/file");
}

/// What stands under the other name then is not ours to remove, nor what was to be replaced.
#[test]
fn row_26_what_an_exchange_with_a_lost_answer_took_from_another_program_is_kept() {
    let (fs, ran) = after_a_failed_exchange(|fs| {
        fs.file("/dst/theirs", THEIRS).rename("/dst/theirs", "/dst/file");
        exchange(fs);
    });
    assert_eq!(ran.code("/dst/file"), ErrorCode::DurabilityUnknown, "{}", ran.in_short());
    assert_eq!(ran.item("/dst/file").backup.as_deref(), Some(Path::new(BACKUP)));
    assert_eq!(fs.read(BACKUP).as_deref(), Some(THEIRS), "{}", ran.in_short());
}

#[test]
fn row_26_an_exchange_whose_answer_was_lost_and_that_another_program_came_after_is_no_success() {
    let (fs, ran) = after_a_failed_exchange(|fs| {
        exchange(fs);
        fs.file("/dst/theirs", THEIRS).rename("/dst/theirs", "/dst/file");
    });
    assert_eq!(ran.code("/dst/file"), ErrorCode::DurabilityUnknown, "{}", ran.in_short());
    assert_eq!(fs.read(BACKUP).as_deref(), Some(OLD), "{}", ran.in_short());
    assert_eq!(fs.read("/dst/file").as_deref(), Some(THEIRS), "{}", ran.in_short());
}

/// A rename was answered with an error, nobody can see what it did, and nothing can be removed.
#[test]
fn a_file_of_which_nobody_knows_the_name_is_told_of_under_both() {
    let look = calls_before(ext4(), Operation::Metadata, Operation::PublishNew) + 1;
    let (fake, spec) = scene(ext4(), true);
    let kind = FsErrorKind::Unreachable;
    let fails = FaultFs::new(fake, FaultPlan::once(1, kind).only(Operation::PublishNew));
    let stays = FaultPlan::from_then_on(1, kind).only(Operation::RemoveFile);
    let blind = FaultPlan::from_then_on(look, kind).only(Operation::Metadata);
    let fs = Arc::new(FaultFs::new(FaultFs::new(fails, stays), blind));
    let ran = carry_out(&fs, &spec);
    assert!(fs.fired() && fs.inner().fired() && fs.inner().inner().fired());
    let told = ran.warned_of(WarningKind::LeftBehind);
    for name in [PARTIAL, BACKUP] {
        assert!(told.contains(&Path::new(name).to_owned()), "{name}: {}", ran.in_short());
    }
}

/// Another program gave the target a new file while the old one was being kept.
#[test]
fn row_26_a_target_replaced_while_the_old_file_is_kept_is_kept() {
    let no_exchange = VolumeSettings { can_exchange: false, ..ext4() };
    let no_links = VolumeSettings { can_hard_link: false, ..no_exchange.clone() };
    // After it was linked, and after it was opened to be copied.
    for (settings, after, before) in [
        (no_exchange, Operation::HardLink, Operation::Metadata),
        (no_links, Operation::HardLink, Operation::CreatePartial),
    ] {
        let (fs, spec) = scene(settings, true);
        let (is_kept, is_done) =
            (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (keeping, done) = (Arc::clone(&is_kept), Arc::clone(&is_done));
        fs.before(after, move |_, _| keeping.store(true, Ordering::Relaxed));
        fs.before(before, move |fs, _| {
            if is_kept.load(Ordering::Relaxed) && !done.swap(true, Ordering::Relaxed) {
                fs.file("/dst/theirs", THEIRS).rename("/dst/theirs", "/dst/file");
            }
        });
        let fs = Arc::new(fs);
        let ran = carry_out(&fs, &spec);
        assert!(is_done.load(Ordering::Relaxed), "nobody came in between");
        assert_eq!(fs.read("/dst/file").as_deref(), Some(THEIRS), "{before:?} {}", ran.in_short());
        assert_eq!(ran.code("/dst/file"), ErrorCode::TargetChanged, "{}", ran.in_short());
        assert!(leftovers(&fs, "/dst").is_empty(), "{:?}", fs.names("/dst"));
    }
}

/// Putting back is given up when what came out cannot be seen, and is not called done.
#[test]
fn row_26_a_file_that_comes_out_unseen_the_second_time_is_kept() {
    let replaces_twice = |fs: &FakeFs| {
        fs.before(Operation::Exchange, |fs, nth| {
            if (2..=3).contains(&nth) {
                let content = format!("what another program wrote, number {nth}");
                fs.file("/dst/theirs", content).rename("/dst/theirs", "/dst/file");
            }
        });
    };
    let flush_fails = || FaultPlan::once(1, FsErrorKind::Io).only(Operation::FlushDir);
    let (fake, spec) = scene(ext4(), true);
    replaces_twice(&fake);
    let fs = failing(&fake, flush_fails());
    carry_out(&fs, &spec);
    let look = calls_of(&fs, Operation::Metadata, Operation::Exchange, 3) + 1;

    let (fake, spec) = scene(ext4(), true);
    replaces_twice(&fake);
    let blind = FaultPlan::once(look, FsErrorKind::Io).only(Operation::Metadata);
    let fs = Arc::new(FaultFs::new(FaultFs::new(fake.clone(), flush_fails()), blind));
    let ran = carry_out(&fs, &spec);
    assert!(fs.fired() && fs.inner().fired());
    assert_eq!(ran.code("/dst/file"), ErrorCode::DurabilityUnknown, "{}", ran.in_short());
    assert_eq!(ran.item("/dst/file").backup.as_deref(), Some(Path::new(BACKUP)));
    assert!(fs.inner().inner().exists(BACKUP), "{}", ran.in_short());
}

/// What was written is counted, with or without a proof.
#[test]
fn a_partial_file_that_lacks_its_end_is_not_published() {
    for strategy in [StrategyChoice::Auto, StrategyChoice::Staged] {
        let (fs, mut spec) = scene(ext4(), false);
        (spec.strategy, spec.verify, spec.read_back) =
            (strategy, VerifyPolicy::None, ReadBack::None);
        let is_cut = Arc::new(AtomicBool::new(false));
        let cut = Arc::clone(&is_cut);
        fs.before(Operation::Metadata, move |fs, _| {
            let is_written = fs.read(PARTIAL).is_some_and(|written| written == NEW);
            if is_written && !cut.swap(true, Ordering::Relaxed) {
                fs.truncate(PARTIAL, NEW.len() as u64 - 1);
            }
        });
        let fs = Arc::new(fs);
        let ran = carry_out(&fs, &spec);
        assert!(is_cut.load(Ordering::Relaxed), "{strategy:?}");
        assert_eq!(ran.code("/dst/file"), ErrorCode::DestinationIoError, "{}", ran.in_short());
        assert!(fs.names("/dst").is_empty(), "{:?}", fs.names("/dst"));
    }
}
