//! File systems that go away in the middle of a job: the disk dies, turns read-only, is unmounted.

use std::sync::Arc;

use surecopy_engine::{Control, ErrorCode, ItemStatus, Lost, Outcome, Side, WarningKind};
use surecopy_fs::Operation;
use surecopy_testkit::{FakeFs, VolumeSettings};

use crate::job::{Ran, Recording, carry_out, carry_out_with, spec};
use crate::oracle::adds_up;

/// How many files there are, in two directories, and how many have arrived when it happens.
const FILES: u64 = 60;
const BEFORE: u64 = 20;

/// A source and a destination on volumes of their own.
fn scene() -> FakeFs {
    let fs = FakeFs::new();
    fs.mount("/from", VolumeSettings::of("ext4")).mount("/to", VolumeSettings::of("ext4"));
    for number in 0..FILES {
        let half = if number < FILES / 2 { "a" } else { "b" };
        fs.file(format!("/from/src/{half}/{number:02}"), format!("the content of {number}"));
    }
    fs.dir("/to/dst");
    fs
}

/// Copies it, with something that happens before the call of this number.
fn copy_while(
    operation: Operation,
    nth: u64,
    happens: impl Fn(&FakeFs) + Send + Sync + 'static,
) -> (Arc<FakeFs>, Ran) {
    let fs = scene();
    fs.before(operation, move |fs, count| {
        if count == nth {
            happens(fs);
        }
    });
    let mut spec = spec(&fs, &["/from/src/"], "/to/dst");
    spec.limits.group_max_files = 4;
    let fs = Arc::new(fs);
    let ran = carry_out(&fs, &spec);
    (fs, ran)
}

/// Fails unless the run ended early, and one item is said to have failed for it, with one of these codes.
#[track_caller]
fn ensure_lost(ran: &Ran, side: Side, codes: &[ErrorCode]) -> Lost {
    let told = ran.in_short();
    let Outcome::Lost(lost) = &ran.report.outcome else { panic!("{told}") };
    assert_eq!(lost.side, side, "{told}");
    let errors: Vec<ErrorCode> = ran
        .items()
        .filter_map(|item| match &item.status {
            ItemStatus::Error(error) => Some(error.code),
            _ => None,
        })
        .collect();
    assert!(!errors.is_empty() && errors.iter().all(|code| codes.contains(code)), "{told}");
    // Of what was published already, each is told.
    let is_published = |code: &&ErrorCode| **code == ErrorCode::DurabilityUnknown;
    let published = errors.iter().filter(is_published).count();
    assert!(errors.len() - published <= 1 && published <= 4, "{errors:?}: {told}");
    let tally = &ran.report.tally;
    assert_eq!(tally.ok + tally.failed + tally.cancelled, FILES, "{told}");
    // The last group may be one that was announced, and the one before it.
    assert!(tally.ok > 0 && tally.ok <= BEFORE + 8, "{} arrived: {told}", tally.ok);
    adds_up(ran);
    lost.clone()
}

#[test]
fn row_12_a_destination_that_turns_read_only_ends_the_job() {
    for operation in [Operation::CreatePartial, Operation::PublishNew, Operation::Write] {
        let (_, ran) = copy_while(operation, BEFORE, |fs| {
            fs.remount("/to", |settings| settings.is_read_only = true);
        });
        let lost = ensure_lost(&ran, Side::Destination, &[ErrorCode::DestinationReadOnly]);
        assert_eq!(lost.root, std::path::Path::new("/to/dst"));
        assert!(lost.message.contains("read-only"), "{lost:?}");
    }
}

#[test]
fn row_12_a_destination_whose_disk_is_gone_ends_the_job() {
    for operation in [
        Operation::CreatePartial,
        Operation::PublishNew,
        Operation::Write,
        Operation::FlushVolume,
        Operation::Read,
    ] {
        let nth = if operation == Operation::FlushVolume { BEFORE / 4 } else { BEFORE };
        let (_, ran) = copy_while(operation, nth, |fs| {
            fs.remount("/to", |settings| settings.is_gone = true);
        });
        let codes = [
            ErrorCode::DestinationIoError,
            ErrorCode::FlushFailed,
            ErrorCode::ReadBackFailed,
            ErrorCode::DurabilityUnknown,
        ];
        let lost = ensure_lost(&ran, Side::Destination, &codes);
        assert!(lost.message.contains("input/output error"), "{lost:?}");
        // Nothing is told of directories one by one.
        assert!(ran.warned_of(WarningKind::Directory).len() <= 3, "{}", ran.in_short());
    }
}

