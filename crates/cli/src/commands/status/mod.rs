//! `surecopy status`: one job, once or until it ends.

mod args;
mod follow;
mod run;
mod words;

pub(crate) use args::StatusArgs;
pub(crate) use run::run;
