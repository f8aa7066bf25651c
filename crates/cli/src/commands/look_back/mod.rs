//! `surecopy verify` and `surecopy undo`: what is done with a job after it was copied.

mod args;
mod dry_run;
mod run;
mod twice;

pub(crate) use args::{UndoArgs, VerifyArgs};
pub(crate) use run::{undo, verify, verify_in};
