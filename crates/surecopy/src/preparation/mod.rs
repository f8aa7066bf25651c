//! Finding out what there is before anything is done with it: at once where it is remembered, and by
//! looking where it is not.
//!
//! A copy goes through the four phases of preparation by itself. [`PrepareRequest`] goes through them and
//! does nothing else:
//!
//! ```
//! # let folder = tempfile::tempdir()?;
//! # let photos = folder.path().join("photos");
//! # std::fs::create_dir(&photos)?;
//! # std::fs::write(photos.join("a.jpg"), "light")?;
//! use surecopy::NoObserver;
//! use surecopy::preparation::PrepareRequest;
//!
//! let index = folder.path().join("index.db");
//! let prepared = PrepareRequest::new([&photos]).index(&index).prepare()?.run(&NoObserver);
//! assert_eq!((prepared.files, prepared.bytes, prepared.is_exact), (1, 5, true));
//!
//! // The next time it is known at once. What has changed since is looked at, and nothing else.
//! let again = PrepareRequest::new([&photos]).index(&index).prepare()?.run(&NoObserver);
//! assert_eq!((again.files, again.estimate.unwrap().files), (1, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod advance;
mod answers;
mod asked;
mod catalog;
mod known;
mod located;
mod look;
mod memory;
mod otherwise;
mod place;
mod remembered;
mod report;
mod request;
mod timings;
mod troubles;

pub use advance::{Advance, HowFar};
pub use asked::PrepareMode;
pub use report::{Estimated, Prepared, PreparedSource};
pub use request::{Preparation, PrepareRequest};

pub(crate) use asked::{Asked, Unknown};
pub(crate) use look::Watched;
pub(crate) use remembered::Remembered;

#[cfg(test)]
mod tests;
