//! Directories of which something turned out to be other than it is remembered, although they have not
//! changed themselves: a file in them was written to.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use surecopy_fs::RelPath;

/// So many are remembered. What is forgotten is found again by the next copy.
const MOST: usize = 4_096;

/// Such directories, each with the number of the place that it lies in.
#[derive(Debug, Default)]
pub(super) struct Otherwise {
    directories: Mutex<HashSet<(usize, RelPath)>>,
}

impl Otherwise {
    pub(super) fn add(&self, place: usize, directory: RelPath) {
        let mut directories = self.directories.lock().unwrap_or_else(PoisonError::into_inner);
        if directories.len() < MOST {
            directories.insert((place, directory));
        }
    }

    /// Those in a place.
    pub(super) fn take(&self, place: usize) -> Vec<RelPath> {
        let mut directories = self.directories.lock().unwrap_or_else(PoisonError::into_inner);
        let taken: Vec<_> = directories.extract_if(|(of, _)| *of == place).collect();
        taken.into_iter().map(|(_, directory)| directory).collect()
    }
}
