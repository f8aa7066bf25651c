//! Where sources lie in an index.

use std::path::{Path, PathBuf};

use surecopy_fs::{FileId, FileKind, FileSystem, FsError, Moment, Node, RelPath};
use surecopy_index::{Index, IndexError, Location};

use super::asked::{Asked, PrepareMode, SourceRoot, Unknown};
use super::known::{Known, Unlocated};
use super::place::Place;

/// Locations that sources lie in, and of each source what is known.
pub(super) struct Located<F: FileSystem> {
    pub(super) places: Vec<Place<F>>,
    pub(super) known: Vec<Result<Known, Unlocated>>,
}

/// Finds sources in an index.
pub(super) fn locate<F: FileSystem>(
    fs: &F,
    index: &Index,
    asked: &Asked,
    sources: &[SourceRoot<'_>],
    now: &Moment,
) -> Result<Located<F>, IndexError> {
    let mut located = Located { places: Vec::new(), known: Vec::new() };
    for source in sources {
        let known = locate_one(fs, index, asked, *source, now, &mut located)?;
        located.known.push(known);
    }
    Ok(located)
}

fn locate_one<F: FileSystem>(
    fs: &F,
    index: &Index,
    asked: &Asked,
    source: SourceRoot<'_>,
    now: &Moment,
    located: &mut Located<F>,
) -> Result<Result<Known, Unlocated>, IndexError> {
    // What cannot be looked at is what the scan will say.
    let Ok(Some((path, id))) = directory_of(fs, source) else {
        return Ok(Err(Unlocated::NoDirectory));
    };
    let Some((location, beneath)) = location_of(fs, index, asked, &path, now)? else {
        return Ok(Err(Unlocated::NoLocation));
    };
    let places = &mut located.places;
    let place = match places.iter().position(|place| place.location.id == location.id) {
        Some(place) => place,
        None => {
            let Some(place) = Place::open(fs, location) else {
                return Ok(Err(Unlocated::NoLocation));
            };
            places.push(place);
            places.len() - 1
        }
    };
    // The path may lead through links, and those of a location do not.
    if places[place].directory(fs, &beneath) != Some(id) {
        return Ok(Err(Unlocated::NoLocation));
    }
    let estimate = match asked.mode {
        PrepareMode::Scan => None,
        PrepareMode::Auto | PrepareMode::IndexOnly => {
            index.estimate_in(places[place].location.id, &beneath)?
        }
    };
    Ok(Ok(Known { place, beneath, estimate, sums: None, validated: None }))
}

/// The location that a directory lies in, which may be made for it.
fn location_of<F: FileSystem>(
    fs: &F,
    index: &Index,
    asked: &Asked,
    path: &Path,
    now: &Moment,
) -> Result<Option<(Location, RelPath)>, IndexError> {
    if let Some(found) = index.location_of(path)? {
        return Ok(Some(found));
    }
    // Somebody who only asks what is known wants nothing to be made.
    if asked.unknown == Unknown::LeftOut || asked.mode == PrepareMode::IndexOnly {
        return Ok(None);
    }
    let Ok(volume) = fs.open_root(path).and_then(|root| fs.volume(&root)) else { return Ok(None) };
    match index.add_location(path, &volume, now) {
        Ok(location) => Ok(Some((location, RelPath::root()))),
        Err(IndexError::NotALocation { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The directory that a source is, by its absolute path, and which one it is; `None` for what is no
/// directory.
fn directory_of<F: FileSystem>(
    fs: &F,
    source: SourceRoot<'_>,
) -> Result<Option<(PathBuf, FileId)>, FsError> {
    let root = fs.open_root(source.root)?;
    let metadata = match source.below.split() {
        None => fs.metadata(Node::Dir(&root))?,
        Some((above, name)) => fs.metadata_at(&fs.open_dir(&root, &above)?, &name)?,
    };
    if metadata.kind != FileKind::Directory {
        return Ok(None);
    }
    let Ok(plain) = surecopy_fs::plain_path(source.root) else { return Ok(None) };
    let path = plain.join(source.below.as_path()).components().collect();
    Ok(Some((path, metadata.id)))
}
