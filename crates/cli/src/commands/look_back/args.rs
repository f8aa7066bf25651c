//! The options of `surecopy verify` and `surecopy undo`, as typed.

use clap::Args;
use surecopy::jobs::{JobId, ResumeOptions};

use crate::recorded::{LedgerArgs, job_number};
use crate::running::OutputArgs;

/// Read again what a job has copied, and compare it with the digests in the ledger
///
/// Sources are not read. What differs, or is gone, is copied again by `surecopy resume`. A file
/// without a digest is not verified: of that it is said only whether it is as large and as old as it
/// was.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The number of the job
    #[arg(value_name = "JOB", value_parser = job_number)]
    pub(super) job: JobId,

    #[command(flatten)]
    pub(super) again: LookBackArgs,
}

/// Put back what a job has replaced, and remove what it made where nothing was
///
/// The job must have been run with --keep-replaced. What was changed since stays as it is, and is
/// told.
#[derive(Debug, Args)]
pub(crate) struct UndoArgs {
    /// The number of the job
    #[arg(value_name = "JOB", value_parser = job_number)]
    pub(super) job: JobId,

    /// Show what would be done, by what is recorded, and do nothing
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,

    /// Undo nothing: remove the replaced files that are kept. The job cannot be undone then
    #[arg(long)]
    pub(super) discard: bool,

    #[command(flatten)]
    pub(super) again: LookBackArgs,
}

/// What both take.
#[derive(Debug, Args)]
pub(super) struct LookBackArgs {
    /// Go on though another volume is mounted there than the one that was copied to
    #[arg(long)]
    accept_volume: bool,

    /// How many items to work on at once; 0 goes by the number of cores
    #[arg(short, long, value_name = "N")]
    jobs: Option<u32>,

    #[command(flatten)]
    pub(super) ledger: LedgerArgs,

    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl LookBackArgs {
    pub(super) fn options(&self) -> ResumeOptions {
        ResumeOptions {
            accept_volume: self.accept_volume,
            jobs: self.jobs,
            ..ResumeOptions::default()
        }
    }
}
