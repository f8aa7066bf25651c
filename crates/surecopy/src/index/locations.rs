//! The locations of an index: adding them, and finding the one that is meant.

use std::path::{Path, PathBuf};

use surecopy_fs::{FileSystem, FsError, FsErrorKind, MachineClock, NativeFs, RelPath};
use surecopy_index::{Index, IndexError, Location};

use crate::preparation::Estimated;

/// Why a path cannot become a location, or is none.
#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    /// It is the empty path, as an unset variable is.
    #[error("a path is empty; the current directory is written as .")]
    EmptyPath,
    /// Nothing is there.
    #[error("there is no such directory: {}", path.display())]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// Something else is there.
    #[error("not a directory: {}", path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// It cannot be looked at.
    #[error("cannot look at {}: {source}", path.display())]
    Inaccessible {
        /// The path.
        path: PathBuf,
        /// Why.
        source: FsError,
    },
    /// It would hold what is a location already, and all beneath that would be kept twice.
    #[error(
        "{} holds the location {}; remove that one first, it becomes part of the new one",
        path.display(),
        location.display()
    )]
    HoldsAnother {
        /// The path.
        path: PathBuf,
        /// The location.
        location: PathBuf,
    },
    /// No location is there.
    #[error("the index has no location {}", path.display())]
    NoSuchLocation {
        /// The path.
        path: PathBuf,
    },
    /// It is only a part of a location.
    #[error("{} is no location, but part of the location {}", path.display(), location.display())]
    PartOfAnother {
        /// The path.
        path: PathBuf,
        /// The location.
        location: PathBuf,
    },
    /// The index cannot be used.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// A location, and what was beneath it when it was last scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownLocation {
    /// The location.
    pub location: Location,
    /// How much there was; `None` when nothing of it was ever listed.
    pub estimate: Option<Estimated>,
}

/// All locations, in the order in which they were added. Nothing but the index is looked at.
pub fn known(index: &Index) -> Result<Vec<KnownLocation>, IndexError> {
    let known = |location: Location| {
        let estimate = index.estimate_in(location.id, &RelPath::root())?;
        let estimate = estimate.map(|estimate| Estimated::of([&estimate]));
        Ok(KnownLocation { location, estimate })
    };
    index.locations()?.into_iter().map(known).collect()
}

/// What became of a path that was to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// The path.
    pub path: PathBuf,
    /// What became of it.
    pub became: Became,
}

/// What became of a path that was to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// It is a location now. Nothing is known of it yet.
    New,
    /// It was one before.
    ThereBefore,
    /// Nothing: it is part of this location.
    PartOf(PathBuf),
}

/// The path by which a directory that is there can be a location. It may lead through links.
pub fn directory_at(path: &Path) -> Result<PathBuf, LocationError> {
    if path.as_os_str().is_empty() {
        return Err(LocationError::EmptyPath);
    }
    let fs = NativeFs::new();
    // With a slash, a link at the end is followed.
    fs.open_root(&path.join("")).map_err(|error| match error.kind {
        FsErrorKind::NotFound => LocationError::Missing { path: path.to_owned() },
        FsErrorKind::NotADirectory => LocationError::NotADirectory { path: path.to_owned() },
        _ => LocationError::Inaccessible { path: path.to_owned(), source: error },
    })?;
    surecopy_fs::plain_path(path).map_err(|_| LocationError::Missing { path: path.to_owned() })
}

/// Makes locations of directories, which are paths from [`directory_at`]. All of them are added, or none
/// when one of them cannot be. Nothing is listed: a [`PrepareRequest`](crate::preparation::PrepareRequest)
/// does that.
pub fn add(index: &Index, paths: &[PathBuf]) -> Result<Vec<Added>, LocationError> {
    let locations = index.locations()?.into_iter().map(|location| location.path).collect();
    let added = what_becomes(locations, paths)?;
    let (fs, clock) = (NativeFs::new(), MachineClock::new());
    let volume_of = |path: &Path| {
        let volume = fs.open_root(path).and_then(|root| fs.volume(&root));
        volume.map_err(|source| LocationError::Inaccessible { path: path.to_owned(), source })
    };
    let mut new = Vec::new();
    for Added { path, .. } in added.iter().filter(|added| added.became == Became::New) {
        new.push((path.as_path(), volume_of(path)?));
    }
    if !new.is_empty() {
        index.add_locations(&new, &clock.now())?;
    }
    Ok(added)
}

