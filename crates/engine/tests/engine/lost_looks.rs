//! What it takes to say that a disk is lost when single files fail, and what is no sign of that.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use surecopy_engine::{ErrorCode, Outcome, Side};
use surecopy_fs::{FileSystem, FsErrorKind, Operation, RelPath};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan, VolumeSettings};

use crate::job::{Ran, carry_out, spec};
use crate::lost_places::{FILES, SOURCES, Spelling, copy_while, ensure_lost, read, scene, spelled};

/// A directory on the volume of the root above it.
const BELOW: Spelling = spelled("/mnt/usb/1", "/home", false);

fn path(number: u64) -> String {
    format!("/mnt/usb/{}/{number:02}", number / 10)
}

/// The device answers no more, and what is asked of a directory is answered from memory.
fn spoil(fs: &FakeFs, but: &[u64]) {
    for number in (0..FILES).filter(|number| !but.contains(number)) {
        fs.spoil(path(number));
    }
}

#[track_caller]
fn ensure_finished(ran: &Ran, code: ErrorCode) {
    assert_eq!(ran.report.outcome, Outcome::Finished, "{}", ran.in_short());
    assert!(ran.coded(code).next().is_some(), "nothing has failed: {}", ran.in_short());
}

#[test]
fn row_12_a_source_of_which_only_names_are_remembered_is_noticed_to_be_lost() {
    let ran = copy_while(scene(), &SOURCES[0], Operation::OpenSource, |fs| spoil(fs, &[]));
    let lost = ensure_lost(&ran, Side::Source, "/mnt/usb");
    assert!(lost.message.contains("cannot be read any more"), "{lost:?}");
}

/// It says nothing that these can be read: no device is asked for them.
#[test]
fn row_12_a_file_that_is_read_without_its_device_says_nothing() {
    let in_memory = |fs: &FakeFs| {
        read(fs, 0);
    };
    let hole = |fs: &FakeFs| {
        fs.truncate(path(0), 0).truncate(path(0), 1 << 20);
    };
    let inline = |fs: &FakeFs| {
        fs.store_inline(true);
        for number in 1..FILES {
            fs.file(path(number), vec![b'x'; 10_000]);
        }
    };
    let changes: [fn(&FakeFs); 3] = [in_memory, hole, inline];
    for (at, change) in changes.into_iter().enumerate() {
        let fs = scene();
        change(&fs);
        let ran = copy_while(fs, &SOURCES[0], Operation::OpenSource, |fs| spoil(fs, &[0]));
        let lost = ensure_lost(&ran, Side::Source, "/mnt/usb");
        assert!(lost.message.contains("cannot be read any more"), "{at}: {lost:?}");
    }
}

/// Such a layer may have read it from a memory of its own.
#[test]
fn row_12_what_another_layer_cannot_read_any_more_says_nothing() {
    let fs = scene();
    fs.remount("/mnt/usb", |settings| {
        settings.filesystem = VolumeSettings::of("fuseblk").filesystem;
    });
    let ran = copy_while(fs, &SOURCES[0], Operation::OpenSource, |fs| spoil(fs, &[]));
    ensure_finished(&ran, ErrorCode::SourceIoError);
}

/// It may lie on bad blocks, and was never read from them.
#[test]
fn row_12_a_file_that_was_in_memory_and_is_there_no_more_says_nothing() {
    let fs = scene();
    (0..18).for_each(|number| read(&fs, number));
    let dir = fs.open_root(Path::new("/mnt/usb/0")).expect("it is there");
    let first = fs.open_source(&dir, OsStr::new("00")).expect("it is there");
    let ran = copy_while(fs, &SOURCES[0], Operation::OpenSource, move |fs| {
        assert!(fs.drop_cache(&first).expect("it can be dropped").is_done());
        fs.spoil(path(0)).spoil(path(18));
    });
    ensure_finished(&ran, ErrorCode::SourceIoError);
    assert_eq!(ran.report.tally.failed, 1, "{}", ran.in_short());
}

#[test]
fn row_12_a_place_that_may_not_be_looked_at_is_not_lost() {
    let ran = copy_while(scene(), &SOURCES[0], Operation::OpenSource, |fs| {
        fs.remove(path(19)).mode("/mnt", 0).privileged(false);
    });
    ensure_finished(&ran, ErrorCode::SourceMissing);
}

