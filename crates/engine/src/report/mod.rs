//! What happened: to each item, in sum, as it happens, and in numbers to be polled.

mod corrected;
mod event;
mod item;
mod outcome;
mod progress;
mod share;
mod tally;

pub use corrected::Corrected;
pub use event::{Event, NoObserver, Observer, Phase, Undone, Warning, WarningKind};
pub use item::{
    ItemKind, ItemReport, ItemStatus, ItemTimes, MetadataLoss, MetadataWarning, UnverifiedReason,
};
pub use outcome::{Outcome, Planned, Report};
pub(crate) use progress::WorkerProgress;
pub use progress::{CurrentItem, MAX_WORKERS, Progress, Snapshot, Step};
pub(crate) use share::Share;
pub use tally::Tally;
