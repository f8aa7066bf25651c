//! Replacing files that other programs have their hands on too, on volumes of every ability.

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use surecopy_engine::{CopySpec, ErrorCode, ItemStatus, WarningKind};
use surecopy_fs::{FsErrorKind, Operation};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan, VolumeSettings};

use crate::job::{Ran, carry_out, spec};
use crate::oracle::leftovers;

const NEW: &[u8] = b"the new file";
const OLD: &[u8] = b"the old file, longer than the new one";
const THEIRS: &[u8] = b"what another program wrote meanwhile";

fn volumes() -> [VolumeSettings; 4] {
    let all = VolumeSettings::of("ext4");
    let no_exchange = VolumeSettings { can_exchange: false, ..all.clone() };
    let no_links = VolumeSettings { can_hard_link: false, ..no_exchange.clone() };
    [all, no_exchange, no_links, VolumeSettings::of("exfat")]
}

fn scene(settings: VolumeSettings, has_old: bool) -> (Arc<FakeFs>, CopySpec) {
    let fs = FakeFs::new();
    fs.file("/src/file", NEW).mount("/dst", settings);
    if has_old {
        fs.file("/dst/file", OLD);
    }
    let spec = spec(&fs, &["/src/file"], "/dst");
    (Arc::new(fs), spec)
}

/// Does something before the first call of an operation.
fn before_first(
    fs: &FakeFs,
    operation: Operation,
    body: impl Fn(&FakeFs) + Send + Sync + 'static,
) -> Arc<AtomicBool> {
    let done = Arc::new(AtomicBool::new(false));
    let is_done = Arc::clone(&done);
    fs.before(operation, move |fs, _| {
        if !is_done.swap(true, Ordering::Relaxed) {
            body(fs);
        }
    });
    done
}

#[test]
fn files_are_replaced_on_volumes_of_every_ability() {
    for settings in volumes() {
        let (fs, spec) = scene(settings, true);
        // The name is never missing, and shows the old or the new file whatever is done next.
        for operation in [
            Operation::Exchange,
            Operation::Replace,
            Operation::HardLink,
            Operation::FlushDir,
            Operation::FlushFile,
            Operation::RemoveFile,
            Operation::CreatePartial,
        ] {
            fs.before(operation, |fs, _| {
                let seen = fs.read("/dst/file");
                assert!(seen.as_deref() == Some(OLD) || seen.as_deref() == Some(NEW), "{seen:?}");
            });
        }
        // What was replaced exists until the directory was flushed.
        fs.before(Operation::FlushDir, |fs, nth| {
            let is_kept = nth > 1
                || fs.names("/dst").iter().any(|name| {
                    let path = Path::new("/dst").join(name);
                    fs.read(path).as_deref() == Some(OLD)
                });
            assert!(is_kept, "the old file is gone before the new name is durable");
        });
        carry_out(&fs, &spec).all_ok();
        assert!(fs.count(Operation::FlushDir) > 0);
        assert_eq!(fs.read("/dst/file").as_deref(), Some(NEW));
        assert_eq!(fs.names("/dst"), ["file"]);
    }
}

fn keeps_theirs(fs: &FakeFs, ran: &Ran, done: &AtomicBool) {
    assert!(done.load(Ordering::Relaxed), "nobody came in between");
    assert_eq!(fs.read("/dst/file").as_deref(), Some(THEIRS), "{}", ran.in_short());
    assert_eq!(ran.code("/dst/file"), ErrorCode::TargetChanged, "{}", ran.in_short());
    assert!(leftovers(fs, "/dst").is_empty(), "{:?}", fs.names("/dst"));
    assert_eq!(ran.report.tally.failed, 1);
}

#[test]
fn row_26_a_target_edited_before_it_is_published_is_kept() {
    for settings in volumes() {
        let (fs, spec) = scene(settings, true);
        let done = before_first(&fs, Operation::FlushFile, |fs| {
            fs.file("/dst/file", THEIRS);
        });
        let ran = carry_out(&fs, &spec);
        keeps_theirs(&fs, &ran, &done);
    }
}

