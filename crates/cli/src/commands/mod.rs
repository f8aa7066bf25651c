//! The subcommands, one file or folder each: arguments, one function, printers.

pub(crate) mod audit;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod copy;
pub(crate) mod index;
pub(crate) mod jobs;
pub(crate) mod look_back;
pub(crate) mod man;
pub(crate) mod prepare;
pub(crate) mod resume;
pub(crate) mod status;
mod stdout;
pub(crate) mod watch;

pub(crate) use stdout::{print, talk, written};
