//! Which locations are meant.

use std::path::PathBuf;

use surecopy::index::{KnownLocation, LocationError, find};

use crate::failure::Failure;
use crate::indexed::no_index;
use crate::shown::Shown;

/// Those that are named, each once; all of them when none is.
pub(super) fn chosen(
    known: Vec<KnownLocation>,
    paths: &[PathBuf],
) -> Result<Vec<KnownLocation>, LocationError> {
    if paths.is_empty() {
        return Ok(known);
    }
    let mut chosen: Vec<KnownLocation> = Vec::new();
    for path in paths {
        let found = find(&known, path)?;
        if !chosen.contains(found) {
            chosen.push(found.clone());
        }
    }
    Ok(chosen)
}

/// Where there is no index, there is no location that could be named.
pub(super) fn named_without_index(paths: &[PathBuf], index: &std::path::Path) -> Failure {
    match paths.first() {
        Some(path) => Failure::usage(format!(
            "the index has no location {}: there is no index at {}",
            Shown(path),
            Shown(index)
        )),
        None => Failure::usage(no_index(index)),
    }
}

/// What is said of an index without locations.
pub(super) const NO_LOCATIONS: &str = "no locations yet: surecopy index add PATH adds one";