#[test]
fn row_26_a_target_replaced_in_the_last_moment_is_kept() {
    let replaced = |fs: &FakeFs| {
        fs.file("/dst/theirs", THEIRS).rename("/dst/theirs", "/dst/file");
    };
    let edited = |fs: &FakeFs| {
        fs.file("/dst/file", THEIRS);
    };
    let by_volume = |operation, settings: &VolumeSettings, change: fn(&FakeFs)| {
        let (fs, spec) = scene(settings.clone(), true);
        let done = before_first(&fs, operation, change);
        let ran = carry_out(&fs, &spec);
        keeps_theirs(&fs, &ran, &done);
    };
    let [all, no_exchange, no_links, _] = volumes();
    for change in [replaced as fn(&FakeFs), edited as fn(&FakeFs)] {
        by_volume(Operation::Exchange, &all, change);
        by_volume(Operation::HardLink, &no_exchange, change);
        by_volume(Operation::HardLink, &no_links, change);
    }
}

#[test]
fn a_target_that_vanished_is_not_made_anew() {
    let (fs, spec) = scene(VolumeSettings::of("ext4"), true);
    let done = before_first(&fs, Operation::Exchange, |fs| {
        fs.remove("/dst/file");
    });
    let ran = carry_out(&fs, &spec);
    assert!(done.load(Ordering::Relaxed));
    assert_eq!(ran.code("/dst/file"), ErrorCode::TargetChanged);
    assert!(fs.names("/dst").is_empty());
}

#[test]
fn row_26_a_target_that_appears_meanwhile_is_kept() {
    for settings in volumes() {
        let (fs, spec) = scene(settings, false);
        let done = before_first(&fs, Operation::PublishNew, |fs| {
            fs.file("/dst/file", THEIRS);
        });
        let ran = carry_out(&fs, &spec);
        keeps_theirs(&fs, &ran, &done);
    }
}

/// Putting back what was replaced must not sweep away what somebody put there since.
#[test]
fn row_26_a_file_put_over_a_published_one_survives_the_rollback() {
    for settings in volumes() {
        for has_old in [true, false] {
            let (fs, mut spec) = scene(settings.clone(), has_old);
            spec.retries = 0;
            let theirs = |fs: &FakeFs| {
                fs.file("/dst/theirs", THEIRS).rename("/dst/theirs", "/dst/file");
            };
            let plan = FaultPlan::once(1, FsErrorKind::Io).only(Operation::FlushDir);
            let faulty = Arc::new(FaultFs::new(fs.as_ref().clone(), plan));
            let after_publishing = publishing_of(&settings, has_old);
            let is_published = Arc::new(AtomicBool::new(false));
            let flag = Arc::clone(&is_published);
            // The first look at metadata after publishing belongs to the rollback.
            fs.before(after_publishing, move |_, _| flag.store(true, Ordering::Relaxed));
            let flag = Arc::clone(&is_published);
            fs.before(Operation::Metadata, move |fs, _| {
                let is_visible = fs.read("/dst/file").as_deref() == Some(NEW);
                if flag.load(Ordering::Relaxed) && is_visible {
                    theirs(fs);
                }
            });
            let ran = carry_out(&faulty, &spec);
            assert!(faulty.fired());
            let ItemStatus::Error(_) = &ran.item("/dst/file").status else {
                panic!("{}", ran.in_short());
            };
            assert_eq!(fs.read("/dst/file").as_deref(), Some(THEIRS), "{}", ran.in_short());
        }
    }
}

/// Another program renames a new file over the target before each of these exchanges. Returns what
/// its newest file holds.
fn keeps_replacing(fs: &FakeFs, exchanges: RangeInclusive<u64>) -> impl Fn() -> Vec<u8> + use<> {
    let newest = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&newest);
    let content = |nth: u64| format!("what another program wrote, number {nth}").into_bytes();
    fs.before(Operation::Exchange, move |fs, nth| {
        if exchanges.contains(&nth) {
            count.store(nth, Ordering::Relaxed);
            fs.file("/dst/theirs", content(nth)).rename("/dst/theirs", "/dst/file");
        }
    });
    move || content(newest.load(Ordering::Relaxed))
}

/// Whatever is exchanged back is looked at: the newest file of another program is never removed.
#[test]
fn row_26_a_target_replaced_again_and_again_is_kept() {
    for last in [1, 2, 3, 4, 5, u64::MAX] {
        let (fs, spec) = scene(VolumeSettings::of("ext4"), true);
        let newest = keeps_replacing(&fs, 1..=last);
        let ran = carry_out(&fs, &spec);
        let what = format!("{last}: {:?} {}", fs.tree("/dst"), ran.in_short());
        assert!(fs.count(Operation::Exchange) >= last.min(6), "{what}");
        let (visible, newest) = (fs.read("/dst/file").expect("it is there"), newest());
        if last == 1 {
            assert_eq!(ran.code("/dst/file"), ErrorCode::TargetChanged, "{what}");
            assert!(leftovers(&fs, "/dst").is_empty(), "{what}");
        } else {
            assert_eq!(ran.code("/dst/file"), ErrorCode::DurabilityUnknown, "{what}");
        }
        if last < u64::MAX {
            assert_eq!(visible, newest, "{what}");
        }
        let kept = ran.item("/dst/file").backup.as_ref().and_then(|kept| fs.read(kept));
        assert!(visible == newest || kept == Some(newest), "the newest file is gone: {what}");
        all_told(&fs, &ran, &what);
    }
}

