//! What all workers of a run share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use surecopy_fs::FileSystem;

use crate::buffers::BufferPool;
use crate::directories::Directories;
use crate::environment::Environment;
use crate::error::ErrorCode;
use crate::links::Links;
use crate::loss::Readable;
use crate::partial_names::PartialNames;
use crate::plan::PlannedItem;
use crate::policy::{MechanismMemory, SizeClass};
use crate::record::{Fact, JournalError, Recording, Rest};
use crate::report::{
    Corrected, Event, ItemKind, ItemReport, ItemStatus, Lost, MAX_WORKERS, Share, Tally, Warning,
    WarningKind,
};
use crate::roots::Root;
use crate::spec::CopySpec;
use crate::volumes::Volumes;

/// Why workers stop before the list is empty, other than by being cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// `fail_fast`, and something failed.
    Failure,
    /// The file system at one end is gone.
    Lost(Lost),
    /// The journal failed.
    Journal(String),
}

impl Stop {
    /// Of several, the worst is told.
    fn weight(&self) -> u8 {
        match self {
            Stop::Failure => 0,
            Stop::Lost(_) => 1,
            Stop::Journal(_) => 2,
        }
    }
}

/// The shared state of one run.
pub(crate) struct Context<'a, F: FileSystem> {
    pub(crate) spec: &'a CopySpec,
    pub(crate) outside: &'a Environment<'a, F>,
    pub(crate) roots: Vec<Root<F>>,
    pub(crate) volumes: Volumes,
    pub(crate) memory: MechanismMemory,
    pub(crate) pool: BufferPool,
    pub(crate) names: PartialNames,
    pub(crate) directories: Directories<F>,
    pub(crate) links: Links,
    pub(crate) readable: Readable<F>,
    pub(crate) bounds: Bounds,
    pub(crate) warnings: AtomicU64,
    left_behind: AtomicU64,
    tally: Mutex<Tally>,
    corrected: Mutex<Corrected>,
    is_stopped: AtomicBool,
    stop: Mutex<Option<Stop>>,
}

/// Sizes in force for this run, after taking account of the machine's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) workers: usize,
    pub(crate) scratch_bytes: usize,
    pub(crate) window_bytes: u64,
    pub(crate) pool_bytes: u64,
    pub(crate) chunk_bytes: usize,
    /// Open files that the groups of one worker may hold, the one that is being gathered and the one
    /// whose announcement is being recorded.
    pub(crate) grouped_files: usize,
}

/// Open files that all groups together may hold, however many the process may.
const GROUPED_FILES: u64 = 768;

/// Open files of the process that are none of the workers': terminals, logs, the caller's own.
const OTHER_OPEN_FILES: u64 = 24;

/// Open files for each mapping (its roots) and each worker (its directories, and the source, the
/// partial file and its second handle of the current item).
const OPEN_FILES_OF_MAPPING: u64 = 2;
const OPEN_FILES_OF_WORKER: u64 = 12;

/// Open files of a member of a group at most: the partial file, its directory unless that of the member
/// before is the same, and until it is proved the source that it is compared with.
pub(crate) const OPEN_FILES_OF_MEMBER: usize = 3;

