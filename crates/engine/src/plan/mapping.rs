//! What goes where: sources and a destination as the user wrote them, resolved to mappings.
//!
//! The one rule about slashes: a source directory with a slash at its end means its contents,
//! without one it means itself.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use surecopy_fs::{FileKind, FileSystem, FsError, FsErrorKind, RelPath};

use crate::spec::Mapping;

/// Sources and a destination, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The sources. A slash at the end of one counts.
    pub sources: Vec<PathBuf>,
    /// The destination. A slash at its end counts.
    pub destination: PathBuf,
    /// The destination is the target itself, never a directory to put sources into (`-T`).
    pub exact_target: bool,
}

/// Why a request cannot be resolved.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// There is nothing to copy.
    #[error("no source was given")]
    NoSource,
    /// A source or the destination is the empty path, as an unset variable is. Taken for the current
    /// directory, it would have files replaced where nobody meant to write.
    #[error("a path is empty; the current directory is written as .")]
    EmptyPath,
    /// A source does not exist.
    #[error("the source does not exist: {}", path.display())]
    SourceMissing {
        /// The source.
        path: PathBuf,
    },
    /// A source or destination cannot be looked at.
    #[error("cannot look at {}: {source}", path.display())]
    Inaccessible {
        /// The path.
        path: PathBuf,
        /// Why.
        source: FsError,
    },
    /// A slash at the end, but it is not a directory.
    #[error("not a directory, though written with a slash: {}", path.display())]
    SourceNotADirectory {
        /// The source.
        path: PathBuf,
    },
    /// Several sources need a directory to go to.
    #[error(
        "several sources need a directory as destination (write {}/ to create it)",
        path.display()
    )]
    DestinationNotADirectory {
        /// The destination.
        path: PathBuf,
    },
    /// A slash at the end of the destination, but it is a file.
    #[error("the destination is a file, though written with a slash: {}", path.display())]
    DestinationIsAFile {
        /// The destination.
        path: PathBuf,
    },
    /// A directory cannot replace a file.
    #[error("the destination is a file, so a directory cannot be copied there: {}", path.display())]
    DirectoryOntoFile {
        /// The destination.
        path: PathBuf,
    },
    /// A file cannot replace a directory.
    #[error("the destination is a directory, so a file cannot replace it: {}", path.display())]
    FileOntoDirectory {
        /// The destination.
        path: PathBuf,
    },
    /// `-T` names one target.
    #[error("an exact target takes one source, but several were given")]
    ExactTargetForSeveral,
    /// The destination goes through `..` of a directory that does not exist.
    #[error("the destination cannot be resolved: {}", path.display())]
    InvalidDestination {
        /// The destination.
        path: PathBuf,
    },
}

/// Resolves a request by looking at what exists.
pub fn resolve_mappings<F: FileSystem>(
    fs: &F,
    request: &Request,
) -> Result<Vec<Mapping>, MappingError> {
    if request.sources.is_empty() {
        return Err(MappingError::NoSource);
    }
    let mut paths = request.sources.iter().chain([&request.destination]);
    if paths.any(|path| path.as_os_str().is_empty()) {
        return Err(MappingError::EmptyPath);
    }
    let several = request.sources.len() > 1;
    if request.exact_target && several {
        return Err(MappingError::ExactTargetForSeveral);
    }
    let destination = Destination::look(fs, &request.destination)?;
    let into = !request.exact_target
        && (destination.state == DestinationState::Directory || destination.has_slash);
    if several && !into {
        return Err(MappingError::DestinationNotADirectory { path: destination.path });
    }
    request
        .sources
        .iter()
        .map(|source| map_one(fs, Source::look(fs, source)?, &destination, into))
        .collect()
}

/// Resolves a source as written: a directory that exists, and what is meant beneath it.
pub(crate) fn resolve_source<F: FileSystem>(
    fs: &F,
    path: &Path,
) -> Result<(PathBuf, RelPath), MappingError> {
    if path.as_os_str().is_empty() {
        return Err(MappingError::EmptyPath);
    }
    let Source { root, path, .. } = Source::look(fs, path)?;
    Ok((root, path))
}