#[test]
fn a_target_replaced_again_and_again_survives_the_rollback() {
    for (last, is_edited) in [(2, false), (3, false), (4, false), (2, true)] {
        let (fs, mut spec) = scene(VolumeSettings::of("ext4"), true);
        spec.retries = 0;
        let newest = keeps_replacing(&fs, 2..=if is_edited { 0 } else { last });
        fs.before(Operation::Exchange, move |fs, nth| {
            if is_edited && nth == 2 {
                fs.write("/dst/file", 0, "edited");
            }
        });
        let plan = FaultPlan::once(1, FsErrorKind::Io).only(Operation::FlushDir);
        let faulty = Arc::new(FaultFs::new(fs.as_ref().clone(), plan));
        let ran = carry_out(&faulty, &spec);
        let what = format!("{last} {is_edited}: {:?} {}", fs.tree("/dst"), ran.in_short());
        assert!(faulty.fired());
        assert!(fs.count(Operation::Exchange) > last, "{what}");
        assert_eq!(ran.code("/dst/file"), ErrorCode::DurabilityUnknown, "{what}");
        assert!(!ran.item("/dst/file").rollback_succeeded, "{what}");
        let newest = if is_edited { [b"edited", &NEW[6..]].concat() } else { newest() };
        assert_eq!(fs.read("/dst/file"), Some(newest), "{what}");
        all_told(&fs, &ran, &what);
        if last == 2 {
            let kept = ran.item("/dst/file").backup.as_ref().expect("it is told");
            assert_eq!(fs.read(kept).as_deref(), Some(OLD), "{what}");
        }
    }
}

fn all_told(fs: &FakeFs, ran: &Ran, what: &str) {
    let told = ran.admitted_leftovers();
    for left in leftovers(fs, "/dst") {
        assert!(told.contains(&Path::new("/dst").join(left)), "{what}");
    }
}

/// A server does what it is asked for, its answer is lost, and asking again finds nothing left to do.
#[test]
fn a_rename_whose_answer_was_lost_has_published() {
    for settings in &volumes()[1..] {
        for has_old in [true, false] {
            let (fs, spec) = scene(settings.clone(), has_old);
            let done = before_first(&fs, publishing_of(settings, has_old), |fs| {
                let is_partial = |name: &OsString| name.to_string_lossy().ends_with(".partial");
                let partial = fs.names("/dst").into_iter().find(is_partial);
                fs.rename(Path::new("/dst").join(partial.expect("it is there")), "/dst/file");
            });
            let ran = carry_out(&fs, &spec);
            assert!(done.load(Ordering::Relaxed));
            ran.all_ok();
            assert_eq!(fs.read("/dst/file").as_deref(), Some(NEW));
            assert_eq!(fs.names("/dst"), ["file"], "{}", ran.in_short());
            assert!(ran.warned_of(WarningKind::LeftBehind).is_empty(), "{}", ran.in_short());
        }
    }
}

/// The exchange with this number is carried out and answered with an error.
fn lose_answer_of_exchange(fake: &FakeFs, nth: u64) -> Arc<FaultFs<FakeFs>> {
    let plan = FaultPlan::once(nth, FsErrorKind::Unreachable).only(Operation::Exchange);
    let fs = Arc::new(FaultFs::new(fake.clone(), plan));
    let (asked, is_done) = (Arc::downgrade(&fs), AtomicBool::new(false));
    fake.before(Operation::Metadata, move |fs, _| {
        let has_failed = asked.upgrade().is_some_and(|asked| asked.fired());
        if has_failed && !is_done.swap(true, Ordering::Relaxed) {
            let is_backup = |name: &OsString| name.to_string_lossy().ends_with(".backup");
            let backup = fs.names("/dst").into_iter().find(is_backup).expect("it is there");
            let backup = Path::new("/dst").join(backup);
            fs.rename(&backup, "/dst/between").rename("/dst/file", &backup);
            fs.rename("/dst/between", "/dst/file");
        }
    });
    fs
}

