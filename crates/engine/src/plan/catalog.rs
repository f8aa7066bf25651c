//! The seam for what is remembered of sources, so that a directory that has not changed need not be
//! listed again.
//!
//! A catalog is a cache. What it says of an entry steers the scan, and is checked before anything is
//! decided by it; it may be wrong, and a copy is right all the same. Why a directory that was found
//! unchanged tells what stands in it, and does not tell how large that is:
//! `docs/adr/0005-what-is-remembered-of-sources.md`.

use std::ffi::OsString;

use surecopy_fs::{Metadata, Moment, RelPath};

use crate::control::Cancelled;

/// A catalog is not asked to remember what is in a directory with more entries than this: they would all
/// be held at once, where a listing is handed on in parts.
pub const MOST_REMEMBERED_ENTRIES: usize = 16 * 1024;

/// What is remembered of sources, and who is told of what was found.
///
/// Directories are known by the number of their mapping, or of their source in a survey, and their path
/// beneath it. All of it is called from several threads, and none of it may wait for long: a scan waits
/// with it. A catalog that fails says nothing and remembers nothing; that is nobody else's business.
pub trait Catalog: Send + Sync {
    /// All that is in a directory which was found unchanged in this run, whatever a filter makes of it;
    /// `None` when the directory is to be listed. Numbers of volumes are those of this run.
    ///
    /// The directory is neither opened nor listed then. Of a directory with more than
    /// [`MOST_REMEMBERED_ENTRIES`] entries the answer is `None`.
    fn entries(&self, mapping: usize, path: &RelPath) -> Option<Vec<(OsString, Metadata)>>;

    /// How much there is beneath a directory, if all of it was found unchanged in this run. Asked only by a
    /// survey that counts and names nothing; what is beneath it is not gone through then.
    fn sums(&self, mapping: usize, path: &RelPath) -> Option<Sums> {
        let _ = (mapping, path);
        None
    }

    /// What the clocks show. Asked before a directory is looked at that is to be listed, and handed back
    /// with what was found.
    fn now(&self) -> Moment;

    /// A directory, or a part of a large one, was listed.
    fn listed(&self, part: &ListedPart<'_>);

    /// A directory could not be listed.
    fn not_listed(&self, mapping: usize, path: &RelPath);

    /// No more will be told: the scan has come to its end, or was ended early. What is to be done with what
    /// was told is done now, while it is still being scanned for whoever watches.
    fn scanned(&self, is_at_end: bool) {
        let _ = is_at_end;
    }

    /// An entry is not what is remembered of it.
    fn was_otherwise(&self, mapping: usize, path: &RelPath) {
        let _ = (mapping, path);
    }
}

/// Tells a catalog that a scan is over.
pub(crate) fn tell_scanned<T>(catalog: Option<&dyn Catalog>, scanned: &Result<T, Cancelled>) {
    if let Some(catalog) = catalog {
        catalog.scanned(scanned.is_ok());
    }
}

/// How much there is beneath a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Regular files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Directories, without itself.
    pub directories: u64,
    /// Links, pipes, sockets and devices.
    pub others: u64,
}

/// What was found in a directory, or in a part of a large one.
#[derive(Debug, Clone, Copy)]
pub struct ListedPart<'a> {
    /// The number of its mapping.
    pub mapping: usize,
    /// Its path beneath the mapping's source.
    pub path: &'a RelPath,
    /// What the catalog said that it was before the directory was looked at.
    pub began: Moment,
    /// The directory's own metadata, from before its names were listed.
    pub metadata: &'a Metadata,
    /// Which part this is, from 0.
    pub part: usize,
    /// How many parts there are. They are told of in any order, and not all of them when the scan is
    /// ended early.
    pub parts: usize,
    /// All that is in this part, in the order of names, whatever a filter makes of it.
    pub entries: &'a [(OsString, Metadata)],
    /// How many names there are besides that could not be looked at. Nobody knows what they are, so
    /// a directory with any is not to be remembered.
    pub missed: usize,
}
