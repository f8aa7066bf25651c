//! The seam to what the system tells of changes.

use std::path::{Path, PathBuf};

/// What was told.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Happening {
    /// The entry of this path was written to, got other metadata, went, or came and is no directory.
    Changed(PathBuf),
    /// Something came to this path, or may have, and it may be a directory.
    Came(PathBuf),
    /// More happened than could be told: some of it was not.
    Overflowed,
    /// Nothing more may be told.
    Failed(String),
}

/// Where what happens is to be told: from any thread, and without anything of the source being held.
pub type Hear = Box<dyn Fn(Happening) + Send>;

/// Why a directory is not watched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotWatched {
    /// It is not there any more.
    #[error("it is not there any more")]
    Gone,
    /// This user may not list it.
    #[error("this user may not list it")]
    Closed,
    /// No more directories can be watched.
    #[error("no more directories can be watched")]
    Limit,
    /// Something else.
    #[error("{0}")]
    Failed(String),
}

/// A system that tells what happens in directories.
pub trait EventSource {
    /// What is watched for one location. It ends when this is dropped.
    type Watches: Watches;

    /// Begins with nothing watched.
    fn open(&self, hear: Hear) -> Result<Self::Watches, NotWatched>;

    /// A number that is another one once something was mounted or unmounted at a path or beneath it;
    /// `None` where nothing can be found out.
    fn mount_state(&self, root: &Path) -> Option<u64>;
}

/// What is watched for one location.
pub trait Watches {
    /// Watches a directory, without those in it: what happens to it and its entries is told from now on.
    /// One that is watched already is watched all the same, and once only.
    fn add(&mut self, directory: &Path) -> Result<(), NotWatched>;
}