#[test]
fn an_exchange_whose_answer_was_lost_has_published() {
    let (fake, spec) = scene(VolumeSettings::of("ext4"), true);
    let fs = lose_answer_of_exchange(&fake, 1);
    let ran = carry_out(&fs, &spec);
    assert!(fs.fired());
    ran.all_ok();
    assert_eq!(fake.read("/dst/file").as_deref(), Some(NEW));
    assert_eq!(fake.names("/dst"), ["file"], "{}", ran.in_short());
}

#[test]
fn an_exchange_back_whose_answer_was_lost_has_given_their_file_back() {
    let (fake, spec) = scene(VolumeSettings::of("ext4"), true);
    let done = before_first(&fake, Operation::Exchange, |fs| {
        fs.file("/dst/theirs", THEIRS).rename("/dst/theirs", "/dst/file");
    });
    let fs = lose_answer_of_exchange(&fake, 2);
    let ran = carry_out(&fs, &spec);
    assert!(done.load(Ordering::Relaxed) && fs.fired());
    assert_eq!(ran.code("/dst/file"), ErrorCode::TargetChanged, "{}", ran.in_short());
    assert_eq!(fake.read("/dst/file").as_deref(), Some(THEIRS));
    assert_eq!(fake.names("/dst"), ["file"], "{}", ran.in_short());
}

/// What is put back is the kept file, whatever another program does as soon as it is visible.
#[test]
fn a_file_put_in_place_of_the_one_that_was_put_back_is_not_replaced() {
    for settings in &volumes()[1..3] {
        let (fake, spec) = scene(settings.clone(), true);
        let plan = FaultPlan::once(1, FsErrorKind::Io).only(Operation::FlushDir);
        let fs = Arc::new(FaultFs::new(fake.as_ref().clone(), plan));
        // The flush that fails does not get here; this is the one after putting back.
        let done = before_first(&fake, Operation::FlushDir, |fs| {
            fs.file("/dst/theirs", THEIRS).rename("/dst/theirs", "/dst/file");
        });
        let ran = carry_out(&fs, &spec);
        assert!(done.load(Ordering::Relaxed) && fs.fired());
        assert_eq!(ran.code("/dst/file"), ErrorCode::TargetChanged, "{}", ran.in_short());
        assert_eq!(fake.read("/dst/file").as_deref(), Some(THEIRS), "{}", ran.in_short());
    }
}

fn publishing_of(settings: &VolumeSettings, has_old: bool) -> Operation {
    match (has_old, settings.can_exchange) {
        (false, _) => Operation::PublishNew,
        (true, true) => Operation::Exchange,
        (true, false) => Operation::Replace,
    }
}

#[test]
fn row_32_replacing_one_name_of_a_file_leaves_its_other_names_alone() {
    for settings in &volumes()[..2] {
        let (fs, spec) = scene(settings.clone(), true);
        fs.link("/dst/file", "/dst/other-name");
        carry_out(&fs, &spec).all_ok();
        assert_eq!(fs.read("/dst/file").as_deref(), Some(NEW));
        assert_eq!(fs.read("/dst/other-name").as_deref(), Some(OLD));
    }
}

#[test]
fn a_link_at_the_target_is_replaced_and_not_followed() {
    for settings in &volumes()[..3] {
        let (fs, spec) = scene(settings.clone(), false);
        fs.file("/elsewhere/precious", OLD).symlink("/dst/file", "/elsewhere/precious");
        carry_out(&fs, &spec).all_ok();
        assert_eq!(fs.read("/dst/file").as_deref(), Some(NEW));
        assert_eq!(fs.read("/elsewhere/precious").as_deref(), Some(OLD));
    }
}

#[test]
fn a_parent_swapped_for_a_link_is_not_followed() {
    let fs = FakeFs::new();
    fs.file("/src/dir/file", NEW).file("/dst/dir/file", OLD).dir("/elsewhere");
    let spec = spec(&fs, &["/src/"], "/dst");
    let done = before_first(&fs, Operation::OpenSource, |fs| {
        fs.rename("/dst/dir", "/dst/moved").symlink("/dst/dir", "/elsewhere");
    });
    let fs = Arc::new(fs);
    carry_out(&fs, &spec);
    assert!(done.load(Ordering::Relaxed));
    assert!(fs.names("/elsewhere").is_empty(), "written through a link: {fs:?}");
}
