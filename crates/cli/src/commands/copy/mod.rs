//! `surecopy copy`: arguments, the request made of them, and the run.

mod args;
mod filters;
mod preserve;
mod request;
mod run;

pub(crate) use args::CopyArgs;
pub(crate) use run::run;
