//! A power cut takes what was not flushed, and only that. The careless protocols here are
//! controls: if a crash did not hurt them, a crash would prove nothing about the careful one.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::ffi::OsStr;
use std::path::Path;

use surecopy_fs::{FileSystem, FsErrorKind, FsResult, Support};
use surecopy_testkit::{CrashFs, CrashStyle, FakeFs};

const OLD: &[u8] = b"the old content";

/// Several pages, so that it can be torn.
fn new_content() -> Vec<u8> {
    (0..20_000u32).map(|at| (at % 250) as u8 + 1).collect()
}

fn fake() -> FakeFs {
    let fake = FakeFs::new();
    fake.file("/d/target", OLD);
    fake
}

fn name(text: &str) -> &OsStr {
    OsStr::new(text)
}

/// Which flushes a replacement makes.
#[derive(Clone, Copy)]
struct Care {
    flush_file: bool,
    flush_dir: bool,
}

const CAREFUL: Care = Care { flush_file: true, flush_dir: true };

fn replace(fs: &CrashFs, care: Care) -> FsResult<()> {
    let dir = fs.open_root(Path::new("/d"))?;
    let file = fs.create_partial(&dir, name("partial"))?;
    let bytes = new_content();
    for (number, piece) in bytes.chunks(7_000).enumerate() {
        fs.write_at(&file, piece, number as u64 * 7_000)?;
    }
    if care.flush_file {
        fs.flush_file(&file)?;
    }
    fs.replace(&dir, name("partial"), name("target"))?;
    if care.flush_dir {
        fs.flush_dir(&dir)?;
    }
    Ok(())
}

fn styles() -> Vec<CrashStyle> {
    let mut styles =
        vec![CrashStyle::OnlyDurable, CrashStyle::NamesSurvive, CrashStyle::Everything];
    styles.extend((0..50).map(CrashStyle::Seeded));
    styles
}

/// What the target holds after each crash at each step of a replacement.
fn targets_after_crashes(care: Care) -> Vec<Option<Vec<u8>>> {
    let whole = CrashFs::new(fake());
    replace(&whole, care).unwrap();
    let mut targets = Vec::new();
    for step in 1..=whole.steps() + 1 {
        let fs = CrashFs::new(fake()).power_off_at(step);
        assert_eq!(replace(&fs, care).is_err(), fs.fired());
        assert_eq!(fs.fired(), step <= whole.steps());
        targets.extend(styles().into_iter().map(|style| fs.after_crash(style).read("/d/target")));
    }
    targets
}

fn is_old_or_new(target: &Option<Vec<u8>>) -> bool {
    target.as_deref().is_some_and(|bytes| bytes == OLD || bytes == new_content())
}

#[test]
fn a_careful_replacement_leaves_old_or_new_whatever_happens() {
    let targets = targets_after_crashes(CAREFUL);
    assert!(targets.iter().all(is_old_or_new));
    assert!(targets.iter().any(|target| target.as_deref() == Some(OLD)));
    assert!(targets.iter().any(|target| target.as_deref() == Some(&new_content())));
}

#[test]
fn without_flushing_the_file_old_and_new_are_lost() {
    let careless = Care { flush_file: false, flush_dir: true };
    let targets = targets_after_crashes(careless);
    assert!(targets.iter().any(|target| target.as_deref() == Some(&[])), "empty");
    let is_torn = |target: &Option<Vec<u8>>| {
        target.as_ref().is_some_and(|bytes| bytes.len() == 20_000 && *bytes != new_content())
    };
    assert!(targets.iter().any(is_torn), "torn");
}

#[test]
fn names_survive_without_their_data() {
    let fs = CrashFs::new(fake());
    replace(&fs, Care { flush_file: false, flush_dir: false }).unwrap();
    let after = |style| fs.after_crash(style).read("/d/target").unwrap();
    assert_eq!(after(CrashStyle::OnlyDurable), OLD);
    assert_eq!(after(CrashStyle::NamesSurvive), b"");
    assert_eq!(after(CrashStyle::Everything), new_content());
    assert_eq!(fs.live().read("/d/target").unwrap(), new_content(), "before the crash all is well");
}

