//! `surecopy prepare`: the preparation of a copy by itself.

mod args;
mod run;

pub(crate) use args::PrepareArgs;
pub(crate) use run::run;
