//! Counters that a user interface polls. Nothing here is on the way of a copy: workers add to
//! atomics, and a slot's text changes once per step of a file.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use surecopy_fs::{FileKind, Metadata, RelPath};

use crate::plan::Sums;
use crate::policy::Strategy;
use crate::report::{ItemReport, Phase, ScanShare};

/// What a worker is doing with its current file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Another process holds the source, and was asked to let go of it.
    Waiting,
    /// Reading and writing.
    Copying,
    /// Waiting for the device to take the data.
    Flushing,
    /// Reading back.
    Verifying,
    /// Making visible.
    Publishing,
}

impl Step {
    /// In words, for "waiting for …".
    pub fn as_str(self) -> &'static str {
        match self {
            Step::Waiting => "release",
            Step::Copying => "copying",
            Step::Flushing => "flushing",
            Step::Verifying => "verifying",
            Step::Publishing => "publishing",
        }
    }
}

/// A worker's current file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentItem {
    /// The source.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// The way chosen.
    pub strategy: Option<Strategy>,
    /// What is being done.
    pub step: Step,
    /// Bytes of it copied so far.
    pub copied_bytes: u64,
    /// Bytes of it verified so far.
    pub verified_bytes: u64,
}

/// What is remembered of the sources: how much there will be, if nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expected {
    /// Everything but directories.
    pub items: u64,
    /// Bytes of files.
    pub bytes: u64,
}

/// Everything at one moment, as plain data.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// The phase.
    pub phase: Option<Phase>,
    /// What there will be by what is remembered; `None` where that says nothing of all sources.
    pub expected: Option<Expected>,
    /// Directories that were looked at in this phase of the preparation.
    pub directories_done: u64,
    /// Directories that are known so far to be looked at in it.
    pub directories_total: u64,
    /// How much of the scan is done, from 0 to 1, as far as that can be said while it is not known how much
    /// there is.
    pub scanned: f64,
    /// The directory that is being looked into, beneath its source.
    pub directory: Option<RelPath>,
    /// Items known of so far; final once scanning is over.
    pub items_total: u64,
    /// Items ended.
    pub items_done: u64,
    /// Items that failed so far.
    pub items_failed: u64,
    /// Bytes to copy. Once scanning is over it only follows what is found: what turns out to be the
    /// same, or fails, goes from it. What was cancelled stays.
    pub bytes_total: u64,
    /// Bytes of files that are in place, shared blocks included, and what is copied of those on
    /// their way. In the end this is `bytes_total`, but for what was cancelled.
    pub bytes_copied: u64,
    /// Bytes to read back; what is not after all, such as shared blocks, goes from it.
    pub verify_total: u64,
    /// Bytes read back. In the end this is `verify_total`, but for what was cancelled.
    pub bytes_verified: u64,
    /// The files in flight.
    pub current: Vec<CurrentItem>,
}

/// The counters of one run.
#[derive(Debug)]
pub struct Progress {
    phase: Mutex<Option<Phase>>,
    expected: Mutex<Option<Expected>>,
    directories_done: AtomicU64,
    directories_total: AtomicU64,
    scanned: AtomicU64,
    directory: Mutex<Option<RelPath>>,
    pub(crate) items_total: AtomicU64,
    pub(crate) items_done: AtomicU64,
    pub(crate) items_failed: AtomicU64,
    pub(crate) bytes_total: AtomicU64,
    pub(crate) bytes_copied: AtomicU64,
    pub(crate) verify_total: AtomicU64,
    pub(crate) bytes_verified: AtomicU64,
    slots: Vec<Slot>,
}

/// One worker's place.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    item: Mutex<Option<CurrentItem>>,
    copied: AtomicU64,
    verified: AtomicU64,
}

/// The largest number of workers that progress has a place for.
pub const MAX_WORKERS: usize = 64;

impl Default for Progress {
    fn default() -> Self {
        Self {
            phase: Mutex::default(),
            expected: Mutex::default(),
            directories_done: AtomicU64::new(0),
            directories_total: AtomicU64::new(0),
            scanned: AtomicU64::new(0),
            directory: Mutex::default(),
            items_total: AtomicU64::new(0),
            items_done: AtomicU64::new(0),
            items_failed: AtomicU64::new(0),
            bytes_total: AtomicU64::new(0),
            bytes_copied: AtomicU64::new(0),
            verify_total: AtomicU64::new(0),
            bytes_verified: AtomicU64::new(0),
            slots: (0..MAX_WORKERS).map(|_| Slot::default()).collect(),
        }
    }
}

