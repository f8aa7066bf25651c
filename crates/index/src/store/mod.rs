//! The files: the database, its schema, its place, and what happens to one that is broken.

mod broken;
pub(crate) mod connection;
mod opening;
mod place;
mod schema;

pub use opening::Notice;
pub(crate) use opening::{Opened, open, open_unchanged, replace};
pub(crate) use place::{identify, is_there};
