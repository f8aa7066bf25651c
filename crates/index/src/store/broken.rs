//! Setting aside a database that is broken. It is kept, under another name, for whoever wants to know
//! how it came to that.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use surecopy_database::beside;

use super::place::{BESIDE, Place, refused};
use crate::error::IndexError;

/// So many may be set aside within one second.
const TRIES: u32 = 100;

/// Gives the database another name, with what SQLite keeps beside it, and returns that. Whoever still
/// has it open goes on with it there: SQLite sees that it was moved and leaves the new one's files alone.
pub(super) fn set_aside(place: &Place) -> Result<PathBuf, IndexError> {
    let now = surecopy_fs::wall_clock().secs;
    let mut suffix = format!(".broken-{now}");
    for nth in 1..=TRIES {
        match rename(&place.path, "", &suffix) {
            // Only then what belongs to it: who finds no database finds out that it is to be made, and
            // has to wait for that.
            Ok(()) => {
                for file in BESIDE {
                    set_beside(place, file, &suffix)?;
                }
                return Ok(beside(&place.path, &suffix));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                suffix = format!(".broken-{now}-{nth}");
            }
            Err(error) => return Err(refused(&place.path, &error)),
        }
    }
    let message = "a broken one cannot be set aside".to_owned();
    Err(IndexError::Io { path: place.path.clone(), message })
}

fn set_beside(place: &Place, beside: &str, suffix: &str) -> Result<(), IndexError> {
    if !place.has_beside(beside)? {
        return Ok(());
    }
    let set = rename(&place.path, beside, suffix);
    set.map_err(|error| refused(&place.path, &error))
}

/// `index.db-wal` becomes `index.db.broken-…-wal`, so that it still belongs to its database.
fn rename(path: &Path, beside: &str, suffix: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default();
    let named = |parts: &[&str]| {
        let mut name: OsString = name.to_owned();
        parts.iter().for_each(|part| name.push(part));
        name
    };
    let folder = path.parent().unwrap_or(Path::new("/"));
    surecopy_fs::publish_new_at(folder, &named(&[beside]), &named(&[suffix, beside]))
}
