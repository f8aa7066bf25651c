//! Every file system that the engine may meet in this workspace keeps one contract: the native
//! one on the disks at hand, and those in memory that stand in for it in other tests.
//!
//! Directories on further file systems are given in `SURECOPY_CONFORMANCE_DIRS`, separated by
//! colons; the suite runs in each of them as well.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use surecopy_fs::{FileSystem, NativeFs};
use surecopy_testkit::conformance::{Lab, run_in};
use surecopy_testkit::{CrashFs, FakeFs, FaultFs};

/// By a system call: a program that is being started holds every lock of this one for a moment.
fn make_fifo(path: &Path) {
    let mode = Mode::RUSR | Mode::WUSR;
    mknodat(CWD, path, FileType::Fifo, mode, 0).expect("a named pipe can be made");
}

/// Whether somebody holds the lock of a file, found out by taking it for a moment.
fn is_locked(path: &Path) -> bool {
    let file = File::open(path).expect("a file that was just made can be opened");
    match file.try_lock() {
        Ok(()) => false,
        Err(TryLockError::WouldBlock) => true,
        Err(TryLockError::Error(error)) => panic!("{}: {error}", path.display()),
    }
}

/// Runs the suite on the native file system in a new directory within `parent`.
fn native_holds(parent: &Path) {
    let dir = tempfile::tempdir_in(parent).expect("a temporary directory");
    eprintln!("at {}", dir.path().display());
    let make_fifo: &(dyn Fn(&Path) + Sync) = &make_fifo;
    let is_locked: &(dyn Fn(&Path) -> bool + Sync) = &is_locked;
    let lab = Lab { root: dir.path(), make_fifo: Some(make_fifo), is_locked: Some(is_locked) };
    run_in(&NativeFs::new(), &lab);
}

#[test]
fn the_native_file_system_keeps_the_contract_where_it_is_built() {
    native_holds(Path::new(env!("CARGO_TARGET_TMPDIR")));
}

#[test]
fn the_native_file_system_keeps_the_contract_in_memory() {
    let shm = Path::new("/dev/shm");
    if tempfile::tempdir_in(shm).is_err() {
        eprintln!("skipped: {} cannot be written", shm.display());
        return;
    }
    native_holds(shm);
}

#[test]
fn the_native_file_system_keeps_the_contract_on_every_file_system_given() {
    let Some(given) = std::env::var_os("SURECOPY_CONFORMANCE_DIRS") else {
        eprintln!("skipped: SURECOPY_CONFORMANCE_DIRS names no directories");
        return;
    };
    let dirs: Vec<PathBuf> = std::env::split_paths(&given).collect();
    assert!(!dirs.is_empty(), "SURECOPY_CONFORMANCE_DIRS is set, but empty");
    let native = NativeFs::new();
    for dir in dirs {
        let root = native.open_root(&dir).expect("a directory that was given can be opened");
        let volume = native.volume(&root).expect("its volume can be queried");
        eprintln!("file system {}", volume.filesystem.name);
        native_holds(&dir);
    }
}

#[test]
fn the_file_systems_for_tests_keep_the_contract() {
    let lab = || {
        let fake = FakeFs::new();
        fake.dir("/lab");
        fake
    };
    let at = Lab::at(Path::new("/lab"));
    let fake = lab();
    let make_fifo = |path: &Path| {
        fake.fifo(path);
    };
    let is_locked = |path: &Path| fake.is_lock_held(path);
    let (make_fifo, is_locked) = (Some(&make_fifo as _), Some(&is_locked as _));
    run_in(&fake, &Lab { make_fifo, is_locked, ..at });
    run_in(&FaultFs::counting(lab()), &at);
    run_in(&CrashFs::new(lab()), &at);
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary directory");
    let counting = FaultFs::counting(NativeFs::new());
    run_in(&counting, &Lab::at(dir.path()));
    assert!(counting.calls() > 1000 && !counting.fired());
}
