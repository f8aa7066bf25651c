//! Going on with a job.

use surecopy_engine::{CopySpec, Outcome};
use surecopy_fs::{NativeFs, RelPath};
use surecopy_ledger::{JobId, JobRun, Ledger, RunKind, Sums};

use crate::error::CopyError;
use crate::job::Job;
use crate::machine;

/// What may be decided anew when a job is gone on with. Everything else is as it was asked for.
#[derive(Debug, Clone, Default)]
pub struct ResumeOptions {
    /// Other volumes may be mounted than those that the job was begun with.
    pub accept_volume: bool,
    /// Files may be replaced by others of the same path, size and time that have another content.
    pub accept_changed_content: bool,
    /// How many items to work on at once; 0 goes by the number of cores, `None` is as it was.
    pub jobs: Option<u32>,
}

/// Goes on with a job: what is done and still is as it was left stays, everything else is looked at
/// anew and copied where it has to be.
///
/// What the job's process was doing when it died is finished or undone first, when the returned job
/// runs. Sources are scanned anew, so what has appeared in them since is copied too.
///
/// # Errors
///
/// There is no such job, it is running, or the ledger cannot be used.
pub fn resume(ledger: &Ledger, job: JobId, options: &ResumeOptions) -> Result<Job, CopyError> {
    let nonce = machine::new_nonce();
    let run = ledger.begin_run(job, RunKind::Resume, nonce)?;
    let spec = spec_of(&run, nonce, options);
    Ok(Job::recorded(NativeFs::new(), spec, run))
}

/// Tries the failed items of a job again, and those of which not everything was kept that could have been, and
/// nothing else.
///
/// # Errors
///
/// As for [`resume`]; also when nothing of the job has failed ([`CopyError::NothingFailed`]).
pub fn retry(ledger: &Ledger, job: JobId, options: &ResumeOptions) -> Result<Job, CopyError> {
    // Of one that somebody is at work on, nobody can say yet. Asked beforehand, so that nothing is
    // recorded of a run that has nothing to do.
    if !ledger.job(job)?.is_running && is_nothing(&ledger.paths_to_retry(job)?) {
        return Err(CopyError::NothingFailed { job });
    }
    let nonce = machine::new_nonce();
    let run = ledger.begin_run(job, RunKind::Retry, nonce)?;
    // From here on nobody else changes it.
    let failed = run.paths_to_retry()?;
    if is_nothing(&failed) {
        run.finish_as(Outcome::Refused, Sums::default())?;
        return Err(CopyError::NothingFailed { job });
    }
    let mut spec = spec_of(&run, nonce, options);
    // What failed of one source need not have failed of another where it has the same path.
    let own = |paths| spec.filter.clone().only(paths);
    spec.own_filters = failed.into_iter().map(own).collect();
    Ok(Job::recorded(NativeFs::new(), spec, run))
}

fn is_nothing(failed: &[Vec<RelPath>]) -> bool {
    failed.iter().all(Vec::is_empty)
}

/// What was asked for, on this machine as it is now.
pub(super) fn spec_of(run: &JobRun, nonce: u64, options: &ResumeOptions) -> CopySpec {
    let mut spec = run.spec().clone();
    machine::fill(&mut spec);
    spec.nonce = nonce;
    spec.accept_volume = options.accept_volume;
    spec.accept_changed_content |= options.accept_changed_content;
    if let Some(jobs) = options.jobs {
        spec.workers = crate::settings::workers_on_this_machine(u64::from(jobs));
    }
    spec
}
