//! Where what planning finds is gathered: items in the work list, in batches; the rest in memory.

use surecopy_fs::{FileSystem, FsError};

use crate::environment::Environment;
use crate::error::{ItemError, Side};
use crate::plan::{PlanSink, PlannedItem};
use crate::preflight::{Problem, Scope};
use crate::record::{BATCH, JournalError, Queue, WorkList};
use crate::report::{Event, ItemKind, Observer, Progress, Warning};
use crate::spec::{CopySpec, Mapping};

/// Gathers what planning finds, and fills the work list in batches.
pub(super) struct Collector<'a> {
    spec: &'a CopySpec,
    observer: &'a dyn Observer,
    progress: &'a Progress,
    work: &'a dyn WorkList,
    batch: Vec<PlannedItem>,
    further_batch: Vec<PlannedItem>,
    pub(super) directories: Vec<PlannedItem>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: u64,
    /// The record could not be written or read, so what is planned is not all there is.
    pub(super) failed: Option<JournalError>,
}

impl<'a> Collector<'a> {
    pub(super) fn new<F: FileSystem>(spec: &'a CopySpec, outside: &'a Environment<'_, F>) -> Self {
        Self {
            spec,
            observer: outside.observer,
            progress: outside.progress,
            work: outside.work,
            batch: Vec::new(),
            further_batch: Vec::new(),
            directories: Vec::new(),
            problems: Vec::new(),
            warnings: 0,
            failed: None,
        }
    }

    pub(super) fn root_problem(&mut self, error: &FsError, side: Side, mapping: &Mapping) {
        let path = match side {
            Side::Source => mapping.source_path(),
            Side::Destination => mapping.target_path(),
        };
        self.job_problem(ItemError::from_fs(error, side, path), Some(mapping));
    }

    pub(super) fn job_problem(&mut self, error: ItemError, mapping: Option<&Mapping>) {
        self.problem(Problem {
            scope: Scope::Job,
            error,
            entry: None,
            source: mapping.map(Mapping::source_path),
            target: mapping.map(Mapping::target_path),
            size_bytes: 0,
        });
    }

    pub(super) fn flush(&mut self) {
        for (queue, batch) in
            [(Queue::Items, &mut self.batch), (Queue::FurtherNames, &mut self.further_batch)]
        {
            let batch = std::mem::take(batch);
            if !batch.is_empty()
                && self.failed.is_none()
                && let Err(error) = self.work.append(queue, batch)
            {
                self.failed = Some(error);
            }
        }
    }
}

impl PlanSink for Collector<'_> {
    fn item(&mut self, item: PlannedItem) {
        match item.kind {
            ItemKind::Directory => self.directories.push(item),
            kind => {
                self.progress.plan(self.spec, &item);
                let is_further = kind == ItemKind::HardLink;
                if is_further { &mut self.further_batch } else { &mut self.batch }.push(item);
                if self.batch.len() >= BATCH || self.further_batch.len() >= BATCH {
                    self.flush();
                }
            }
        }
    }

    fn problem(&mut self, problem: Problem) {
        self.observer.on_event(Event::ProblemFound(problem.clone()));
        self.problems.push(problem);
    }

    fn warning(&mut self, warning: Warning) {
        self.warnings += 1;
        self.observer.on_event(Event::Warned(warning));
    }

    fn journal_failed(&mut self, error: JournalError) {
        self.failed.get_or_insert(error);
    }

    fn has_failed(&self) -> bool {
        self.failed.is_some()
    }
}
