//! Keeping locations fresh from what the system tells of changes. What it tells marks directories, and
//! nothing else: what is not marked is still looked at before it counts.

mod arming;
mod checking;
mod delay;
mod facts;
mod gathered;
mod native;
mod own_files;
mod pace;
mod place;
mod presence;
mod root;
mod running;
mod source;
mod unmatched;
mod writing;

pub use facts::{LostReason, WatchFact};
pub use native::SystemEvents;
pub use pace::WatchPace;
pub use running::{Watch, Watched};
pub use source::{EventSource, Happening, Hear, NotWatched, Watches};
