//! A scan that does one thing after another: what the order is, written down once more.

use surecopy_fs::{FileKind, FileSystem, FsError, FsResult, Metadata, Node, RelPath};

use super::{Entry, Place, ScanSink};

/// What fails, besides what fails by itself.
pub(super) type Failing<'a> = &'a dyn Fn(&RelPath, Option<FileKind>) -> Option<FsError>;

pub(super) fn nothing_fails(_: &RelPath, _: Option<FileKind>) -> Option<FsError> {
    None
}

pub(super) fn scan<F: FileSystem>(
    place: &Place<'_, F>,
    failing: Failing<'_>,
    sink: &mut dyn ScanSink,
) {
    let failure = |path: &RelPath, kind| failing(path, kind).map_or(Ok(()), Err);
    let start = match place.mapping.source.split() {
        None => place.fs.metadata(Node::Dir(&place.root)),
        Some((parent, name)) => {
            let dir = place.fs.open_dir(&place.root, &parent);
            dir.and_then(|dir| place.fs.metadata_at(&dir, &name))
        }
    };
    match failure(&RelPath::root(), None).and(start) {
        Err(error) => sink.unreadable(RelPath::root(), None, error),
        Ok(metadata) => {
            let is_directory = metadata.kind == FileKind::Directory;
            if sink.entry(Entry::read(RelPath::root(), metadata)) && is_directory {
                directory(place, failing, &RelPath::root(), sink);
            }
        }
    }
}

fn directory<F: FileSystem>(
    place: &Place<'_, F>,
    failing: Failing<'_>,
    path: &RelPath,
    sink: &mut dyn ScanSink,
) {
    let failure = |path: &RelPath, kind| failing(path, kind).map_or(Ok(()), Err);
    let entries = match failure(path, Some(FileKind::Directory)).and(listed(place, path)) {
        Ok(entries) => entries,
        Err(error) => return sink.unreadable(path.clone(), Some(FileKind::Directory), error),
    };
    let mut directories = Vec::new();
    for (path, metadata) in entries {
        match failure(&path, None).and(metadata) {
            Err(error) if place.filter.admits(&path, false) => sink.unreadable(path, None, error),
            Ok(metadata) if metadata.kind == FileKind::Directory => {
                if place.filter.admits(&path, true) {
                    directories.push(Entry::read(path, metadata));
                }
            }
            Ok(metadata) if place.filter.admits(&path, false) => {
                sink.entry(Entry::read(path, metadata));
            }
            Ok(_) | Err(_) => {}
        }
    }
    directories.retain(|entry| sink.entry(entry.clone()));
    for below in directories {
        directory(place, failing, &below.path, sink);
    }
}

/// What has a name in a directory, by name.
fn listed<F: FileSystem>(
    place: &Place<'_, F>,
    path: &RelPath,
) -> FsResult<Vec<(RelPath, FsResult<Metadata>)>> {
    let dir = place.fs.open_dir(&place.root, &place.mapping.source.join_path(path))?;
    let mut names = place.fs.list(&dir)?;
    names.sort();
    Ok(names.iter().map(|name| (path.join(name), place.fs.metadata_at(&dir, name))).collect())
}