impl Bounds {
    /// One budget covers every buffer and every mapped window.
    pub(crate) fn of(spec: &CopySpec, available_memory_bytes: Option<u64>) -> Self {
        const ALIGNMENT: u64 = 1 << 16;
        let limits = &spec.limits;
        let is_low =
            available_memory_bytes.is_some_and(|available| available < limits.low_memory_bytes);
        let mut budget = limits.memory_budget_bytes;
        let mut window = limits.mmap_window_bytes;
        if is_low {
            // An eighth of what is left, and half the window, so that others can live too.
            budget = budget.min(available_memory_bytes.unwrap_or(budget) / 8);
            window /= 2;
        }
        let (workers, grouped_files) = Self::within_open_files(spec);
        let share = budget / workers as u64;
        // Per worker: two scratch buffers, two mapped windows or its part of the pool.
        let scratch = limits.small_file_limit_bytes.max(limits.buffer_size_bytes).min(share / 4);
        let scratch = scratch.max(ALIGNMENT);
        let left = share.saturating_sub(2 * scratch);
        let window = (window.min(left / 4) / ALIGNMENT * ALIGNMENT).max(ALIGNMENT);
        let chunk = limits.staged_chunk_bytes.min(left / 4).max(ALIGNMENT);
        let pool = left.saturating_sub(2 * window) * workers as u64;
        let in_memory = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        Self {
            workers,
            scratch_bytes: in_memory(scratch),
            window_bytes: window,
            pool_bytes: pool,
            chunk_bytes: in_memory(chunk),
            grouped_files,
        }
    }

    /// Workers, as many as asked for and as the open files allow, and what the groups of each may hold
    /// open: one member at least.
    fn within_open_files(spec: &CopySpec) -> (usize, usize) {
        let mappings = OPEN_FILES_OF_MAPPING * spec.mappings.len() as u64;
        let free = spec.open_files.saturating_sub(OTHER_OPEN_FILES + mappings);
        let of_one = OPEN_FILES_OF_WORKER + OPEN_FILES_OF_MEMBER as u64;
        let wanted = spec.workers.min(MAX_WORKERS) as u64;
        let workers = wanted.min(free / of_one).max(1);
        let grouped = free.saturating_sub(workers * OPEN_FILES_OF_WORKER).min(GROUPED_FILES);
        let in_memory = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        (in_memory(workers), in_memory(grouped / workers).max(OPEN_FILES_OF_MEMBER))
    }
}

impl<'a, F: FileSystem> Context<'a, F> {
    pub(crate) fn new(
        spec: &'a CopySpec,
        outside: &'a Environment<'a, F>,
        roots: Vec<Root<F>>,
        volumes: Volumes,
    ) -> Self {
        let bounds = Bounds::of(spec, outside.available_memory_bytes);
        let destinations = roots.iter().map(|root| root.mapping.destination_root.clone());
        let directories = Directories::new(Arc::clone(&outside.fs), destinations.collect());
        Self {
            spec,
            outside,
            roots,
            volumes,
            memory: MechanismMemory::default(),
            pool: BufferPool::new(bounds.chunk_bytes, bounds.pool_bytes),
            names: PartialNames::new(spec.nonce),
            directories,
            links: Links::default(),
            readable: Readable::default(),
            bounds,
            warnings: AtomicU64::new(0),
            left_behind: AtomicU64::new(0),
            tally: Mutex::default(),
            corrected: Mutex::default(),
            is_stopped: AtomicBool::new(false),
            stop: Mutex::new(None),
        }
    }

    pub(crate) fn fs(&self) -> &F {
        &self.outside.fs
    }

    /// Whether workers should take no further items.
    pub(crate) fn is_ending(&self) -> bool {
        self.is_stopped.load(Ordering::Acquire) || self.outside.control.is_cancelled()
    }

    pub(crate) fn stop(&self, why: Stop) {
        let mut stop = self.stop.lock().expect("no code panics while holding this lock");
        if stop.as_ref().is_none_or(|known| known.weight() < why.weight()) {
            *stop = Some(why);
        }
        self.is_stopped.store(true, Ordering::Release);
    }

    pub(crate) fn stopped(&self) -> Option<Stop> {
        self.stop.lock().expect("no code panics while holding this lock").clone()
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tally.lock().expect("no code panics while holding this lock").clone()
    }

    /// What was found to be otherwise than remembered or planned.
    pub(crate) fn corrected(&self) -> Corrected {
        *self.corrected.lock().expect("no code panics while holding this lock")
    }