impl Progress {
    /// Counters at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything at this moment. Values of different counters may be some microseconds apart.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            phase: *held(&self.phase),
            expected: *held(&self.expected),
            directories_done: self.directories_done.load(Ordering::Relaxed),
            directories_total: self.directories_total.load(Ordering::Relaxed),
            scanned: ScanShare::of_whole(self.scanned.load(Ordering::Relaxed)),
            directory: held(&self.directory).clone(),
            items_total: self.items_total.load(Ordering::Relaxed),
            items_done: self.items_done.load(Ordering::Relaxed),
            items_failed: self.items_failed.load(Ordering::Relaxed),
            bytes_total: self.bytes_total.load(Ordering::Relaxed),
            bytes_copied: self.bytes_copied.load(Ordering::Relaxed),
            verify_total: self.verify_total.load(Ordering::Relaxed),
            bytes_verified: self.bytes_verified.load(Ordering::Relaxed),
            current: self.slots.iter().filter_map(Slot::current).collect(),
        }
    }

    /// A phase begins.
    pub(super) fn enter(&self, phase: Phase) {
        let before = held(&self.phase).replace(phase);
        debug_assert!(phase.may_follow(before), "{phase:?} after {before:?}");
        self.directories_done.store(0, Ordering::Relaxed);
        self.directories_total.store(0, Ordering::Relaxed);
        *held(&self.directory) = None;
    }

    /// So much there will be, if what is remembered of the sources still holds.
    pub fn expect(&self, expected: Expected) {
        *held(&self.expected) = Some(expected);
    }

    /// All that there is was remembered, and nothing has changed.
    pub fn find_all_expected(&self) {
        let expected = held(&self.expected).unwrap_or_default();
        self.items_total.store(expected.items, Ordering::Relaxed);
        self.bytes_total.store(expected.bytes, Ordering::Relaxed);
    }

    /// More directories are to be looked at in this phase.
    pub fn find_directories(&self, directories: u64) {
        self.directories_total.fetch_add(directories, Ordering::Relaxed);
    }

    /// More directories were looked at.
    pub fn pass_directories(&self, directories: u64) {
        self.directories_done.fetch_add(directories, Ordering::Relaxed);
    }

    /// A part of the scan is done.
    pub(crate) fn scan(&self, share: ScanShare) {
        self.scanned.fetch_add(share.units(), Ordering::Relaxed);
    }

    /// A directory is being looked into.
    pub(crate) fn look_into(&self, path: &RelPath) {
        *held(&self.directory) = Some(path.clone());
    }

    /// An entry was found by a survey. Directories do not count, as they do not for a copy.
    pub(crate) fn survey(&self, metadata: &Metadata) {
        if metadata.kind != FileKind::Directory {
            self.items_total.fetch_add(1, Ordering::Relaxed);
        }
        if metadata.kind == FileKind::File {
            self.bytes_total.fetch_add(metadata.size, Ordering::Relaxed);
        }
    }

    /// The same for a subtree of which only the sums are known.
    pub(crate) fn survey_sums(&self, sums: &Sums) {
        self.items_total.fetch_add(sums.files + sums.others, Ordering::Relaxed);
        self.bytes_total.fetch_add(sums.bytes, Ordering::Relaxed);
    }

    pub(crate) fn worker(&self, index: usize) -> WorkerProgress<'_> {
        WorkerProgress { all: self, slot: &self.slots[index % MAX_WORKERS] }
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().expect("no code panics while holding this lock")
}

impl Slot {
    fn current(&self) -> Option<CurrentItem> {
        let mut item = held(&self.item).clone()?;
        item.copied_bytes = self.copied.load(Ordering::Relaxed);
        item.verified_bytes = self.verified.load(Ordering::Relaxed);
        Some(item)
    }
}

/// One worker's view of the counters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WorkerProgress<'a> {
    all: &'a Progress,
    slot: &'a Slot,
}

impl WorkerProgress<'_> {
    /// A new file is being worked on.
    pub(crate) fn begin(&self, path: PathBuf, size_bytes: u64, strategy: Option<Strategy>) {
        self.slot.copied.store(0, Ordering::Relaxed);
        self.slot.verified.store(0, Ordering::Relaxed);
        *held(&self.slot.item) = Some(CurrentItem {
            path,
            size_bytes,
            strategy,
            step: Step::Copying,
            copied_bytes: 0,
            verified_bytes: 0,
        });
    }

    /// A copied file is read back.
    pub(crate) fn begin_verifying(&self, report: &ItemReport) {
        self.begin(report.source.clone(), report.size_bytes, report.strategy);
        self.slot.copied.store(report.size_bytes, Ordering::Relaxed);
        self.step(Step::Verifying);
    }

    /// How much of the current file was copied.
    pub(super) fn copied_bytes(&self) -> u64 {
        self.slot.copied.load(Ordering::Relaxed)
    }

    /// How much of the current file was read back.
    pub(super) fn verified_bytes(&self) -> u64 {
        self.slot.verified.load(Ordering::Relaxed)
    }

    /// The current file enters another step.
    pub(crate) fn step(&self, step: Step) {
        if let Some(item) = held(&self.slot.item).as_mut() {
            item.step = step;
        }
    }

    /// Nothing is being worked on.
    pub(crate) fn idle(&self) {
        *held(&self.slot.item) = None;
    }

    /// More bytes were copied.
    pub(crate) fn copied(&self, bytes: u64) {
        self.slot.copied.fetch_add(bytes, Ordering::Relaxed);
        self.all.bytes_copied.fetch_add(bytes, Ordering::Relaxed);
    }

    /// More bytes were read back.
    pub(crate) fn verified(&self, bytes: u64) {
        self.slot.verified.fetch_add(bytes, Ordering::Relaxed);
        self.all.bytes_verified.fetch_add(bytes, Ordering::Relaxed);
    }
}