#[test]
fn row_12_a_mount_point_that_is_gone_is_noticed() {
    let ran = copy_while(scene(), &SOURCES[0], Operation::OpenSource, |fs| {
        fs.remove(path(19)).rename("/mnt/usb", "/elsewhere");
    });
    let lost = ensure_lost(&ran, Side::Source, "/mnt/usb");
    assert!(lost.message.contains("not there"), "{lost:?}");
}

/// With enough files for something to happen in the middle.
fn scene_below() -> FakeFs {
    let fs = scene();
    for number in 0..30 {
        fs.file(format!("/mnt/usb/1/x{number:02}"), "x");
    }
    fs
}

/// The directory is gone, and its disk is there.
#[test]
fn row_12_a_directory_that_somebody_renames_is_no_lost_disk() {
    let ran = copy_while(scene_below(), &BELOW, Operation::OpenSource, |fs| {
        fs.remove("/mnt/usb/1/x29").rename("/mnt/usb/1", "/mnt/usb/elsewhere");
    });
    ensure_finished(&ran, ErrorCode::SourceMissing);
}

#[test]
fn row_12_a_lost_disk_is_noticed_where_a_directory_was_renamed() {
    let ran = copy_while(scene_below(), &BELOW, Operation::OpenSource, |fs| {
        for number in 0..30 {
            fs.spoil(format!("/mnt/usb/1/x{number:02}"));
        }
        spoil(fs, &[]);
        fs.rename("/mnt/usb/1", "/mnt/usb/elsewhere");
    });
    let lost = ensure_lost(&ran, Side::Source, "/mnt/usb/1");
    assert!(lost.message.contains("cannot be read any more"), "{lost:?}");
}

#[test]
fn row_12_a_place_whose_directory_cannot_be_opened_any_more_is_lost() {
    let mut lost = 0;
    for at in 5..40 {
        let fake = scene();
        let spec = spec(&fake, &["/mnt/usb"], "/home");
        let plan = FaultPlan::from_then_on(at, FsErrorKind::Io).only(Operation::OpenDir);
        let ran = carry_out(&Arc::new(FaultFs::new(fake, plan)), &spec);
        lost += usize::from(matches!(ran.report.outcome, Outcome::Lost(_)));
    }
    assert!(lost > 0, "it never was");
}

/// A volume may be mounted above a single file that is named, below the root of its mapping.
#[test]
fn row_12_a_single_file_that_is_gone_is_no_lost_disk() {
    let fs = scene();
    let mut spec = spec(&fs, &["/mnt/usb/0/05"], "/home");
    spec.mappings[0].source_root = "/mnt".into();
    spec.mappings[0].source = RelPath::new("usb/0/05").expect("it is a path beneath a root");
    fs.before(Operation::OpenSource, |fs, count| {
        if count == 1 {
            fs.remove(path(5));
        }
    });
    ensure_finished(&carry_out(&Arc::new(fs), &spec), ErrorCode::SourceMissing);
}

/// Whether anything can be made durable can be asked without the right to make a file.
#[test]
fn row_12_a_destination_in_which_nothing_may_be_made_any_more_is_noticed_to_be_lost() {
    const THEIRS: u32 = 4711;
    let mut lost = 0;
    for at in 1..30 {
        let fake = scene();
        fake.remount("/mnt/other", |settings| settings.can_flush_group = false);
        fake.owner("/mnt/other", THEIRS, THEIRS).mode("/mnt/other", 0o777).privileged(false);
        fake.before(Operation::PublishNew, |fs, count| {
            if count == FILES / 2 {
                for name in fs.names("/mnt/other") {
                    fs.mode(Path::new("/mnt/other").join(name), 0o555);
                }
                fs.mode("/mnt/other", 0o555);
            }
        });
        let spec = spec(&fake, &["/mnt/usb/"], "/mnt/other");
        let plan = FaultPlan::from_then_on(at, FsErrorKind::Io).only(Operation::FlushDir);
        let ran = carry_out(&Arc::new(FaultFs::new(fake, plan)), &spec);
        lost += usize::from(matches!(ran.report.outcome, Outcome::Lost(_)));
    }
    assert!(lost > 0, "it never was");
}