fn what_becomes(
    mut locations: Vec<PathBuf>,
    paths: &[PathBuf],
) -> Result<Vec<Added>, LocationError> {
    let mut added = Vec::new();
    for path in paths {
        let became = if locations.contains(path) {
            Became::ThereBefore
        } else if let Some(location) = nearest_above(&locations, path) {
            Became::PartOf(location.to_owned())
        } else if let Some(location) = locations.iter().find(|it| it.starts_with(path)) {
            let (path, location) = (path.clone(), location.clone());
            return Err(LocationError::HoldsAnother { path, location });
        } else {
            locations.push(path.clone());
            Became::New
        };
        added.push(Added { path: path.clone(), became });
    }
    Ok(added)
}

fn nearest_above<'a>(locations: &'a [PathBuf], path: &Path) -> Option<&'a Path> {
    let above = locations.iter().filter(|location| path.starts_with(location));
    above.max_by_key(|location| location.components().count()).map(PathBuf::as_path)
}

/// The location that a path names, whether it can be reached or not.
pub fn find<'a>(
    known: &'a [KnownLocation],
    path: &Path,
) -> Result<&'a KnownLocation, LocationError> {
    if path.as_os_str().is_empty() {
        return Err(LocationError::EmptyPath);
    }
    let nothing = || LocationError::NoSuchLocation { path: path.to_owned() };
    let plain = surecopy_fs::plain_path(path).map_err(|_| nothing())?;
    if let Some(found) = known.iter().find(|known| known.location.path == plain) {
        return Ok(found);
    }
    let locations: Vec<PathBuf> = known.iter().map(|known| known.location.path.clone()).collect();
    Err(nearest_above(&locations, &plain).map_or_else(nothing, |location| {
        let location = location.to_owned();
        LocationError::PartOfAnother { path: path.to_owned(), location }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(texts: &[&str]) -> Vec<PathBuf> {
        texts.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn all_are_added_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::open(&folder.path().join("index.db")).unwrap();
        let names = ["one", "two", "gone"];
        let paths = names.map(|name| std::fs::canonicalize(folder.path()).unwrap().join(name));
        for path in &paths {
            std::fs::create_dir(path).unwrap();
        }
        let known = || index.locations().unwrap().into_iter().map(|location| location.path);
        // It goes after it was looked at.
        std::fs::remove_dir(&paths[2]).unwrap();
        let refused = add(&index, &paths);
        assert!(matches!(refused, Err(LocationError::Inaccessible { .. })), "{refused:?}");
        assert_eq!(known().count(), 0);
        // One that the index itself does not take.
        let unfit = [paths[0].clone(), folder.path().join("../")];
        assert!(matches!(add(&index, &unfit), Err(LocationError::Index(_))));
        assert_eq!(known().count(), 0);
        add(&index, &paths[..2]).unwrap();
        assert_eq!(known().collect::<Vec<_>>(), paths[..2]);
    }

    #[test]
    fn nothing_is_kept_twice() {
        let part_of = |location: &str| Became::PartOf(PathBuf::from(location));
        for (locations, asked, expected) in [
            (&[][..], &["/a", "/b"][..], Ok(vec![Became::New, Became::New])),
            (&["/a"], &["/a", "/b"], Ok(vec![Became::ThereBefore, Became::New])),
            (&["/a"], &["/a/b"], Ok(vec![part_of("/a")])),
            // A name that begins like another one lies beside it.
            (&["/a"], &["/ab"], Ok(vec![Became::New])),
            (&["/a", "/a/b"], &["/a/b/c"], Ok(vec![part_of("/a/b")])),
            (&[], &["/a", "/a/b"], Ok(vec![Became::New, part_of("/a")])),
            (&[], &["/a", "/a"], Ok(vec![Became::New, Became::ThereBefore])),
            (&["/a/b"], &["/c", "/a"], Err(())),
            (&[], &["/a/b", "/a"], Err(())),
            (&["/a/b"], &["/"], Err(())),
        ] {
            let found = what_becomes(paths(locations), &paths(asked));
            let found = found.map(|added| added.into_iter().map(|it| it.became).collect());
            assert_eq!(found.map_err(|_| ()), expected, "{locations:?} {asked:?}");
        }
    }
}
