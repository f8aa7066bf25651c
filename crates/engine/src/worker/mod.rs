//! A worker: takes items in order, one at a time, and commits them in groups.
//!
//! `attempt` brings one item from its source to a complete partial file, by way of `content`;
//! `group` takes complete partial files together through flush, `prove`, publish and directory
//! flush; `take` is the loop around both, with the retries.

mod attempt;
mod checks;
mod content;
mod earlier;
mod flush;
mod group;
mod handles;
mod hard_link;
mod member;
mod patience;
mod prove;
mod publishing;
mod symlink;
mod take;

pub(crate) use take::Worker;
