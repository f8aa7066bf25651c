//! A worker: takes items in order, one at a time, and commits them in groups.
//!
//! `attempt` brings one item from its source to a complete partial file, by way of `content`;
//! `gather` says how long those wait for each other; `group` takes them together through flush,
//! `prove`, publish and directory flush, with a pause between the last two steps and those before, in
//! which they are `announced`; `take` is the loop around all of it, with the retries.

mod announced;
mod attempt;
mod checks;
mod content;
mod earlier;
mod ended;
mod flush;
mod gather;
mod group;
mod handles;
mod hard_link;
mod lost;
mod member;
mod patience;
mod prove;
mod publishing;
mod settle;
mod symlink;
mod take;

pub(crate) use take::Worker;
