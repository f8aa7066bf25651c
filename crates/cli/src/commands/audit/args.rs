//! The options of `surecopy audit`, as typed.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use surecopy::jobs::{ItemState, JobId};

use crate::recorded::{LedgerArgs, job_number};

/// Show what happened to each file of a job
///
/// Of a file that several runs have tried, it is the last attempt that came to something. --verbose and
/// --json have the earlier ones too, with the run, except that --json --state has only what is so.
///
/// Every change of a job is a record in its audit log, which is chained by digest: no record can be
/// altered, removed or put elsewhere without --check telling. Who keeps the last digest elsewhere can
/// also tell whether the whole log was made anew.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// The number of the job
    #[arg(value_name = "JOB", value_parser = job_number)]
    pub(super) job: JobId,

    /// Show only items that are in this state now; refused are those that failed before they could be
    /// planned
    #[arg(long, value_name = "STATE", value_parser = state())]
    pub(super) state: Option<StateArg>,

    /// Show digests too, where replaced files are kept, and earlier attempts
    #[arg(short, long)]
    pub(super) verbose: bool,

    /// Check the audit log, the items by it and the database; show nothing else
    #[arg(long, conflicts_with_all = ["state", "verbose", "export"])]
    pub(super) check: bool,

    /// Write the audit log into a new file, for anybody to check; - is stdout
    #[arg(long, value_name = "FILE", conflicts_with_all = ["state", "verbose", "json"])]
    pub(super) export: Option<PathBuf>,

    /// Write one JSON object a line to stdout, and nothing else there
    #[arg(long, conflicts_with = "verbose")]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) ledger: LedgerArgs,
}

/// Which items are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StateArg {
    Item(ItemState),
    /// Those that have no row among the items.
    Refused,
}

/// The word for those, here and in what is shown.
pub(super) const REFUSED: &str = "refused";

/// Takes every word that is shown.
fn state() -> impl TypedValueParser<Value = StateArg> {
    let words = ItemState::ALL.into_iter().map(ItemState::as_str).chain([REFUSED]);
    PossibleValuesParser::new(words)
        .map(|word| ItemState::from_text(&word).map_or(StateArg::Refused, StateArg::Item))
}