    /// Counts a correction, in a run that is told what is remembered of its sources, and returns what
    /// `correct` says of it.
    pub(crate) fn correct<T>(&self, correct: impl FnOnce(&mut Corrected) -> T) -> Option<T> {
        self.outside.catalog?;
        let mut corrected = self.corrected.lock().expect("no code panics while holding this lock");
        Some(correct(&mut corrected))
    }

    pub(crate) fn warn(&self, warning: Warning) {
        self.warnings.fetch_add(1, Ordering::Relaxed);
        if warning.kind == WarningKind::LeftBehind {
            self.left_behind.fetch_add(1, Ordering::Relaxed);
        }
        self.outside.observer.on_event(Event::Warned(warning));
    }

    /// How many files were left behind.
    pub(crate) fn left_behind(&self) -> u64 {
        self.left_behind.load(Ordering::Relaxed)
    }

    /// Records facts; when that fails, the run ends. A journal that has failed is not asked again:
    /// it lacks a fact, and an answer to the next one would let the step after it go ahead.
    pub(crate) fn record(&self, facts: Vec<Fact>) -> Result<(), JournalError> {
        self.unless_stopped()?;
        let facts = self.with_directories(facts);
        self.outside.journal.record(facts).inspect_err(|error| self.stop_for(error))
    }

    /// Begins to record facts, so that a worker can go on with what does not depend on them.
    pub(crate) fn begin_record(&self, facts: Vec<Fact>) -> Box<dyn Recording> {
        match self.unless_stopped() {
            Ok(()) => self.outside.journal.begin_record(self.with_directories(facts)),
            Err(error) => Box::new(Err(error)),
        }
    }

    /// Waits until facts are recorded; when they are not, the run ends.
    pub(crate) fn end_record(&self, recording: Box<dyn Recording>) -> Result<(), JournalError> {
        recording.wait().inspect_err(|error| self.stop_for(error))
    }

    /// Notes facts that no step waits for; when that fails, the run ends.
    pub(crate) fn note(&self, facts: Vec<Fact>) {
        let noted = self.unless_stopped().and_then(|()| {
            self.outside
                .journal
                .note(self.with_directories(facts))
                .inspect_err(|error| self.stop_for(error))
        });
        if let Err(error) = noted {
            // What was done stays done; the outcome of the run tells.
            tracing::error!(%error, "what happened could not be noted");
        }
    }

    /// Notes directories that were made since this was done the last time. The run may die long before
    /// anything is published in them, and they are private until it ends.
    pub(crate) fn note_directories(&self) {
        if self.directories.has_untold() {
            self.note(Vec::new());
        }
    }

    /// Directories that were made come before what is published in them.
    fn with_directories(&self, facts: Vec<Fact>) -> Vec<Fact> {
        let made = self.directories.take_untold().into_iter();
        let made = made.map(|(mapping, path)| Fact::DirectoryMade { mapping, path });
        made.chain(facts).collect()
    }

    /// Fails once the journal has failed.
    pub(crate) fn unless_stopped(&self) -> Result<(), JournalError> {
        match self.stopped() {
            Some(Stop::Journal(message)) => Err(JournalError { message }),
            Some(Stop::Failure | Stop::Lost(_)) | None => Ok(()),
        }
    }

    fn stop_for(&self, error: &JournalError) {
        self.stop(Stop::Journal(error.message.clone()));
    }

    /// An item has ended without anything being published that must be recorded first: journal,
    /// sums, progress and whoever watches are told, in that order.
    pub(crate) fn finish(&self, item: &PlannedItem, report: ItemReport, share: Share) {
        self.note(vec![Fact::Ended { item: item.id, report: Box::new(report.clone()) }]);
        self.account(report, share);
    }

    /// Something that never became an item has ended.
    pub(crate) fn finish_unplanned(&self, report: ItemReport) {
        self.outside.progress.items_total.fetch_add(1, Ordering::Relaxed);
        self.note(vec![Fact::Refused { report: Box::new(report.clone()) }]);
        self.account(report, Share::default());
    }

