//! What is done with a job after it was copied: looking at it again, undoing it, giving up what it
//! keeps. Each is a run of its own in the ledger.

use std::fmt;
use std::sync::Arc;

use surecopy_engine::{
    Control, CopySpec, DiscardReport, Environment, Mapping, MemoryWorkList, Observer, Outcome,
    Progress, RecheckReport, UndoReport, discard, recheck, undo,
};
use surecopy_fs::NativeFs;
use surecopy_ledger::{DoneOrder, JobId, JobRun, Ledger, LedgerError, RunKind, Sums};

use super::recorded::while_telling;
use super::resume::{ResumeOptions, spec_of};
use crate::clock::SystemClock;
use crate::error::CopyError;
use crate::machine;

/// A run over what a job has copied, ready to begin. What it does is in its type: see
/// [`verify_job`], [`undo_job`] and [`discard_replaced`].
pub struct LookBack<R> {
    run: JobRun,
    spec: CopySpec,
    control: Control,
    progress: Arc<Progress>,
    work: Work<R>,
}

/// The work itself, and what is recorded of its end.
type Work<R> = fn(&CopySpec, &Environment<'_, NativeFs>, &JobRun) -> Result<R, LedgerError>;

/// What such a run comes to.
pub trait LookBackReport: Default {
    /// How it ended.
    fn outcome(&mut self) -> &mut Outcome;
    /// Items that are well, and items that are not.
    fn sums(&self) -> Sums;
}

impl<R: LookBackReport> LookBack<R> {
    fn new(
        ledger: &Ledger,
        job: JobId,
        kind: RunKind,
        options: &ResumeOptions,
        work: Work<R>,
    ) -> Result<Self, CopyError> {
        let nonce = machine::new_nonce();
        let run = ledger.begin_run(job, kind, nonce)?;
        let spec = spec_of(&run, nonce, options);
        Ok(Self { run, spec, control: Control::new(), progress: Arc::new(Progress::new()), work })
    }

    /// The job's number.
    pub fn id(&self) -> JobId {
        self.run.job()
    }

    /// What the job copied where.
    pub fn mappings(&self) -> &[Mapping] {
        &self.spec.mappings
    }

    /// The switch that pauses, resumes and cancels this run.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// With a switch that was there before the run, in place of its own.
    pub fn controlled_by(self, control: Control) -> Self {
        Self { control, ..self }
    }

    /// The counters of this run.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Does it, on this thread and some of its own, until it has ended.
    pub fn run(self, observer: &dyn Observer) -> R {
        let clock = SystemClock::new();
        let environment = Environment {
            fs: Arc::new(NativeFs::new()),
            clock: &clock,
            journal: &self.run,
            work: &MemoryWorkList::default(),
            history: Some(&self.run),
            catalog: None,
            observer,
            control: &self.control,
            progress: &self.progress,
            resolver: None,
            available_memory_bytes: surecopy_fs::available_memory_bytes(),
        };
        let done = while_telling(&self.run, &self.progress, || {
            (self.work)(&self.spec, &environment, &self.run)
        });
        let mut report = done.unwrap_or_else(|error| {
            let mut report = R::default();
            *report.outcome() = Outcome::JournalFailed(error.to_string());
            report
        });
        let (outcome, sums) = (report.outcome().clone(), report.sums());
        if let Err(error) = self.run.finish_as(outcome, sums)
            && !matches!(report.outcome(), Outcome::JournalFailed(_))
        {
            *report.outcome() = Outcome::JournalFailed(error.to_string());
        }
        report
    }
}

impl<R> fmt::Debug for LookBack<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LookBack").field("run", &self.run).finish_non_exhaustive()
    }
}

/// Looks at everything that a job has copied again, by its content: the targets are read and compared
/// with the digests in the ledger. Sources are not read.
///
/// What is found to be damaged counts as not copied from then on, so [`resume`](super::resume) copies
/// it again.
///
/// # Errors
///
/// There is no such job, it is running, or the ledger cannot be used.
pub fn verify_job(
    ledger: &Ledger,
    job: JobId,
    options: &ResumeOptions,
) -> Result<LookBack<RecheckReport>, CopyError> {
    LookBack::new(ledger, job, RunKind::Verify, options, |spec, environment, run| {
        let mut items = run.done_items(DoneOrder::Standing)?;
        Ok(recheck(spec, environment, &mut items))
    })
}

/// Puts back what a job has replaced, and removes what it made where nothing was. What was changed
/// since stays as it is, and is told.
///
/// # Errors
///
/// As for [`verify_job`]; also when the job was not to keep what it replaced
/// ([`CopyError::NothingKept`]), or what it kept was given up ([`CopyError::GivenUp`]).
pub fn undo_job(
    ledger: &Ledger,
    job: JobId,
    options: &ResumeOptions,
) -> Result<LookBack<UndoReport>, CopyError> {
    can_be_undone(ledger, job)?;
    LookBack::new(ledger, job, RunKind::Undo, options, |spec, environment, run| {
        let mut items = run.done_items(DoneOrder::Backward)?;
        Ok(undo(spec, environment, &mut items, &run.made_directories()?))
    })
}

/// Removes the replaced files that a job keeps. It cannot be undone then.
///
/// # Errors
///
/// As for [`verify_job`]; also when the job was not to keep what it replaced
/// ([`CopyError::NothingKept`]).
pub fn discard_replaced(
    ledger: &Ledger,
    job: JobId,
    options: &ResumeOptions,
) -> Result<LookBack<DiscardReport>, CopyError> {
    keeps_replaced(ledger, job)?;
    LookBack::new(ledger, job, RunKind::Discard, options, |spec, environment, run| {
        let mut items = run.done_items(DoneOrder::Kept)?;
        Ok(discard(spec, environment, &mut items))
    })
}

fn keeps_replaced(ledger: &Ledger, job: JobId) -> Result<(), CopyError> {
    let record = ledger.job(job)?;
    // Of one that somebody is at work on, that is what will be said.
    if record.is_running || record.request?.keep_replaced {
        return Ok(());
    }
    Err(CopyError::NothingKept { job })
}

/// Says why a job cannot be undone, before anything of it is touched.
///
/// # Errors
///
/// It was not to keep what it replaced ([`CopyError::NothingKept`]), what it kept was given up
/// ([`CopyError::GivenUp`]), or the ledger cannot be used.
pub fn can_be_undone(ledger: &Ledger, job: JobId) -> Result<(), CopyError> {
    keeps_replaced(ledger, job)?;
    // Half a job would be undone, and the other half never could be.
    if !ledger.job(job)?.is_running && ledger.has_given_up(job)? {
        return Err(CopyError::GivenUp { job });
    }
    Ok(())
}

impl LookBackReport for RecheckReport {
    fn outcome(&mut self) -> &mut Outcome {
        &mut self.outcome
    }

    fn sums(&self) -> Sums {
        Sums { ok: self.same(), skipped: self.no_digest, failed: self.damaged, ..Sums::default() }
    }
}

impl LookBackReport for UndoReport {
    fn outcome(&mut self) -> &mut Outcome {
        &mut self.outcome
    }

    fn sums(&self) -> Sums {
        Sums {
            ok: self.restored + self.removed,
            skipped: self.already,
            failed: self.refused + self.failed,
            ..Sums::default()
        }
    }
}

impl LookBackReport for DiscardReport {
    fn outcome(&mut self) -> &mut Outcome {
        &mut self.outcome
    }

    fn sums(&self) -> Sums {
        Sums {
            ok: self.discarded,
            skipped: self.already,
            failed: self.refused + self.failed,
            ..Sums::default()
        }
    }
}
