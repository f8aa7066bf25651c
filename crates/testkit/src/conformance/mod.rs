//! The contract of [`FileSystem`](surecopy_fs::FileSystem) as a list of cases, one rule each, for
//! every implementation alike.
//!
//! A case uses nothing but the trait, so what passes here can be trusted by code that knows
//! nothing but the trait; a few need something done that it cannot do, which the [`Lab`] may offer.
//! "Unsupported" is always an allowed answer where the trait allows it, and then the case checks that
//! nothing has changed. Rules about what lies below (signals, devices, power) have no case here.

mod attributes;
mod cache;
mod copying;
mod data;
mod directories;
mod links;
mod names;
mod opening;
mod publishing;
mod run;
mod stage;

pub use run::{Case, Lab, broken_rules, cases, run, run_in};
pub use stage::Stage;
