//! The audit log: the chain of its records, reading it, and checking it.

pub(crate) mod chain;
pub(crate) mod ends_check;
pub(crate) mod log;