    /// Takes an ended item into sums and progress, and tells whoever watches. `share` is what it has
    /// added to the counters so far; what was planned but never begun need not say.
    pub(crate) fn account(&self, report: ItemReport, share: Share) {
        let limits = &self.spec.limits;
        let class = (report.kind == ItemKind::File).then(|| {
            SizeClass::of(
                report.size_bytes,
                limits.small_file_limit_bytes,
                limits.medium_file_limit_bytes,
            )
        });
        let progress = self.outside.progress;
        progress.settle(share, &report);
        progress.items_done.fetch_add(1, Ordering::Relaxed);
        self.tally.lock().expect("no code panics while holding this lock").add(&report, class);
        if matches!(report.status, ItemStatus::Error(_)) {
            progress.items_failed.fetch_add(1, Ordering::Relaxed);
            if self.spec.fail_fast {
                self.stop(Stop::Failure);
            }
        }
        self.outside.observer.on_event(Event::ItemFinished(Box::new(report)));
    }

    /// Items that no worker got to have ended too: requested = done + skipped + failed + cancelled.
    /// They are only counted, since whoever cancels does not wait for millions to be told one by one.
    pub(crate) fn leave(&self, rest: Rest) {
        self.outside.progress.items_done.fetch_add(rest.items, Ordering::Relaxed);
        let mut tally = self.tally.lock().expect("no code panics while holding this lock");
        tally.cancelled += rest.items;
        tally.not_begun += rest.items;
        tally.bytes_failed += rest.bytes;
    }

    /// The error of an item whose next step may not be taken because the journal failed.
    pub(crate) fn journal_error(&self, path: std::path::PathBuf) -> crate::error::ItemError {
        let message = match self.stopped() {
            Some(Stop::Journal(message)) => message,
            _ => "what is about to happen could not be recorded".to_owned(),
        };
        crate::error::ItemError::new(ErrorCode::JournalFailed, path, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_stays_within_the_budget() {
        for workers in [1, 2, 8, 64] {
            for budget in [32 << 20, 256 << 20, 1 << 30] {
                let mut spec = CopySpec::new(Vec::new());
                spec.workers = workers;
                spec.limits.memory_budget_bytes = budget;
                let bounds = Bounds::of(&spec, Some(8 << 30));
                let per_worker = 2 * bounds.scratch_bytes as u64 + 2 * bounds.window_bytes;
                let sum = per_worker * workers as u64 + bounds.pool_bytes;
                assert!(sum <= budget, "{workers} workers, {budget} bytes: {bounds:?}");
            }
        }
    }

    #[test]
    fn open_files_bound_workers_and_groups() {
        for (open_files, workers) in [(64, 8), (256, 2), (1024, 64), (1_000_000, 64), (0, 4)] {
            let mut spec = CopySpec::new(Vec::new());
            (spec.workers, spec.open_files) = (workers, open_files);
            let (workers, grouped) = Bounds::within_open_files(&spec);
            assert!(workers >= 1 && grouped >= OPEN_FILES_OF_MEMBER);
            let of_worker = OPEN_FILES_OF_WORKER + grouped as u64;
            let sum = OTHER_OPEN_FILES + of_worker * workers as u64;
            let fits = sum <= open_files || (workers, grouped) == (1, OPEN_FILES_OF_MEMBER);
            assert!(fits, "{open_files}: {workers} workers, {grouped} open files of groups");
        }
        let spec = CopySpec::new(Vec::new());
        assert_eq!(Bounds::within_open_files(&spec), (2, 128 * OPEN_FILES_OF_MEMBER));
    }

    #[test]
    fn little_memory_halves_the_window() {
        let mut spec = CopySpec::new(Vec::new());
        spec.workers = 1;
        spec.limits.memory_budget_bytes = 1 << 30;
        assert_eq!(Bounds::of(&spec, Some(4 << 30)).window_bytes, 64 << 20);
        assert!(Bounds::of(&spec, Some(1 << 30)).window_bytes <= 32 << 20);
    }
}
