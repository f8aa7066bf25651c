//! The index of surecopy: what directories held when they were last listed, in one SQLite database that
//! may be deleted at any time.
//!
//! An [`Index`] holds locations. What a scan found beneath one goes through a [`Recorder`] into it. Later,
//! [`Index::estimate`] says at once how much there is beneath a path, a [`Validation`] finds out which
//! directories are as they were, and [`Index::entries`] gives what those held. The database is described
//! in `docs/formats/index.md`.
//!
//! A [`Watch`] marks what changes in locations, as the system tells of it, for as long as it runs.
//!
//! It is a cache. Nothing that it says of a directory may be relied on until a validation has found that
//! directory fresh, and what it says of files may be old even then: a file that is rewritten in place
//! does not change its directory.

mod error;
mod index;
mod listing;
mod location;
mod names;
mod read;
mod record;
mod stale;
mod store;
mod watch;

pub use error::IndexError;
pub use index::Index;
pub use location::{Location, LocationId, ScanStatus};
pub use names::DirectoryId;
pub use read::Estimate;
pub use record::{Listed, Recorded, Recorder, ScanEnd};
pub use stale::{
    ClockSetting, Confidence, Freshness, Present, Remembered, Seen, StaleDirectory, StaleReason,
    State, Stopped, Subtrees, Validated, Validation, ValidationProgress, judge,
};
pub use store::Notice;
pub use watch::{
    EventSource, Happening, Hear, LostReason, NotWatched, SystemEvents, Watch, WatchFact,
    WatchPace, Watched, Watches,
};
