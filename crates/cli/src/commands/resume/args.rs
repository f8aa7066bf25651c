//! The options of `surecopy resume` and `surecopy retry`, as typed.

use clap::Args;
use surecopy::jobs::{JobId, ResumeOptions};

use crate::recorded::{LedgerArgs, job_number};
use crate::running::OutputArgs;

/// Go on with a job that was interrupted or cancelled
///
/// What is done and still is as it was left stays; everything else is looked at anew and copied where
/// it has to be. The job keeps the options that it was begun with. Without a number it is the latest
/// job that was interrupted, or else the latest one that was cancelled or stopped.
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// The number of the job
    #[arg(value_name = "JOB", value_parser = job_number)]
    pub(super) job: Option<JobId>,

    /// Read first again what is done, as `surecopy verify` does, and copy again what is damaged
    #[arg(long)]
    pub(super) reverify: bool,

    #[command(flatten)]
    pub(super) again: AgainArgs,
}

/// Try the failed items of a job again, and nothing else
///
/// The job keeps the options that it was begun with.
#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    /// The number of the job
    #[arg(value_name = "JOB", value_parser = job_number)]
    pub(super) job: JobId,

    #[command(flatten)]
    pub(super) again: AgainArgs,
}

/// What may be decided anew.
#[derive(Debug, Args)]
pub(super) struct AgainArgs {
    /// Go on though another volume is mounted there than the one that the job was begun with
    #[arg(long)]
    accept_volume: bool,

    /// Replace files that have another content than when they were copied before, though their size
    /// and time are the same
    #[arg(long)]
    accept_changed_content: bool,

    /// How many items to work on at once; 0 goes by the number of cores
    #[arg(short, long, value_name = "N")]
    jobs: Option<u32>,

    #[command(flatten)]
    pub(super) ledger: LedgerArgs,

    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl AgainArgs {
    pub(super) fn options(&self) -> ResumeOptions {
        ResumeOptions {
            accept_volume: self.accept_volume,
            accept_changed_content: self.accept_changed_content,
            jobs: self.jobs,
        }
    }
}
