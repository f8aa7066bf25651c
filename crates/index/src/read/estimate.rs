//! How much there is beneath a path, as far as the index knows.

use std::path::Path;

use rusqlite::Connection;
use surecopy_fs::RelPath;

use super::values::state_from;
use crate::error::Outcome;
use crate::location::{self, Location, LocationId};
use crate::names::{self, DirectoryId};
use crate::stale::State;

/// What was beneath a directory when it was last scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// The location it lies in.
    pub location: LocationId,
    /// The directory.
    pub directory: DirectoryId,
    /// Files.
    pub files: u64,
    /// Their sizes.
    pub bytes: u64,
    /// Directories, without this one.
    pub directories: u64,
    /// Everything else.
    pub others: u64,
    /// Directories that are known to be there and were never listed, perhaps this one.
    pub unknown_directories: u64,
    /// What is known of the directory itself without a look at it.
    pub state: State,
    /// These are sums over all that was listed. Otherwise somebody is listing, or was killed while doing so,
    /// and has not added it up.
    pub is_added_up: bool,
}

impl Estimate {
    /// Whether everything beneath it was listed, and counts.
    pub fn is_complete(&self) -> bool {
        self.unknown_directories == 0 && self.is_added_up
    }
}

pub(crate) fn nearest_location(
    connection: &Connection,
    path: &Path,
) -> Outcome<Option<(Location, RelPath)>> {
    let locations = location::all(connection)?.into_iter();
    let beneath = locations.filter_map(|location| {
        let beneath = location.beneath(path)?;
        Some((location, beneath))
    });
    Ok(beneath.min_by_key(|(_, beneath)| beneath.depth()))
}

pub(crate) fn estimate(connection: &Connection, path: &Path) -> Outcome<Option<Estimate>> {
    let mut known: Vec<(Location, RelPath)> = location::all(connection)?
        .into_iter()
        .filter_map(|location| location.beneath(path).map(|beneath| (location, beneath)))
        .collect();
    known.sort_by_key(|(_, beneath)| beneath.depth());
    for (location, beneath) in known {
        // Another location may know more of it.
        if let Some(found) = estimate_in(connection, location.id, &beneath)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

pub(crate) fn estimate_in(
    connection: &Connection,
    location: LocationId,
    beneath: &RelPath,
) -> Outcome<Option<Estimate>> {
    match names::at_path(connection, location, beneath)? {
        Some(directory) => of_directory(connection, location, directory),
        None => Ok(None),
    }
}

/// `None` when nothing was ever listed in or beneath it.
fn of_directory(
    connection: &Connection,
    location: LocationId,
    directory: DirectoryId,
) -> Outcome<Option<Estimate>> {
    // Which of those that are not added up are beneath it does not matter: there are none for long.
    let sql =
        "SELECT total_files, total_bytes, total_directories, total_others, total_unknown, state,
                seen IS NULL,
                NOT EXISTS (SELECT 1 FROM dirty JOIN directories AS changed USING (directory)
                            WHERE changed.location = directories.location)
         FROM directories WHERE directory = ?";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row((directory.0,), |row| {
        let estimate = Estimate {
            location,
            directory,
            files: row.get(0)?,
            bytes: row.get(1)?,
            directories: row.get(2)?,
            others: row.get(3)?,
            unknown_directories: row.get(4)?,
            state: state_from(row.get(5)?),
            is_added_up: row.get(7)?,
        };
        let is_empty = row.get::<_, bool>(6)? && estimate.directories == 0;
        Ok((!is_empty).then_some(estimate))
    })?)
}
