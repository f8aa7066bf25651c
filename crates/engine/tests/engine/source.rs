//! Sources that change while they are copied: noticed, tried again, and never verified wrongly.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use surecopy_engine::{CopySpec, ErrorCode, ItemStatus, StrategyChoice};
use surecopy_fs::{Operation, Timestamp};
use surecopy_testkit::{FakeFs, Random, VolumeSettings};

use crate::job::{CHUNK, Ran, carry_out, spec};
use crate::oracle::leftovers;

const OLD: &[u8] = b"the old file";

/// The ways through which the file may be read.
#[derive(Debug, Clone, Copy)]
enum Reading {
    Whole,
    Streamed,
    Kernel,
}

impl Reading {
    const ALL: [Reading; 3] = [Reading::Whole, Reading::Streamed, Reading::Kernel];

    fn set_up(self) -> (Arc<FakeFs>, CopySpec) {
        let fs = FakeFs::new();
        let length = if matches!(self, Reading::Whole) { 9_000 } else { 2 * CHUNK + 99 };
        let mut settings = VolumeSettings::of("ext4");
        settings.can_copy_range_across = true;
        fs.file("/src/file", Random::new(3).bytes(length)).file("/src/other", "another file");
        fs.mount("/dst", settings).file("/dst/file", OLD);
        fs.limit_transfers(5_000);
        let mut spec = spec(&fs, &["/src/"], "/dst");
        if matches!(self, Reading::Streamed) {
            spec.strategy = StrategyChoice::Staged;
        }
        (Arc::new(fs), spec)
    }

    /// The call that moves bytes; each file takes several.
    fn moving(self) -> Operation {
        match self {
            Reading::Kernel => Operation::CopyRange,
            Reading::Whole | Reading::Streamed => Operation::Write,
        }
    }
}

type Change = fn(&FakeFs, u64);

fn grow(fs: &FakeFs, _: u64) {
    let end = fs.stat("/src/file").expect("it is there").size;
    fs.write("/src/file", end, b"more");
}

fn shrink(fs: &FakeFs, _: u64) {
    let end = fs.stat("/src/file").expect("it is there").size;
    fs.truncate("/src/file", end - 10);
}

fn rewrite(fs: &FakeFs, nth: u64) {
    fs.write("/src/file", 0, nth.to_le_bytes());
}

/// The content changes, and its time is set back to what it was.
fn rewrite_in_secret(fs: &FakeFs, nth: u64) {
    let time = fs.stat("/src/file").expect("it is there").modified;
    // The change time cannot be set.
    fs.write("/src/file", 0, nth.to_le_bytes()).modified("/src/file", time);
}

/// Every change of the file itself; [`swap`] puts another in its place.
const CHANGES: [(&str, Change); 4] = [
    ("grow", grow),
    ("shrink", shrink),
    ("rewrite", rewrite),
    ("rewrite in secret", rewrite_in_secret),
];

fn swap(fs: &FakeFs, nth: u64) {
    let length = fs.stat("/src/file").map_or(0, |stat| stat.size);
    fs.file("/src-new", vec![nth as u8; length as usize]).rename("/src-new", "/src/file");
}

/// Makes a change at the second moving call of each attempt, so often.
fn change_while_moving(
    fs: &FakeFs,
    reading: Reading,
    change: Change,
    times: u64,
) -> Arc<AtomicU64> {
    let changed = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&changed);
    let attempts = Arc::new(AtomicU64::new(0));
    let begun = Arc::clone(&attempts);
    fs.before(Operation::OpenSource, move |_, _| {
        begun.fetch_add(1, Ordering::Relaxed);
    });
    fs.before(reading.moving(), move |fs, _| {
        // The first file to be opened is the one that changes.
        let so_far = counter.load(Ordering::Relaxed);
        if so_far < times && so_far < attempts.load(Ordering::Relaxed) {
            counter.fetch_add(1, Ordering::Relaxed);
            change(fs, so_far + 1);
        }
    });
    changed
}

fn never_wrong(fs: &FakeFs, ran: &Ran, what: &str) {
    let item = ran.item("/dst/file");
    if item.status == ItemStatus::Ok {
        assert_eq!(fs.read("/dst/file"), fs.read("/src/file"), "{what}: {}", ran.in_short());
        let (source, target) = (fs.stat("/src/file"), fs.stat("/dst/file"));
        assert_eq!(source.map(|s| s.modified), target.map(|t| t.modified), "{what}");
    } else {
        assert_eq!(fs.read("/dst/file").as_deref(), Some(OLD), "{what}");
        assert!(!item.verified());
    }
    assert!(leftovers(fs, "/dst").is_empty(), "{what}");
    assert_eq!(ran.item("/dst/other").status, ItemStatus::Ok, "{what}");
}

