//! What happened: to each item, in sum, as it happens, and in numbers to be polled.

mod corrected;
mod event;
mod item;
mod outcome;
mod phase;
mod progress;
mod scan_share;
mod share;
mod tally;

pub use corrected::Corrected;
pub use event::{Event, NoObserver, Observer, Undone, Warning, WarningKind};
pub use item::{
    ItemKind, ItemReport, ItemStatus, ItemTimes, LossCause, MetadataLoss, MetadataWarning,
    UnverifiedReason,
};
pub use outcome::{Lost, Outcome, Planned, Report};
pub use phase::Phase;
pub(crate) use progress::WorkerProgress;
pub use progress::{CurrentItem, Expected, MAX_WORKERS, Progress, Snapshot, Step};
pub(crate) use scan_share::ScanShare;
pub(crate) use share::Share;
pub use tally::Tally;
