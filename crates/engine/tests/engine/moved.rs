//! Directories of the destination that are moved away while files are on their way into them.

use std::sync::Arc;

use surecopy_engine::ErrorCode;
use surecopy_fs::Operation;
use surecopy_testkit::FakeFs;

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
