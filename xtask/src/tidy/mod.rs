//! The rules of the house that neither the compiler nor clippy checks.
//!
//! Each rule is a function over plain data (a file's path and text, or the list of crate edges),
//! with its table beside it and a failing example in its tests. What a rule forbids, and the files
//! that are excepted with the reason why, stand in that table and nowhere else.

mod code;
mod documents;
mod edges;
mod finding;
mod naming;
mod run;
mod words;

pub(crate) use run::run;
