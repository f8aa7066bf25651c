//! `surecopy watch`: keeping what the index knows fresh while things change.

mod args;
mod prepare;
mod run;
mod teller;
mod words;

pub(crate) use args::WatchArgs;
pub(crate) use run::run;
