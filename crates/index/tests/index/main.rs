//! The index from outside: what a scan told it, what it says later, and what becomes of it when its file
//! is broken or somebody else's.
#![expect(clippy::unwrap_used, reason = "what a test cannot go on without ends it")]

mod file;
mod histories;
mod native;
mod scene;
mod sharing;
mod speed;
mod tree;
mod validation;
mod watching;
