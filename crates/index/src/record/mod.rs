//! Writing down what a scan found.

mod batch;
mod children;
mod packed;
mod recorder;
mod rows;
mod totals;
mod writer;

pub use packed::Listed;
pub use recorder::{Recorded, Recorder, ScanEnd};
pub(crate) use totals::renew as add_up;