#[test]
fn a_source_that_changes_once_is_copied_again() {
    for reading in Reading::ALL {
        for (name, change) in CHANGES {
            let what = format!("{reading:?}, {name}");
            let (fs, spec) = reading.set_up();
            let changed = change_while_moving(&fs, reading, change, 1);
            let ran = carry_out(&fs, &spec);
            assert_eq!(changed.load(Ordering::Relaxed), 1, "{what}");
            never_wrong(&fs, &ran, &what);
            let item = ran.item("/dst/file");
            assert_eq!(item.status, ItemStatus::Ok, "{what}");
            let reasons: Vec<_> = item.retries.iter().map(|retry| retry.code).collect();
            assert_eq!(reasons, [ErrorCode::SourceChanged], "{what}");
        }
    }
}

#[test]
fn a_source_that_keeps_changing_fails() {
    for reading in Reading::ALL {
        for (name, change) in CHANGES {
            let what = format!("{reading:?}, {name}");
            let (fs, spec) = reading.set_up();
            change_while_moving(&fs, reading, change, 3);
            let ran = carry_out(&fs, &spec);
            assert_eq!(ran.code("/dst/file"), ErrorCode::SourceChanged, "{what}");
            assert_eq!(ran.item("/dst/file").retries.len(), 2, "{what}");
            never_wrong(&fs, &ran, &what);
        }
    }
}

/// The open file is still the old one, whole. Either is a copy of what once was at that name.
#[test]
fn a_source_replaced_by_rename_is_never_mixed() {
    for reading in Reading::ALL {
        let (fs, spec) = reading.set_up();
        let first = fs.read("/src/file").expect("it is there");
        change_while_moving(&fs, reading, swap, 1);
        let ran = carry_out(&fs, &spec);
        let found = fs.read("/dst/file").expect("it is there");
        let is_whole = found == first || Some(&found) == fs.read("/src/file").as_ref();
        assert!(is_whole, "{reading:?} mixed two files");
        assert_eq!(ran.item("/dst/file").status, ItemStatus::Ok, "{reading:?}");
    }
}

#[test]
fn a_source_that_vanished_is_missing() {
    let (fs, spec) = Reading::Whole.set_up();
    fs.before(Operation::OpenSource, |fs, nth| {
        if nth == 1 {
            fs.remove("/src/file");
        }
    });
    let ran = carry_out(&fs, &spec);
    assert_eq!(ran.code("/dst/file"), ErrorCode::SourceMissing);
    never_wrong(&fs, &ran, "vanished");
}

#[test]
fn a_source_that_became_something_else_is_not_waited_for() {
    let (fs, spec) = Reading::Whole.set_up();
    fs.before(Operation::OpenSource, |fs, nth| {
        if nth == 1 {
            fs.remove("/src/file").fifo("/src/file");
        }
    });
    let ran = carry_out(&fs, &spec);
    assert!(matches!(ran.item("/dst/file").status, ItemStatus::Error(_)), "{}", ran.in_short());
    never_wrong(&fs, &ran, "became a pipe");
}

#[test]
fn a_source_swapped_for_a_link_is_not_followed() {
    let (fs, spec) = Reading::Whole.set_up();
    fs.file("/secret", "a secret");
    fs.before(Operation::OpenSource, |fs, nth| {
        if nth == 1 {
            fs.remove("/src/file").symlink("/src/file", "/secret");
        }
    });
    let ran = carry_out(&fs, &spec);
    assert_eq!(ran.code("/dst/file"), ErrorCode::LinkInPath);
    never_wrong(&fs, &ran, "became a link");
}

#[test]
fn a_source_rewritten_while_it_is_verified_is_not_called_verified() {
    let (fs, spec) = Reading::Kernel.set_up();
    // Behind the window that is being compared.
    fs.before(Operation::CompareMapped, |fs, nth| {
        if nth == 1 {
            fs.write("/src/file", CHUNK as u64 + 1, b"changed");
        }
    });
    let ran = carry_out(&fs, &spec);
    let retries = &ran.item("/dst/file").retries;
    let reasons: Vec<_> = retries.iter().map(|retry| (retry.code, retry.path.as_path())).collect();
    let changed = (ErrorCode::SourceChanged, Path::new("/src/file"));
    assert_eq!(reasons, [changed], "{}", ran.in_short());
    never_wrong(&fs, &ran, "rewritten under verification");
}

#[test]
fn an_unreadable_source_does_not_stop_the_others() {
    let fs = FakeFs::new();
    fs.file("/src/file", "mine").mode("/src/file", 0o200).file("/src/other", "another file");
    fs.file("/src/locked/file", "behind a door").mode("/src/locked", 0o000);
    fs.modified("/src/other", Timestamp { secs: 5, nanos: 5 });
    fs.file("/dst/file", OLD);
    let spec = spec(&fs, &["/src/"], "/dst");
    let fs = Arc::new(fs);
    let ran = carry_out(&fs, &spec);
    assert_eq!(ran.code("/dst/file"), ErrorCode::SourceUnreadable);
    assert_eq!(ran.code("/dst/locked"), ErrorCode::SourceUnreadable);
    never_wrong(&fs, &ran, "unreadable");
}
