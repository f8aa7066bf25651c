//! File systems that go away while they are copied from or to, however the user has spelled where they are; and
//! disks that only look as if they had.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use surecopy_engine::{ErrorCode, Lost, Outcome, Request, Side, resolve_mappings};
use surecopy_fs::{FileSystem, FsErrorKind, Operation};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan, VolumeSettings};

use crate::job::{Ran, carry_out, spec};
use crate::oracle::adds_up;

/// How many files there are, and how many have arrived when it happens.
pub(crate) const FILES: u64 = 40;
pub(crate) const BEFORE: u64 = 12;

/// How the source and the destination are written.
pub(crate) struct Spelling {
    source: &'static str,
    destination: &'static str,
    exact_target: bool,
}

pub(crate) const fn spelled(
    source: &'static str,
    destination: &'static str,
    exact_target: bool,
) -> Spelling {
    Spelling { source, destination, exact_target }
}

/// Two disks, one with files, and a directory on the disk of the system.
pub(crate) fn scene() -> FakeFs {
    let fs = FakeFs::new();
    fs.dir("/home");
    for mounted in ["/mnt/usb", "/mnt/other"] {
        fs.mount(mounted, VolumeSettings::of("ext4"));
    }
    for number in 0..FILES {
        fs.file(format!("/mnt/usb/{}/{number:02}", number / 10), format!("of {number}"));
    }
    fs
}

/// Has a file read, so that memory has it.
pub(crate) fn read(fs: &FakeFs, number: u64) {
    let dir = fs.open_root(&Path::new("/mnt/usb").join((number / 10).to_string()));
    let name = format!("{number:02}");
    let file = fs.open_source(&dir.expect("it is there"), OsStr::new(&name));
    fs.read_at(&file.expect("it is there"), &mut [0; 64], 0).expect("it can be read");
}

/// Copies it, with something that happens before the call of this number.
pub(crate) fn copy_while(
    fs: FakeFs,
    spelling: &Spelling,
    operation: Operation,
    happens: impl Fn(&FakeFs) + Send + Sync + 'static,
) -> Ran {
    fs.reset_counts();
    fs.before(operation, move |fs, count| {
        if count == BEFORE {
            happens(fs);
        }
    });
    let request = Request {
        sources: vec![PathBuf::from(spelling.source)],
        destination: PathBuf::from(spelling.destination),
        exact_target: spelling.exact_target,
    };
    let mut spec = spec(&fs, &["/mnt/usb/"], "/home");
    spec.mappings = resolve_mappings(&fs, &request).expect("the request makes sense");
    spec.limits.group_max_files = 4;
    let ran = carry_out(&Arc::new(fs), &spec);
    adds_up(&ran);
    ran
}

/// Fails unless the run ended early because this was lost.
#[track_caller]
pub(crate) fn ensure_lost(ran: &Ran, side: Side, root: &str) -> Lost {
    let told = ran.in_short();
    let Outcome::Lost(lost) = &ran.report.outcome else { panic!("{told}") };
    assert_eq!((lost.side, lost.root.as_path()), (side, Path::new(root)), "{told}");
    let tally = &ran.report.tally;
    assert!(tally.failed < 6 && tally.cancelled > FILES / 4, "{told}");
    lost.clone()
}

/// What is under a mount point when nothing is mounted there.
fn unmount(fs: &FakeFs, path: &str) {
    fs.rename(path, "/lazily-unmounted").dir(path);
}

pub(crate) const SOURCES: [Spelling; 4] = [
    spelled("/mnt/usb", "/home", false),
    spelled("/mnt/usb/", "/home", false),
    spelled("/mnt/usb", "/home/copy", true),
    spelled("/mnt/usb/.", "/home", false),
];

#[test]
fn row_12_a_source_that_is_unmounted_is_noticed_however_it_is_spelled() {
    for spelling in &SOURCES {
        let ran = copy_while(scene(), spelling, Operation::OpenSource, |fs| {
            // What is open stays readable, so something has to be missing.
            fs.remove("/mnt/usb/1/13");
            unmount(fs, "/mnt/usb");
        });
        let lost = ensure_lost(&ran, Side::Source, "/mnt/usb");
        assert!(lost.message.contains("another volume"), "{lost:?}");
        // What went wrong is told first.
        assert!(lost.message.starts_with("open source:"), "{lost:?}");
    }
}

#[test]
fn row_12_a_source_whose_disk_dies_is_noticed_however_it_is_spelled() {
    for spelling in &SOURCES {
        let ran = copy_while(scene(), spelling, Operation::OpenSource, |fs| {
            fs.remount("/mnt/usb", |settings| settings.is_gone = true);
        });
        let lost = ensure_lost(&ran, Side::Source, "/mnt/usb");
        assert!(lost.message.contains("input/output error"), "{lost:?}");
        assert!(lost.message.contains("cannot be read any more"), "{lost:?}");
    }
}

