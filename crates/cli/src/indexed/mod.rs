//! The index, as commands use it: where it is, and how far it is used.

mod args;

pub(crate) use args::{IndexArgs, PreparedFromArgs};
