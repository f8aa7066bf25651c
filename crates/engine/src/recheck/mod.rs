//! Looking again at what a job has copied: is it still there, with the content that was copied?
//!
//! Targets are read as strongly as their volume allows, and nothing is written but facts for the
//! journal. Sources are not looked at: they may have changed, or be gone. What is found is the
//! content's business alone, so that a file with the right bytes is the same whatever its time is; only
//! where no digest was recorded is there nothing but size and time to go by, and then nothing is called
//! verified.

mod look;
mod report;
mod whole;
mod worker;

pub use report::RecheckReport;
pub use whole::recheck;
