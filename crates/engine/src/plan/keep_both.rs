//! A free name beside an existing target.

use std::ffi::{OsStr, OsString};

use surecopy_fs::{FileSystem, RelPath};

use super::destination::Place;
use super::planner::Planner;
use crate::error::{ErrorCode, ItemError};
use crate::preflight::Meeting;

impl<F: FileSystem> Planner<'_, F> {
    /// The first of `name (1).ext`, `name (2).ext`, … that nothing has.
    pub(super) fn free_name(
        &mut self,
        target: &RelPath,
        place: &Place,
    ) -> Result<OsString, ItemError> {
        const MOST: u32 = 10_000;
        let exhausted = || {
            let path = self.root.show_target(target);
            ItemError::new(ErrorCode::TargetExists, path, "no free name was found beside it")
        };
        let (_, name) = target.split().ok_or_else(exhausted)?;
        for number in 1..=MOST {
            let candidate = numbered(&name, number);
            if self.is_free(&candidate)
                && self.state.names.note(place, &candidate) == Meeting::First
            {
                return Ok(candidate);
            }
        }
        Err(exhausted())
    }
}

/// `name (1).ext` for `name.ext`; shortened so that it never gets longer than a name may be.
pub(super) fn numbered(name: &OsStr, number: u32) -> OsString {
    let path = std::path::Path::new(name);
    let (stem, extension) = match (path.file_stem(), path.extension()) {
        (Some(stem), Some(extension)) => (stem, Some(extension)),
        _ => (name, None),
    };
    let mut result = OsString::from(stem);
    result.push(format!(" ({number})"));
    if let Some(extension) = extension {
        result.push(".");
        result.push(extension);
    }
    if result.len() > 255 { format!("surecopy ({number})").into() } else { result }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_names_keep_their_extension() {
        for (name, expected) in [
            ("a.txt", "a (2).txt"),
            ("a", "a (2)"),
            (".rc", ".rc (2)"),
            ("a.tar.gz", "a.tar (2).gz"),
        ] {
            assert_eq!(numbered(OsStr::new(name), 2), expected);
        }
        assert!(numbered(OsStr::new(&"x".repeat(254)), 1).len() <= 255);
    }
}
