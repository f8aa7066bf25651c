//! Faults strike the call they were meant for, no other, and do nothing else.

use std::ffi::OsStr;
use std::path::Path;

use surecopy_fs::{FileSystem, FsErrorKind, FsResult, Operation, Support};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan};

fn fake() -> FakeFs {
    let fake = FakeFs::new();
    fake.dir("/d");
    fake
}

/// Six calls, each depending on the one before.
fn work<F: FileSystem>(fs: &F) -> FsResult<()> {
    let (partial, target) = (OsStr::new("partial"), OsStr::new("target"));
    let dir = fs.open_root(Path::new("/d"))?;
    let file = fs.create_partial(&dir, partial)?;
    fs.write_at(&file, b"content", 0)?;
    fs.flush_file(&file)?;
    fs.publish_new(&dir, partial, target)?;
    fs.flush_dir(&dir)
}

#[test]
fn every_call_can_be_made_to_fail_and_then_does_nothing() {
    let counting = FaultFs::counting(fake());
    work(&counting).unwrap();
    assert_eq!(counting.calls(), 6);
    let operations: Vec<Operation> = counting.log().iter().map(|call| call.operation).collect();
    for at in 1..=6 {
        let fs = FaultFs::new(fake(), FaultPlan::once(at, FsErrorKind::NoSpace));
        let error = work(&fs).unwrap_err();
        assert!(fs.fired());
        assert_eq!(fs.calls(), at, "the work ends at the first error");
        assert_eq!(
            (error.kind, error.operation),
            (FsErrorKind::NoSpace, operations[at as usize - 1])
        );
        assert_eq!(fs.inner().exists("/d/partial"), (3..=5).contains(&at));
        assert_eq!(fs.inner().exists("/d/target"), at == 6);
        let content = fs.inner().read("/d/partial").unwrap_or_default();
        assert_eq!(content.is_empty(), !(4..=5).contains(&at), "call {at}");
    }
    let late = FaultFs::new(fake(), FaultPlan::once(7, FsErrorKind::Io));
    work(&late).unwrap();
    assert!(!late.fired(), "a fault beyond the end is told apart from one that was survived");
}

#[test]
fn a_fault_can_last() {
    let once = FaultFs::new(fake(), FaultPlan::once(1, FsErrorKind::Io));
    let lasting = FaultFs::new(fake(), FaultPlan::from_then_on(1, FsErrorKind::Io));
    assert!(work(&once).is_err() && work(&once).is_ok());
    assert!(work(&lasting).is_err() && work(&lasting).is_err());
}

#[test]
fn a_fault_can_be_for_one_operation() {
    let plan = FaultPlan::once(2, FsErrorKind::Io).only(Operation::FlushFile);
    let fs = FaultFs::new(fake(), plan);
    work(&fs).unwrap();
    fs.inner().remove("/d/target");
    assert_eq!(work(&fs).unwrap_err().operation, Operation::FlushFile);
    assert_eq!(fs.count(Operation::FlushFile), 2);
}

#[test]
fn removals_can_be_exempt() {
    let plan = FaultPlan::from_then_on(4, FsErrorKind::Io);
    let fs = FaultFs::new(fake(), plan).exempt(&[Operation::RemoveFile]);
    let dir = fs.inner().open_root(Path::new("/d")).unwrap();
    assert!(work(&fs).is_err());
    fs.remove_file(&dir, OsStr::new("partial")).unwrap();
    assert!(fs.inner().names("/d").is_empty());
    assert!(fs.list(&dir).is_err(), "all else still fails");
}

#[test]
fn only_what_may_be_unsupported_is() {
    let fake = fake();
    fake.file("/d/a", b"A").file("/d/b", b"B");
    let fs = FaultFs::new(fake, FaultPlan::unsupported(2));
    let dir = fs.open_root(Path::new("/d")).unwrap();
    let (a, b) = (OsStr::new("a"), OsStr::new("b"));
    assert_eq!(fs.exchange(&dir, a, b).unwrap(), Support::Unsupported);
    assert!(fs.fired());
    assert_eq!(fs.inner().read("/d/a").unwrap(), b"A", "nothing was done");
    assert!(fs.exchange(&dir, a, b).unwrap().is_done());

    let plain = FaultFs::new(fs.inner().clone(), FaultPlan::unsupported(1));
    assert!(plain.open_root(Path::new("/d")).is_ok());
    assert!(!plain.fired(), "opening a root cannot be unsupported");
}

/// As with a kernel: who asks again is told that all is well.
#[test]
fn what_a_failed_flush_was_to_write_is_lost_though_the_next_one_succeeds() {
    for operation in [Operation::FlushFile, Operation::FlushVolume, Operation::WriteBack] {
        let fake = fake();
        let plan = FaultPlan::once(1, FsErrorKind::Io).only(operation);
        let fs = FaultFs::new(fake.clone(), plan);
        let dir = fs.open_root(Path::new("/d")).unwrap();
        let file = fs.create_partial(&dir, OsStr::new("file")).unwrap();
        fs.write_at(&file, b"content", 0).unwrap();
        let flush = || match operation {
            Operation::FlushVolume => fs.flush_volume(&dir).map(drop),
            Operation::WriteBack => fs.write_back(&file, 0..7, 0..0).map(drop),
            _ => fs.flush_file(&file),
        };
        flush().unwrap_err();
        assert_eq!(fake.read("/d/file").unwrap(), b"content", "memory does not know");
        flush().unwrap();
        fs.flush_file(&file).unwrap();
        assert_eq!(fake.read_device("/d/file").unwrap(), [0; 7], "{operation:?}");
        fs.write_at(&file, b"content", 0).unwrap();
        fs.flush_file(&file).unwrap();
        assert_eq!(fake.read_device("/d/file").unwrap(), b"content", "written again");
    }
}
