//! What can be known about a mapping as a whole.

use std::path::Path;

use surecopy_fs::{FileId, FileKind, FileSystem, FsResult, Metadata, Node, Volume};

use crate::error::{ErrorCode, ItemError, Side};
use crate::spec::Mapping;

/// How many levels up a destination is followed before giving up: more than any real tree has.
const MAX_ANCESTORS: usize = 100_000;

/// Everything that speaks against a mapping, whatever is in it.
pub(crate) fn check_job<F: FileSystem>(
    fs: &F,
    mapping: &Mapping,
    source: &Metadata,
    destination_root: &F::Dir,
    volume: &Volume,
) -> Vec<ItemError> {
    let target = mapping.target_path();
    let mut errors = Vec::new();
    if volume.is_read_only {
        let message = format!("the volume ({}) is mounted read-only", volume.filesystem.name);
        errors.push(ItemError::new(ErrorCode::DestinationReadOnly, target.clone(), message));
    }
    if source.kind == FileKind::Directory {
        // What is there already is looked at itself, what is to be made by the directory above it.
        let existing = fs.open_dir(destination_root, &mapping.target).ok();
        match relation(fs, source.id, existing.as_ref().unwrap_or(destination_root)) {
            Ok(Relation::Apart) => {}
            Ok(Relation::Same) if existing.is_some() => errors.push(same_file(&target)),
            Ok(Relation::Same | Relation::Inside) => errors.push(ItemError::new(
                ErrorCode::DestinationInsideSource,
                target,
                "the destination lies inside the source",
            )),
            Err(error) => errors.push(ItemError::from_fs(&error, Side::Destination, target)),
        }
    }
    errors
}

/// The error for a target that is its own source.
pub(crate) fn same_file(target: &Path) -> ItemError {
    ItemError::new(ErrorCode::SameFile, target.to_owned(), "source and target are the same")
}

enum Relation {
    Apart,
    Same,
    Inside,
}

/// The directories of a mapping that are written to and exist: its root, and its target. A scan that
/// meets one of them is about to copy what it copies.
pub(crate) fn own_directories<F: FileSystem>(
    fs: &F,
    destination_root: &F::Dir,
    mapping: &Mapping,
) -> FsResult<Vec<FileId>> {
    let mut own = vec![fs.metadata(Node::Dir(destination_root))?.id];
    if let Ok(target) = fs.open_dir(destination_root, &mapping.target) {
        own.push(fs.metadata(Node::Dir(&target))?.id);
    }
    Ok(own)
}

/// Whether a directory is, or lies inside, the directory with this identity. Identities are
/// compared, not paths, so a link does not hide the answer. A bind mount can: the way up from it
/// leads through the place where it is mounted. The scan meets it as one of [`own_directories`].
fn relation<F: FileSystem>(fs: &F, source: FileId, directory: &F::Dir) -> FsResult<Relation> {
    let mut here = fs.metadata(Node::Dir(directory))?.id;
    if here == source {
        return Ok(Relation::Same);
    }
    let mut above = fs.open_parent(directory)?;
    for _ in 0..MAX_ANCESTORS {
        let id = fs.metadata(Node::Dir(&above))?.id;
        if id == source {
            return Ok(Relation::Inside);
        }
        if id == here {
            return Ok(Relation::Apart);
        }
        here = id;
        above = fs.open_parent(&above)?;
    }
    Ok(Relation::Apart)
}
