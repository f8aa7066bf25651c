//! Finding out what there is beneath a source.
//!
//! Entries come in a fixed order: a directory before what is in it, names sorted byte by byte,
//! the files of a directory before its subdirectories. Plans, and what later runs know of them, lean
//! on it.
//!
//! One thread hands on what is found. When there is more than a little, others list directories ahead
//! of it, always those that come next in the order, and only as far as a limit allows: neither the tree
//! nor any path of it is held in memory as a whole, and few directories are open at a time, so neither
//! the depth of the tree nor the length of its paths is limited. What is held in any case is the names of
//! the directories that are just listed, since they are to be sorted.

mod ahead;
mod bounds;
mod entry;
mod listing;
mod order;
mod remembered;
mod walk;

#[cfg(test)]
mod tests;

pub(crate) use bounds::Bounds;
pub(crate) use entry::{Entry, Origin, ScanSink};
pub(crate) use walk::{Source, scan};
