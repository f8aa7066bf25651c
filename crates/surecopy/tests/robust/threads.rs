//! A user who may have no more threads: fewer at work, and no failures.

use std::fs;
use std::os::unix::fs::{FileExt, chown};
use std::os::unix::process::CommandExt;

use rustix::process::{Resource, Rlimit, geteuid, getrlimit, setrlimit};
use surecopy::{CopyRequest, Evidence, ItemStatus, Mechanism, Preserve};

use crate::child;
use crate::place::{Place, alongside, skipped};
use crate::running::run_here;

const NOBODY: u32 = 65_534;

/// Several chunks, and a short one.
const SIZE: u64 = (3 << 20) + 12_345;

#[test]
fn a_copy_without_threads_is_done_by_the_one_there_is() {
    let _machine = alongside();
    let place = Place::new();
    place.file("in/source/large", SIZE);
    place.file("in/source/sub/small", 100);
    let sparse = fs::File::create(place.at("in/source/sparse")).unwrap();
    sparse.set_len(4 * SIZE).unwrap();
    sparse.write_all_at(b"in the middle", 2 * SIZE).unwrap();
    place.dir("in/out");
    let mut child = child::command("threadless");
    child.env("ROBUST_SOURCE", place.at("in/source")).env("ROBUST_TARGET", place.at("in/out"));
    if geteuid().is_root() {
        // No limit holds for root.
        let names = ["", "in", "in/source", "in/source/sub", "in/out"];
        let files = ["in/source/large", "in/source/sub/small", "in/source/sparse"];
        for name in names.iter().chain(&files) {
            if let Err(error) = chown(place.at(name), Some(NOBODY), Some(NOBODY)) {
                return skipped(&format!("a root who can give nothing away: {error}"));
            }
        }
        child.uid(NOBODY).gid(NOBODY);
    }
    let output = match child.output() {
        Ok(output) => output,
        Err(error) => return skipped(&format!("root, and another user cannot run this: {error}")),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    if text.contains("SKIPPED") {
        return skipped("threads are not limited here");
    }
    for name in ["large", "sub/small", "sparse"] {
        let read = |folder: &str| fs::read(place.at(folder).join(name)).unwrap();
        assert!(read("in/source") == read("in/out/source"), "{name}");
    }
}

/// The role of a process that gets no thread besides its own.
pub(crate) fn copy_without_threads() {
    let limit = getrlimit(Resource::Nproc);
    let none = Rlimit { current: Some(0), maximum: limit.maximum };
    setrlimit(Resource::Nproc, none).expect("a lower limit than before");
    if std::thread::Builder::new().spawn(|| ()).is_ok() {
        return skipped("a thread can be had all the same");
    }
    let ended = run_here(
        CopyRequest::new([child::given("ROBUST_SOURCE")], child::given("ROBUST_TARGET"))
            .preserve(Preserve::ALL)
            .set("jobs", "4")
            .and_then(|copy| copy.set("strategy", "staged"))
            .expect("settings"),
    );
    assert_eq!(ended.codes(), [], "{ended:?}");
    assert_eq!((ended.report.tally.ok, ended.items.len()), (3, 3));
    for item in &ended.items {
        assert_eq!(item.status, ItemStatus::Ok, "{item:?}");
        assert_eq!(item.mechanism, Some(Mechanism::ReadWrite), "{item:?}");
        assert!(item.digest.is_some() && item.evidence != Evidence::None, "{item:?}");
        assert!(item.metadata_warnings.is_empty(), "{item:?}");
    }
}
