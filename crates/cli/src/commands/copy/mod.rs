//! `surecopy copy`: arguments, the request made of them, and the run.

mod args;
mod filters;
mod preserve;
mod renderer;
mod request;
mod run;
mod streams;
mod watch;

pub(crate) use args::CopyArgs;
pub(crate) use run::run;
