//! `surecopy jobs`: the jobs in the ledger, and removing old ones.

mod args;
mod prune;
mod run;
mod table;

pub(crate) use args::JobsArgs;
pub(crate) use run::run;
