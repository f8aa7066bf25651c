//! `surecopy audit`: what happened to each file of a job, and whether the record of it is whole.

mod args;
mod check;
mod export;
mod list;
mod run;

pub(crate) use args::AuditArgs;
pub(crate) use run::run;
