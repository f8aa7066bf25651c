//! The index for the commands that are about it, which do nothing without one. An index that is broken
//! costs a line here, too, and no more: a new one is begun.

use std::path::{Path, PathBuf};

use surecopy::index::{Index, IndexError, LocationError};

use super::args::IndexArgs;
use crate::commands::talk;
use crate::failure::Failure;
use crate::shown::{Plain, Shown};

/// What there is where the index should be.
pub(crate) enum FoundIndex {
    Index(Index),
    /// Nothing yet.
    None {
        path: PathBuf,
    },
}

impl IndexArgs {
    /// The index, which is made if it is not there.
    pub(crate) fn create(&self) -> Result<Index, Failure> {
        Index::open(&self.needed_path()?).map_err(|error| Failure::of_index(&error))
    }

    /// The index, if there is one.
    pub(crate) fn existing(&self) -> Result<FoundIndex, Failure> {
        let path = self.needed_path()?;
        match Index::open_existing(&path).map_err(|error| Failure::of_index(&error))? {
            Some(index) => Ok(FoundIndex::Index(index)),
            None => Ok(FoundIndex::None { path }),
        }
    }
}

/// Does something with an index, and says what there is to say of it. One that turns out to be damaged is
/// set aside, and the same is done with the new one.
pub(crate) fn with<T>(
    index: Index,
    work: impl Fn(&Index) -> Result<T, LocationError>,
) -> Result<T, Failure> {
    warn(&index);
    let done = match work(&index) {
        Err(LocationError::Index(IndexError::Damaged { .. })) => {
            let index = index.replace_damaged().map_err(|error| Failure::of_index(&error))?;
            warn(&index);
            work(&index)
        }
        done => done,
    };
    done.map_err(|error| Failure::of_location(&error))
}

/// Says what there is to say of how an index was opened.
pub(crate) fn warn(index: &Index) {
    if let Some(notice) = index.notice() {
        talk(&format!("warning: {}", Plain(&notice.to_string())));
    }
}

/// What is said where nothing was ever remembered.
pub(crate) fn no_index(path: &Path) -> String {
    format!("no locations yet: there is no index at {}", Shown(path))
}
