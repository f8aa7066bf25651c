//! Which end of a copy a failure is put down to. What to do about it depends on that: another disk,
//! or another copy of the source.

use std::path::Path;
use std::sync::Arc;

use surecopy_engine::{CopySpec, ErrorCode, ItemStatus, Mechanism};
use surecopy_fs::{FileSystem, FsErrorKind, Operation, Timestamp};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan, Random, VolumeSettings};

use crate::job::{CHUNK, Ran, carry_out, spec};

/// A file that the kernel copies, from one volume to another, in several windows.
fn scene() -> (FakeFs, CopySpec) {
    let fs = FakeFs::new();
    let settings = VolumeSettings { can_copy_range_across: true, ..VolumeSettings::of("ext4") };
    fs.file("/src/file", Random::new(8).bytes(3 * CHUNK)).mount("/dst", settings);
    fs.limit_transfers(CHUNK);
    let spec = spec(&fs, &["/src/file"], "/dst");
    (fs, spec)
}

fn kernel_fails(kind: FsErrorKind) -> FaultPlan {
    FaultPlan::from_then_on(2, kind).only(Operation::CopyRange)
}

#[track_caller]
fn blames<F: FileSystem>(ran: &Ran, fs: &FaultFs<F>, code: ErrorCode, path: &str) {
    assert!(fs.fired(), "the fault did not strike");
    let ItemStatus::Error(error) = &ran.item("/dst/file").status else {
        panic!("it did not fail: {}", ran.in_short());
    };
    assert_eq!((error.code, error.path.as_path()), (code, Path::new(path)), "{}", ran.in_short());
}

/// The kernel does not say which end it was, so that neither is blamed until bytes are read.
#[test]
fn an_unreadable_source_is_not_put_down_to_the_destination() {
    for (kind, code) in [
        (FsErrorKind::Io, ErrorCode::SourceIoError),
        (FsErrorKind::Unreachable, ErrorCode::VolumeUnreachable),
        (FsErrorKind::PermissionDenied, ErrorCode::SourceUnreadable),
    ] {
        let (fake, spec) = scene();
        let reads = FaultPlan::from_then_on(1, kind).only(Operation::Read);
        let fs = Arc::new(FaultFs::new(FaultFs::new(fake, reads), kernel_fails(kind)));
        let ran = carry_out(&fs, &spec);
        blames(&ran, &fs, code, "/src/file");
        let retries = &ran.item("/dst/file").retries;
        let codes: Vec<_> = retries.iter().map(|retry| retry.code).collect();
        assert_eq!(codes, [ErrorCode::SystemError], "{kind:?}: {}", ran.in_short());
    }
}

#[test]
fn a_failure_of_the_kernel_alone_is_survived_and_told() {
    for kind in [FsErrorKind::Io, FsErrorKind::OutOfMemory, FsErrorKind::InvalidInput] {
        let (fake, spec) = scene();
        let fs = Arc::new(FaultFs::new(fake.clone(), kernel_fails(kind)));
        let ran = carry_out(&fs, &spec);
        assert!(fs.fired());
        ran.all_ok();
        let item = ran.item("/dst/file");
        assert_eq!(item.mechanism, Some(Mechanism::ReadWrite));
        assert_eq!(fake.read("/dst/file"), fake.read("/src/file"));
        let [retry] = &item.retries[..] else { panic!("{kind:?}: {}", ran.in_short()) };
        assert_eq!(retry.code, ErrorCode::SystemError);
        assert!(retry.message.contains("from one file to the other"), "{}", retry.message);
    }
}

/// Only a destination has no room, so nothing is begun again to find out.
#[test]
fn want_of_room_is_the_destinations() {
    for (kind, code) in [
        (FsErrorKind::NoSpace, ErrorCode::DestinationFull),
        (FsErrorKind::QuotaExceeded, ErrorCode::QuotaExceeded),
        (FsErrorKind::ReadOnlyVolume, ErrorCode::DestinationReadOnly),
    ] {
        let (fake, spec) = scene();
        let fs = Arc::new(FaultFs::new(fake, kernel_fails(kind)));
        let ran = carry_out(&fs, &spec);
        blames(&ran, &fs, code, "/dst/file");
        assert!(ran.item("/dst/file").retries.is_empty(), "{kind:?}: {}", ran.in_short());
    }
}

/// With a comparison by content, both ends are read; the source first.
#[test]
fn a_target_that_cannot_be_compared_is_not_put_down_to_the_source() {
    let content = b"the same at both ends";
    for (path, code) in
        [("/src/file", ErrorCode::SourceIoError), ("/dst/file", ErrorCode::DestinationIoError)]
    {
        let fake = FakeFs::new();
        fake.file("/src/file", content).file("/dst/file", content);
        fake.modified("/src/file", Timestamp { secs: 1_000, nanos: 0 });
        let mut spec = spec(&fake, &["/src/file"], "/dst");
        spec.by_content = true;
        // Each end is read once for the content, and once for its end.
        let at = if path == "/src/file" { 1 } else { 3 };
        let plan = FaultPlan::from_then_on(at, FsErrorKind::Io).only(Operation::Read);
        let fs = Arc::new(FaultFs::new(fake.clone(), plan));
        let ran = carry_out(&fs, &spec);
        blames(&ran, &fs, code, path);
        assert_eq!(fake.bytes_read("/dst/file"), 0, "another read was to fail");
        let read = if path == "/src/file" { 0 } else { content.len() as u64 };
        assert_eq!(fake.bytes_read("/src/file"), read);
    }
}
