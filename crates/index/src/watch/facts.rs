//! What a watch tells of itself, for eyes.

use std::time::Duration;

use crate::location::LocationId;
use crate::stale::Confidence;

/// What has happened in a watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchFact {
    /// Changes in a location are being told from now on. What happened before is going to be looked for.
    Started {
        /// The location.
        location: LocationId,
        /// How many directories are watched.
        directories: u64,
        /// How many are not, since this user may not list them.
        closed: u64,
        /// It is on a network volume: what other machines do there is not told, and is found only by the
        /// looks in between.
        is_network: bool,
    },
    /// Every known directory was looked at.
    Checked {
        /// The location.
        location: LocationId,
        /// Directories that are as they were.
        fresh: u64,
        /// Directories that are to be listed.
        stale: u64,
        /// Directories that are not there any more.
        gone: u64,
        /// How far "fresh" is to be believed.
        confidence: Confidence,
    },
    /// Something changed in directories.
    Marked {
        /// The location.
        location: LocationId,
        /// How many of them the index knows.
        directories: u64,
    },
    /// From now on something may change in a location, or has already, and not be seen. It is unknown
    /// until it is watched and checked again.
    Lost {
        /// The location.
        location: LocationId,
        /// Why.
        reason: LostReason,
        /// How long it rests before it is begun again; `None` when that is as soon as it is there.
        rest: Option<Duration>,
    },
    /// A location that was lost is there, and is begun anew.
    Returned {
        /// The location.
        location: LocationId,
    },
    /// The looks at the directories of a location came to nothing; they are going to be tried again.
    NotChecked {
        /// The location.
        location: LocationId,
        /// Why.
        message: String,
    },
    /// The index could not be written. What is to be written is kept, and tried again.
    Delayed {
        /// Why.
        message: String,
    },
}

impl WatchFact {
    /// The location that it is about; `None` when it is about the index.
    pub fn location(&self) -> Option<LocationId> {
        match self {
            WatchFact::Started { location, .. }
            | WatchFact::Checked { location, .. }
            | WatchFact::Marked { location, .. }
            | WatchFact::Lost { location, .. }
            | WatchFact::Returned { location }
            | WatchFact::NotChecked { location, .. } => Some(*location),
            WatchFact::Delayed { .. } => None,
        }
    }
}

/// Why changes are not seen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LostReason {
    /// Its root cannot be opened.
    #[error("it is not there: {0}")]
    Missing(String),
    /// Another directory has its path.
    #[error("another directory has its path")]
    Replaced,
    /// Another volume than the one that was scanned is there.
    #[error("another volume is there than the one that was scanned")]
    OtherVolume,
    /// Something was mounted or unmounted there or beneath it.
    #[error("something was mounted or unmounted in it")]
    Mounts,
    /// More happened than the system kept.
    #[error("more happened at once than the system keeps")]
    Overflow,
    /// More directories changed than are gathered: all of them are marked.
    #[error("so much changed at once that all of it is to be listed again")]
    TooMuch,
    /// There are more directories than the system lets be watched.
    #[error(
        "there are more directories than can be watched; raise the limit, for instance with \
         `sysctl fs.inotify.max_user_watches=1048576`"
    )]
    TooManyDirectories,
    /// It is no location of the index any more.
    #[error("it was removed from the index")]
    Forgotten,
    /// The system would not tell.
    #[error("{0}")]
    Failed(String),
}