#[test]
fn row_12_a_destination_that_is_unmounted_ends_the_job() {
    let (_, ran) = copy_while(Operation::PublishNew, BEFORE, |fs| fs_is_moved(fs, "/to/dst"));
    let lost = ensure_lost(&ran, Side::Destination, &[ErrorCode::TargetChanged]);
    assert!(lost.message.contains("not there"), "{lost:?}");
    // Another volume is where it was.
    let (_, ran) = copy_while(Operation::PublishNew, BEFORE, |fs| {
        fs_is_moved(fs, "/to/dst");
        fs.mount("/to/dst", VolumeSettings::of("xfs"));
    });
    let lost = ensure_lost(&ran, Side::Destination, &[ErrorCode::TargetChanged]);
    assert!(lost.message.contains("another volume"), "{lost:?}");
}

fn fs_is_moved(fs: &FakeFs, path: &str) {
    fs.rename(path, format!("{path}-elsewhere"));
}

#[test]
fn row_12_a_source_whose_disk_is_gone_ends_the_job() {
    for operation in [Operation::OpenSource, Operation::PublishNew] {
        let (_, ran) = copy_while(operation, BEFORE, |fs| {
            fs.remount("/from", |settings| settings.is_gone = true);
        });
        let lost = ensure_lost(&ran, Side::Source, &[ErrorCode::SourceIoError]);
        assert_eq!(lost.root, std::path::Path::new("/from/src"));
    }
}

#[test]
fn row_12_a_source_that_is_unmounted_ends_the_job() {
    let (_, ran) = copy_while(Operation::OpenSource, BEFORE, |fs| {
        fs.remove("/from/src/a/19");
        fs_is_moved(fs, "/from/src");
    });
    ensure_lost(&ran, Side::Source, &[ErrorCode::SourceMissing]);
}

/// What one file or directory cannot do says nothing about the others.
#[test]
fn row_12_a_file_or_a_directory_that_fails_does_not_end_the_job() {
    let fs = scene();
    fs.dir("/to/dst/a").immutable("/to/dst/a", true);
    fs.remove("/from/src/b/40").mount("/from/src/c", VolumeSettings::of("ext4"));
    fs.file("/from/src/c/file", "read from a disk that is gone");
    fs.mount("/to/dst/b/within", VolumeSettings::of("ext4").read_only());
    fs.file("/from/src/b/within/file", "for a volume that is read-only");
    fs.remount("/from/src/c", |settings| settings.is_gone = true);
    let mut spec = spec(&fs, &["/from/src/"], "/to/dst");
    spec.limits.group_max_files = 4;
    let ran = carry_out(&Arc::new(fs), &spec);
    assert_eq!(ran.report.outcome, Outcome::Finished, "{}", ran.in_short());
    assert_eq!(ran.code("/to/dst/c/file"), ErrorCode::SourceIoError);
    assert_eq!(ran.code("/to/dst/b/within/file"), ErrorCode::DestinationReadOnly);
    let tally = &ran.report.tally;
    // With what is in the immutable directory.
    assert_eq!(tally.failed, FILES / 2 + 2, "{}", ran.in_short());
    assert!(tally.ok >= FILES / 2 - 1, "{}", ran.in_short());
}

/// What a look does to a root is not seen: no file is left, and its times are as they were.
#[test]
fn row_12_looking_leaves_nothing_behind() {
    let fs = scene();
    fs.dir("/to/dst/a").dir("/to/dst/b");
    let before = fs.stat("/to/dst").expect("it is there").modified;
    fs.mount("/to/dst/a/within", VolumeSettings::of("ext4").read_only());
    for number in 0..40 {
        fs.file(format!("/from/src/a/within/{number}"), "for a volume that is read-only");
    }
    let spec = spec(&fs, &["/from/src/a", "/from/src/b"], "/to/dst");
    let fs = Arc::new(fs);
    let journal = Recording::default();
    fs.reset_counts();
    let ran = carry_out_with(&fs, &spec, &journal, &Control::new());
    assert_eq!(ran.report.tally.failed, 40, "{}", ran.in_short());
    assert_eq!(fs.stat("/to/dst").expect("it is there").modified, before);
    assert_eq!(fs.names("/to/dst"), ["a", "b"]);
    // Not at each of them.
    let looks = fs
        .operations()
        .into_iter()
        .filter(|(operation, name)| *operation == Operation::OpenRoot && name == "/to/dst");
    assert!((2..30).contains(&looks.count()));
}
