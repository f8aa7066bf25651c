//! A job that is ready to run.

use std::fmt;
use std::sync::Arc;

use surecopy_engine::{
    Clock as _, ConflictResolver, Control, CopySpec, Environment, History, Journal, Mapping,
    MappingError, MemoryWorkList, NoJournal, Observer, Outcome, Progress, Report, WorkList,
};
use surecopy_fs::{FileKind, FileSystem, NativeFs};
use surecopy_ledger::{JobId, JobRun};

use crate::clock::SystemClock;
use crate::error::CopyError;
use crate::jobs::pruning::Pruning;
use crate::jobs::recorded;
use crate::preparation::{Asked, Remembered, Watched};

/// A job that is ready to run. Take [`Job::control`] and [`Job::progress`] from it before
/// [`Job::run`] consumes it.
pub struct Job {
    fs: Arc<NativeFs>,
    spec: CopySpec,
    control: Control,
    progress: Arc<Progress>,
    resolver: Option<Box<dyn ConflictResolver>>,
    /// Where it is recorded.
    run: Option<JobRun>,
    /// What is forgotten when it has finished.
    pruning: Option<Pruning>,
    /// What may be remembered of its sources, and where.
    asked: Option<Asked>,
}

impl Job {
    pub(crate) fn new(fs: NativeFs, spec: CopySpec) -> Self {
        Self {
            fs: Arc::new(fs),
            spec,
            control: Control::new(),
            progress: Arc::new(Progress::new()),
            resolver: None,
            run: None,
            pruning: None,
            asked: None,
        }
    }

    /// A run of a job in a ledger.
    pub(crate) fn recorded(fs: NativeFs, spec: CopySpec, run: JobRun) -> Self {
        Self { run: Some(run), ..Self::new(fs, spec) }
    }

    /// Forgets old jobs when this one has finished.
    pub(crate) fn pruning(self, pruning: Pruning) -> Self {
        Self { pruning: Some(pruning), ..self }
    }

    /// Asks an index about the sources first.
    pub(crate) fn prepared_from(self, asked: Option<Asked>) -> Self {
        Self { asked, ..self }
    }

    /// Its number in the ledger; `None` when nothing is recorded of it.
    pub fn id(&self) -> Option<JobId> {
        self.run.as_ref().map(JobRun::job)
    }

    /// What goes where.
    pub fn mappings(&self) -> &[Mapping] {
        &self.spec.mappings
    }

    /// Everything that was asked for, resolved.
    pub fn spec(&self) -> &CopySpec {
        &self.spec
    }

    /// The switch that pauses, resumes and cancels this job. Clones are the same switch.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// With a switch that was there before the job, in place of its own.
    pub fn controlled_by(self, control: Control) -> Self {
        Self { control, ..self }
    }

    /// The counters of this job, to be polled from another thread while it runs.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Who is asked about targets that exist, when the policy is
    /// [`ConflictPolicy::Ask`](crate::ConflictPolicy::Ask).
    pub fn ask(&mut self, resolver: Box<dyn ConflictResolver>) {
        self.resolver = Some(resolver);
    }

    /// Runs the job on this thread and some of its own, until it has ended.
    ///
    /// Failures of single items do not end it; the observer is told of each, and
    /// [`Report::tally`](crate::Report) counts them.
    pub fn run(mut self, observer: &dyn Observer) -> Report {
        let Some(run) = self.run.take() else {
            return self.carry_out(observer, &NoJournal, &MemoryWorkList::default(), None);
        };
        let report = recorded::while_telling(&run, &self.progress, || {
            let history: Option<&dyn History> = if run.is_first() { None } else { Some(&run) };
            self.carry_out(observer, &run, &run, history)
        });
        let report = recorded::finish(run, report);
        if report.outcome == Outcome::Finished
            && let Some(pruning) = &self.pruning
        {
            pruning.prune();
        }
        report
    }

    fn carry_out(
        &self,
        observer: &dyn Observer,
        journal: &dyn Journal,
        work: &dyn WorkList,
        history: Option<&dyn History>,
    ) -> Report {
        let clock = SystemClock::new();
        let watched =
            Watched { observer, clock: &clock, control: &self.control, progress: &self.progress };
        let remembered =
            match Remembered::look_up(&self.fs, &self.spec, self.asked.as_ref(), watched) {
                Ok(remembered) => remembered,
                Err(ended) => return *ended,
            };
        let environment = Environment {
            fs: Arc::clone(&self.fs),
            clock: &clock,
            journal,
            work,
            history,
            catalog: remembered.catalog(),
            observer,
            control: &self.control,
            progress: &self.progress,
            resolver: self.resolver.as_deref(),
            available_memory_bytes: surecopy_fs::available_memory_bytes(),
        };
        let mut report = surecopy_engine::run(&self.spec, &environment);
        report.warnings += remembered.finish(watched);
        report.duration = clock.now();
        report
    }

    /// Whether a source is a directory, or the contents of one.
    pub(crate) fn has_directory_source(&self) -> Result<bool, CopyError> {
        for mapping in self.mappings() {
            let Some(name) = mapping.source.name() else { return Ok(true) };
            let root = self.fs.open_root(&mapping.source_root);
            let metadata = root.and_then(|root| self.fs.metadata_at(&root, name));
            let metadata = metadata.map_err(|source| MappingError::Inaccessible {
                path: mapping.source_path(),
                source,
            })?;
            if metadata.kind == FileKind::Directory {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("spec", &self.spec).finish_non_exhaustive()
    }
}
