//! Running something that takes time, and showing it: work on a thread of its own, everything that is
//! seen on another. What the work is, it does not know.

mod again;
mod args;
mod ended;
mod pulse;
mod renderer;
mod stage;
mod streams;
mod watch;

pub(crate) use again::Again;
pub(crate) use args::{OutputArgs, VERBOSE_LISTING};
pub(crate) use ended::{Afterwards, Ended, Scanned, UndoneJob, Verified};
pub(crate) use pulse::pulses_per_second;
pub(crate) use renderer::Renderer;
pub(crate) use stage::Stage;
