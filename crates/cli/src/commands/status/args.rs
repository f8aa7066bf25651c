//! The options of `surecopy status`, as typed.

use clap::Args;
use surecopy::jobs::JobId;

use crate::recorded::{LedgerArgs, job_number};

/// Show how far a job has got, and what to do with it
///
/// Without a number, it is the job that runs, or else the latest one.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The number of the job
    #[arg(value_name = "JOB", value_parser = job_number)]
    pub(super) job: Option<JobId>,

    /// Go on showing it until the job ends; the exit status then says how it ended
    #[arg(short, long)]
    pub(super) follow: bool,

    /// Write one JSON object a line to stdout, and nothing else there
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) ledger: LedgerArgs,
}
