//! Whether what is remembered still holds: a rule, and its application to all of a tree.

mod clock;
mod confidence;
mod found;
mod mark;
mod progress;
mod queue;
mod rule;
mod seen;
mod subtrees;
mod validate;

pub use clock::ClockSetting;
pub(crate) use clock::Clocks;
pub use confidence::Confidence;
pub use found::{StaleDirectory, Validated};
pub(crate) use mark::{mark, mark_found};
pub use progress::ValidationProgress;
pub use rule::{Freshness, Present, Remembered, StaleReason, State, judge};
pub use seen::Seen;
pub use subtrees::Subtrees;
pub use validate::{Stopped, Validation};
