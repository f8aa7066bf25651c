//! The subcommands, one file or folder each: arguments, one function, printers.

pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod copy;
pub(crate) mod man;
mod stdout;

pub(crate) use stdout::print;
