//! `surecopy index`: which directories the index knows, and how much of that still holds.

mod add;
mod args;
mod chosen;
mod list;
mod remove;
mod run;
mod scan;
mod status;
mod table;

pub(crate) use args::IndexCommandArgs;
pub(crate) use run::run;
