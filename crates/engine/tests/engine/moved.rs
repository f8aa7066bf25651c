//! Directories of the destination that are moved away while files are on their way into them.

use std::sync::Arc;

use surecopy_engine::{ErrorCode, ItemStatus};
use surecopy_fs::{FsErrorKind, Operation};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan};

use crate::job::{carry_out, spec};
use crate::oracle::{is_ours, leftovers};

/// `/dst/sub` stands elsewhere from the first such operation on after something was begun in it;
/// another directory may have taken its place.
fn scene(operation: Operation, is_replaced: bool) -> FakeFs {
    let fs = FakeFs::new();
    fs.file("/src/sub/new", "new").file("/src/sub/replaced", "new").file("/src/top", "top");
    fs.file("/dst/sub/replaced", "an old file").dir("/elsewhere");
    fs.before(operation, move |fs, _| {
        let is_begun = fs.names("/dst/sub").iter().any(|name| is_ours(name.as_ref()));
        if is_begun && !fs.exists("/elsewhere/sub") {
            fs.rename("/dst/sub", "/elsewhere/sub");
            if is_replaced {
                fs.file("/dst/sub/strangers", "somebody's");
            }
        }
    });
    fs
}

#[test]
fn nothing_is_published_in_a_directory_that_was_moved() {
    for operation in [Operation::CreatePartial, Operation::FlushVolume, Operation::Read] {
        for is_replaced in [false, true] {
            let fs = Arc::new(scene(operation, is_replaced));
            let ran = carry_out(&fs, &spec(fs.as_ref(), &["/src/"], "/dst"));
            let what = format!("{operation:?}, {is_replaced}: {}", ran.in_short());
            for name in ["new", "replaced"] {
                let path = format!("/dst/sub/{name}");
                assert_eq!(ran.code(&path), ErrorCode::TargetChanged, "{what}");
                assert!(!fs.exists(&path), "{what}");
            }
            assert_eq!(fs.names("/elsewhere/sub"), ["replaced"], "{what}");
            let old = fs.read("/elsewhere/sub/replaced");
            assert_eq!(old.as_deref(), Some(&b"an old file"[..]), "{what}");
            assert!(leftovers(&fs, "/").is_empty(), "{what}");
            assert_eq!(fs.read("/dst/top").as_deref(), Some(&b"top"[..]), "{what}");
        }
    }
}

/// An error that says nothing about the directory is reported as what it is.
#[test]
fn a_directory_that_could_not_be_looked_at_was_not_moved() {
    let set_up = || {
        let fs = FakeFs::new();
        fs.file("/src/sub/one", "one").file("/src/sub/two", "two").dir("/dst/sub");
        let mut spec = spec(&fs, &["/src/"], "/dst");
        spec.retries = 0;
        (fs, spec)
    };
    let (fs, spec) = set_up();
    let counting = Arc::new(FaultFs::counting(fs));
    carry_out(&counting, &spec).all_ok();
    // The look just before publishing is the last time that a root is opened there.
    let log = counting.log();
    let publish = log.iter().position(|call| call.operation == Operation::PublishNew);
    let until = &log[..publish.expect("it is published")];
    let begun = until.iter().rposition(|call| call.operation == Operation::OpenRoot);
    let begun = begun.expect("the root is looked at");
    for (operation, kind, code) in [
        (Operation::OpenRoot, FsErrorKind::TooManyOpenFiles, ErrorCode::OutOfResources),
        (Operation::OpenDir, FsErrorKind::TooManyOpenFiles, ErrorCode::OutOfResources),
        (Operation::OpenDir, FsErrorKind::Unreachable, ErrorCode::VolumeUnreachable),
        (Operation::Metadata, FsErrorKind::Io, ErrorCode::DestinationIoError),
        (Operation::OpenRoot, FsErrorKind::NotFound, ErrorCode::TargetChanged),
        (Operation::OpenDir, FsErrorKind::NotADirectory, ErrorCode::TargetChanged),
        (Operation::OpenDir, FsErrorKind::LinkInPath, ErrorCode::TargetChanged),
    ] {
        let at = (begun..until.len()).find(|call| log[*call].operation == operation);
        let at = at.expect("it is part of the look") as u64 + 1;
        let (fs, spec) = set_up();
        let faulty = Arc::new(FaultFs::new(fs, FaultPlan::once(at, kind)));
        let ran = carry_out(&faulty, &spec);
        let what = format!("{operation:?} {kind:?}: {}", ran.in_short());
        assert!(faulty.fired(), "{what}");
        let failed: Vec<_> = ["one", "two"]
            .into_iter()
            .filter(|name| ran.item(format!("/dst/sub/{name}")).status != ItemStatus::Ok)
            .collect();
        // What is known holds for both; what is not is asked again.
        let is_known = code == ErrorCode::TargetChanged;
        assert_eq!(failed.len(), if is_known { 2 } else { 1 }, "{what}");
        for name in failed {
            let path = format!("/dst/sub/{name}");
            assert_eq!(ran.code(&path), code, "{what}");
            assert!(!faulty.inner().exists(&path), "{what}");
        }
        assert!(leftovers(faulty.inner(), "/").is_empty(), "{what}");
    }
}