fn map_one<F: FileSystem>(
    fs: &F,
    source: Source,
    destination: &Destination,
    into: bool,
) -> Result<Mapping, MappingError> {
    let appended = source.path.name().filter(|_| into);
    let target = appended.map_or_else(|| destination.path.clone(), |n| destination.path.join(n));
    if destination.state == DestinationState::Other && source.is_directory {
        return Err(MappingError::DirectoryOntoFile { path: target });
    }
    if destination.state == DestinationState::Directory && !into && !source.is_directory {
        return Err(MappingError::FileOntoDirectory { path: target });
    }
    // What the user typed may lead through links. The name added to it must not: whoever may write
    // to the destination could have put a link there. A file's own target is never entered.
    let may_be_whole = into || source.is_directory;
    let (destination_root, place) = split_existing(fs, &destination.path, may_be_whole)?;
    let target = appended.map_or_else(|| place.clone(), |name| place.join(name));
    Ok(Mapping { source_root: source.root, source: source.path, destination_root, target })
}

struct Source {
    root: PathBuf,
    path: RelPath,
    is_directory: bool,
}

impl Source {
    fn look<F: FileSystem>(fs: &F, path: &Path) -> Result<Self, MappingError> {
        let wants_contents = has_trailing_slash(path) || ends_in_dots(path);
        let name = if wants_contents { None } else { path.file_name() };
        let Some(name) = name else {
            return match fs.open_root(path) {
                Ok(_) => {
                    Ok(Self { root: path.to_owned(), path: RelPath::root(), is_directory: true })
                }
                Err(error) if error.kind == FsErrorKind::NotADirectory => {
                    Err(MappingError::SourceNotADirectory { path: path.to_owned() })
                }
                Err(error) => Err(source_error(error, path)),
            };
        };
        let root = parent_of(path);
        let dir = fs.open_root(&root).map_err(|error| source_error(error, path))?;
        let metadata = fs.metadata_at(&dir, name).map_err(|error| source_error(error, path))?;
        Ok(Self {
            root,
            path: RelPath::root().join(name),
            is_directory: metadata.kind == FileKind::Directory,
        })
    }
}

fn source_error(error: FsError, path: &Path) -> MappingError {
    match error.kind {
        FsErrorKind::NotFound => MappingError::SourceMissing { path: path.to_owned() },
        _ => MappingError::Inaccessible { path: path.to_owned(), source: error },
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DestinationState {
    Missing,
    Directory,
    Other,
}

struct Destination {
    path: PathBuf,
    has_slash: bool,
    state: DestinationState,
}

impl Destination {
    fn look<F: FileSystem>(fs: &F, path: &Path) -> Result<Self, MappingError> {
        let state = match fs.open_root(path) {
            Ok(_) => DestinationState::Directory,
            Err(error) if error.kind == FsErrorKind::NotFound => DestinationState::Missing,
            Err(error) if error.kind == FsErrorKind::NotADirectory => DestinationState::Other,
            Err(source) => {
                return Err(MappingError::Inaccessible { path: path.to_owned(), source });
            }
        };
        let has_slash = has_trailing_slash(path);
        let path = without_trailing_slash(path);
        if has_slash && state == DestinationState::Other {
            return Err(MappingError::DestinationIsAFile { path });
        }
        Ok(Self { path, has_slash, state })
    }
}

/// Splits a path into the deepest directory that exists and the rest.
fn split_existing<F: FileSystem>(
    fs: &F,
    path: &Path,
    may_be_whole: bool,
) -> Result<(PathBuf, RelPath), MappingError> {
    let mut rest: Vec<&OsStr> = Vec::new();
    let mut candidate = path;
    let invalid = || MappingError::InvalidDestination { path: path.to_owned() };
    if !may_be_whole {
        rest.push(path.file_name().ok_or_else(invalid)?);
        candidate = candidate.parent().ok_or_else(invalid)?;
    }
    loop {
        let spelled = if candidate.as_os_str().is_empty() { Path::new(".") } else { candidate };
        match fs.open_root(spelled) {
            Ok(_) => {
                let names = rest.iter().rev().fold(RelPath::root(), |path, name| path.join(name));
                return Ok((spelled.to_owned(), names));
            }
            Err(error) if error.kind == FsErrorKind::NotFound => {
                rest.push(candidate.file_name().ok_or_else(invalid)?);
                candidate = candidate.parent().ok_or_else(invalid)?;
            }
            Err(source) => {
                return Err(MappingError::Inaccessible { path: candidate.to_owned(), source });
            }
        }
    }
}

fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn ends_in_dots(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    let is_dot = bytes == b"." || bytes.ends_with(b"/.");
    is_dot || matches!(path.components().next_back(), Some(Component::ParentDir))
}

fn has_trailing_slash(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes.last().is_some_and(|last| std::path::is_separator(char::from(*last)))
}

/// The same path spelled without slashes at its end; `/` stays `/`.
fn without_trailing_slash(path: &Path) -> PathBuf {
    path.components().collect()
}