/// Not even what memory has can be read then.
#[test]
fn row_12_a_source_of_which_memory_has_all_is_noticed_to_be_lost() {
    let fs = scene();
    (0..FILES).for_each(|number| read(&fs, number));
    let ran = copy_while(fs, &SOURCES[0], Operation::OpenSource, |fs| {
        fs.remount("/mnt/usb", |settings| settings.is_gone = true);
    });
    ensure_lost(&ran, Side::Source, "/mnt/usb");
}

const DESTINATIONS: [Spelling; 4] = [
    spelled("/mnt/usb", "/mnt/other", false),
    spelled("/mnt/usb/", "/mnt/other", false),
    spelled("/mnt/usb", "/mnt/other/copy", true),
    spelled("/mnt/usb/", "/mnt/other/", true),
];

#[test]
fn row_12_a_destination_that_goes_is_noticed_however_it_is_spelled() {
    for spelling in &DESTINATIONS {
        let ran = copy_while(scene(), spelling, Operation::PublishNew, |fs| {
            unmount(fs, "/mnt/other");
            // What is open stays writable, so something has to be wrong.
            let lost = if fs.exists("/lazily-unmounted/usb") { "usb" } else { "copy" };
            let lost = format!("/lazily-unmounted/{lost}");
            fs.remove(if fs.exists(&lost) { lost } else { "/lazily-unmounted/1".to_owned() });
        });
        let lost = ensure_lost(&ran, Side::Destination, "/mnt/other");
        assert!(lost.message.contains("another volume"), "{lost:?}");
        let ran = copy_while(scene(), spelling, Operation::PublishNew, |fs| {
            fs.remount("/mnt/other", |settings| settings.is_gone = true);
        });
        ensure_lost(&ran, Side::Destination, "/mnt/other");
    }
}

/// A volume that the target is on may be mounted below the directory that the user named.
#[test]
fn row_12_a_destination_that_is_mounted_below_the_named_one_is_noticed() {
    let fs = scene();
    fs.mount("/home/usb", VolumeSettings::of("ext4"));
    let ran = copy_while(fs, &SOURCES[0], Operation::PublishNew, |fs| {
        fs.remount("/home/usb", |settings| settings.is_read_only = true);
    });
    let lost = ensure_lost(&ran, Side::Destination, "/home/usb");
    assert!(lost.message.contains("read-only"), "{lost:?}");
}

/// Who may write in a directory need not own it, and so may not be able to set its times.
#[test]
fn row_12_a_destination_of_somebody_else_is_noticed_to_be_lost() {
    const THEIRS: u32 = 4711;
    let fs = scene();
    fs.owner("/mnt/other", THEIRS, THEIRS).mode("/mnt/other", 0o777).privileged(false);
    let ran = copy_while(fs, &DESTINATIONS[0], Operation::PublishNew, |fs| {
        fs.remount("/mnt/other", |settings| settings.is_gone = true);
    });
    ensure_lost(&ran, Side::Destination, "/mnt/other");
}

/// Memory may have had all there was of the files that were read well: that such a file cannot be read from
/// the disk any more is as true of a bad block as of a disk that is gone.
#[test]
fn row_12_several_bad_blocks_are_no_lost_disk_whatever_memory_has() {
    let fs = scene();
    // The first of all, those before each one that fails, and those that fail.
    let (in_memory, not_in_memory) = ([0, 14, 15, 16, 17, 33], [18, 19, 34]);
    let path = |number: u64| format!("/mnt/usb/{}/{number:02}", number / 10);
    in_memory.into_iter().for_each(|number| read(&fs, number));
    for number in in_memory.into_iter().chain(not_in_memory) {
        fs.spoil(path(number));
    }
    let ran =
        copy_while(fs, &spelled("/mnt/usb/", "/mnt/other", false), Operation::Exchange, |_| {});
    assert_eq!(ran.report.outcome, Outcome::Finished, "{}", ran.in_short());
    assert_eq!(ran.report.tally.failed, not_in_memory.len() as u64, "{}", ran.in_short());
    for number in not_in_memory {
        let target = format!("/mnt/other/{}/{number:02}", number / 10);
        assert_eq!(ran.code(target), ErrorCode::SourceIoError);
    }
}

/// Failures that may be of either end call for as few looks at each as those that may be of one.
#[test]
fn row_12_failures_of_either_end_call_for_few_looks() {
    let fake = scene();
    let spec = spec(&fake, &["/mnt/usb/"], "/mnt/other");
    let plan = FaultPlan::from_then_on(BEFORE, FsErrorKind::Unreachable);
    let fs = Arc::new(FaultFs::new(fake, plan.only(Operation::OpenSource)));
    let ran = carry_out(&fs, &spec);
    assert_eq!(ran.report.outcome, Outcome::Finished, "{}", ran.in_short());
    assert_eq!(ran.report.tally.failed, FILES + 1 - BEFORE, "{}", ran.in_short());
    // Two to begin with, and every 16 failures some at each end.
    let looks = fs.count(Operation::OpenRoot);
    assert!((4..12).contains(&looks), "{looks}");
}
