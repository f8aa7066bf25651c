//! File systems for tests, and the rules that every file system has to keep.
//!
//! [`FakeFs`] is a file system in memory. [`FaultFs`] makes any file system fail at a chosen call.
//! [`CrashFs`] cuts the power at a chosen call and shows what a reboot would find.
//! [`conformance`] holds all of them, and the native one, to one contract. [`tree`] makes trees of
//! odd files, [`differential`] random ones. [`fuzz`] holds parsers against input that nobody has written.
//!
//! Nothing here is part of the product; only tests depend on it.

#![forbid(unsafe_code)]

pub mod conformance;
mod crash;
pub mod differential;
mod fake;
mod fault;
pub mod fuzz;
mod intercept;
mod random;
pub mod tree;

pub use crash::{CrashFs, CrashStyle, PowerCut};
pub use fake::{Entry, EntryContent, FakeDir, FakeFile, FakeFs, VolumeSettings};
pub use fault::{Call, Fault, FaultFs, FaultPlan, Faults, Persistence};
pub use intercept::{Gate, Inner, Intercepted, Verdict};
pub use random::Random;