#[test]
fn without_flushing_the_directory_success_is_undone() {
    for (flush_dir, expected) in [(false, OLD.to_vec()), (true, new_content())] {
        let fs = CrashFs::new(fake());
        replace(&fs, Care { flush_file: true, flush_dir }).unwrap();
        assert_eq!(fs.after_crash(CrashStyle::OnlyDurable).read("/d/target").unwrap(), expected);
    }
}

#[test]
fn an_exchange_survives_whole_or_not_at_all() {
    let fake = FakeFs::new();
    fake.file("/d/a", b"A").file("/d/b", b"B");
    let fs = CrashFs::new(fake);
    let dir = fs.open_root(Path::new("/d")).unwrap();
    assert!(fs.exchange(&dir, name("a"), name("b")).unwrap().is_done());
    let mut outcomes: Vec<(Vec<u8>, Vec<u8>)> = styles()
        .into_iter()
        .map(|style| fs.after_crash(style))
        .map(|fake| (fake.read("/d/a").unwrap(), fake.read("/d/b").unwrap()))
        .collect();
    outcomes.sort();
    outcomes.dedup();
    let (a, b) = (b"A".to_vec(), b"B".to_vec());
    assert_eq!(outcomes, [(a.clone(), b.clone()), (b, a)]);
}

#[test]
fn a_removal_is_undone_unless_the_directory_was_flushed() {
    let fs = CrashFs::new(fake());
    let dir = fs.open_root(Path::new("/d")).unwrap();
    fs.remove_file(&dir, name("target")).unwrap();
    let found = |style| fs.after_crash(style).read("/d/target");
    assert_eq!(found(CrashStyle::OnlyDurable).as_deref(), Some(OLD));
    assert_eq!(found(CrashStyle::NamesSurvive), None);
    fs.flush_dir(&dir).unwrap();
    assert_eq!(found(CrashStyle::OnlyDurable), None);
}

#[test]
fn a_new_directory_needs_its_parent_flushed() {
    let fs = CrashFs::new(fake());
    let dir = fs.open_root(Path::new("/d")).unwrap();
    fs.create_dir(&dir, name("sub")).unwrap();
    let sub = fs.open_root(Path::new("/d/sub")).unwrap();
    let file = fs.create_partial(&sub, name("f")).unwrap();
    fs.write_at(&file, b"data", 0).unwrap();
    fs.flush_file(&file).unwrap();
    fs.flush_dir(&sub).unwrap();
    let found = || fs.after_crash(CrashStyle::OnlyDurable).read("/d/sub/f");
    assert_eq!(found(), None);
    fs.flush_dir(&dir).unwrap();
    assert_eq!(found().as_deref(), Some(&b"data"[..]));
}

#[test]
fn flushing_the_volume_is_enough() {
    let fs = CrashFs::new(fake());
    let witness = fs.open_root(Path::new("/d")).unwrap();
    replace(&fs, Care { flush_file: false, flush_dir: false }).unwrap();
    assert_eq!(fs.flush_volume(&witness).unwrap(), Support::Done(()));
    for style in styles() {
        assert_eq!(fs.after_crash(style).read("/d/target").unwrap(), new_content());
    }
}

#[test]
fn after_the_cut_nothing_works_and_after_the_boot_everything_does() {
    let fs = CrashFs::new(fake()).power_off_at(2);
    let dir = fs.open_root(Path::new("/d")).unwrap();
    for _ in 0..2 {
        let error = fs.create_partial(&dir, name("partial")).unwrap_err();
        assert_eq!(error.kind, FsErrorKind::Io);
    }
    assert!(!fs.live().exists("/d/partial"));
    let booted = fs.after_crash(CrashStyle::Everything);
    assert_eq!(booted.open_handles(), 0);
    let again = CrashFs::new(booted);
    replace(&again, CAREFUL).unwrap();
    assert_eq!(fs.live().read("/d/target").unwrap(), OLD, "the new system is one of its own");
}

#[test]
fn a_partial_of_a_crashed_session_is_not_locked() {
    let fs = CrashFs::new(fake());
    let dir = fs.open_root(Path::new("/d")).unwrap();
    let _partial = fs.create_partial(&dir, name("partial")).unwrap();
    assert!(fs.live().is_lock_held("/d/partial"));
    assert!(!fs.after_crash(CrashStyle::Everything).is_lock_held("/d/partial"));
}
