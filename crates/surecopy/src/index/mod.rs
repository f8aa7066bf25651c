//! The index: what directories held when they were last listed, so that it is known at once what there is.
//!
//! It is a cache in a file of its own, which may be deleted at any time. It holds locations: directories
//! that somebody [added](add), or that were prepared with
//! [`PrepareRequest`](crate::preparation::PrepareRequest), with all that is beneath them. The format is in
//! `docs/formats/index.md`.
//!
//! ```
//! # let folder = tempfile::tempdir()?;
//! # let photos = folder.path().join("photos");
//! # std::fs::create_dir(&photos)?;
//! # std::fs::write(photos.join("a.jpg"), "light")?;
//! use surecopy::Control;
//! use surecopy::index::{self, Check, Index, ValidationProgress};
//! use surecopy::preparation::PrepareRequest;
//!
//! let index = Index::open(&folder.path().join("index.db"))?;
//! index::add(&index, &[index::directory_at(&photos)?])?;
//! PrepareRequest::new([&photos]).index(index.path()).prepare()?.run(&surecopy::NoObserver);
//! for known in index::known(&index)? {
//!     let progress = ValidationProgress::default();
//!     match index::check(&index, &known.location, &Control::new(), &progress)? {
//!         Check::Done(checked) => println!("{} fresh directories", checked.fresh),
//!         Check::NeverScanned | Check::Cancelled => println!("who knows"),
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod locations;
mod size;

pub use check::{Check, CheckError, Checked, check, reach};
pub use locations::{Added, Became, KnownLocation, LocationError, add, directory_at, find, known};
pub use size::size_bytes;

pub use surecopy_index::{
    Confidence, Estimate, Index, IndexError, Location, LocationId, LostReason, Notice, ScanStatus,
    State, Subtrees, ValidationProgress, WatchFact, Watched,
};

pub use crate::watching::{location_of, watch};
