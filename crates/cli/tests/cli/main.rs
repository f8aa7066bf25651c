//! What a user of the program sees: output, exit status, and what is on disk afterwards. Every test
//! runs the built program in a folder of its own, with an environment of its own.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without ends it")]

mod afterwards;
mod at_work;
mod audit;
mod config;
mod conflicts;
mod contract;
mod differential;
mod dry_run;
mod exit;
mod filters;
mod fuzz;
mod help;
mod index;
mod json;
mod ledger;
mod names;
mod next;
mod odd_files;
mod options;
mod output;
mod permissions;
mod prepared;
mod program;
mod pty;
mod recorded;
mod signals;
mod slashes;
mod terminal;
mod undo;
mod unreadable;
mod usage;
mod verify;
mod watch;
