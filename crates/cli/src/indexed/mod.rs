//! The index, as commands use it: where it is, how far it is used, and what is said of what it knows.

mod args;
mod place;
mod words;

pub(crate) use args::{IndexArgs, PreparedFromArgs};
pub(crate) use place::{FoundIndex, no_index, warn, with};
pub(crate) use words::{millis, standing, when};
