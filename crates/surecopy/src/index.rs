//! The index: what directories held when they were last listed, so that it is known at once what there is.
//!
//! It is a cache in a file of its own, which may be deleted at any time. It holds locations: directories
//! that somebody added, or that were prepared with [`PrepareRequest`](crate::preparation::PrepareRequest),
//! with all that is beneath them. The format is in `docs/formats/index.md`.

pub use surecopy_index::{
    Confidence, Estimate, Index, IndexError, Location, LocationId, LostReason, Notice, ScanStatus,
    State, Subtrees, WatchFact,
};

pub use crate::watching::{location_of, watch};
