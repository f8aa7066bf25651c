//! `surecopy resume` and `surecopy retry`: going on with a job that is in the ledger.

mod args;
mod run;

pub(crate) use args::{ResumeArgs, RetryArgs};
pub(crate) use run::{resume, retry};
