//! The options of `surecopy jobs`, as typed.

use clap::{Args, Subcommand};

use crate::recorded::LedgerArgs;

/// List the jobs in the ledger, the latest one last
///
/// A job is recorded when it is begun, and stays in the ledger after it has ended: what was asked
/// for, what happened to each file, and what is left to do.
#[derive(Debug, Args)]
pub(crate) struct JobsArgs {
    #[command(subcommand)]
    pub(super) command: Option<JobsCommand>,

    /// List all of them, not only the latest ones and those that are not finished
    #[arg(short, long)]
    pub(super) all: bool,

    /// Write one JSON object a line to stdout, and nothing else there
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) ledger: LedgerArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum JobsCommand {
    Prune(PruneArgs),
}

/// Remove old jobs from the ledger
///
/// Nothing that was copied is touched. Jobs that are not finished stay, and so do those whose
/// replaced files are kept.
#[derive(Debug, Args)]
pub(super) struct PruneArgs {
    /// Remove what ended more than so many days ago; the setting ledger_keep_days without it
    #[arg(long, value_name = "DAYS")]
    pub(super) older_than: Option<u32>,

    /// Show what would be removed and remove nothing
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,

    /// Write one JSON object a line to stdout, and nothing else there
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) ledger: LedgerArgs,
}

impl PruneArgs {
    /// What both take may stand before the name of this command as well.
    pub(super) fn within(self, json: bool, ledger: LedgerArgs) -> Self {
        Self { json: self.json || json, ledger: self.ledger.or(ledger), ..self }
    }
}
