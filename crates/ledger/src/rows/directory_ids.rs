//! Numbers for the directories that sources are in.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};
use surecopy_engine::Mapping;
use surecopy_fs::RelPath;

use crate::error::Result;

/// What is kept in memory is thrown away when it is as much as this.
const MANY: usize = 4_096;

/// A directory that has a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Directory {
    pub(crate) id: i64,
    /// It had one before this run began, so something in it may have been copied before.
    pub(crate) is_known: bool,
}

/// The numbers of directories, for the one who writes them.
#[derive(Debug)]
pub(crate) struct DirectoryIds {
    /// The paths that sources have, and where they are given by name in a directory.
    sources: Vec<PathBuf>,
    /// The last number when this run began.
    last_known: i64,
    ids: HashMap<(usize, RelPath), Directory>,
    /// The last that was asked for: its mapping, and its path beneath the source.
    last: Option<(usize, Vec<u8>, Directory)>,
}

impl DirectoryIds {
    pub(crate) fn new(connection: &Connection, mappings: &[Mapping]) -> Result<Self> {
        let sql = "SELECT coalesce(max(directory), 0) FROM directories";
        Ok(Self {
            sources: mappings.iter().map(Mapping::source_path).collect(),
            last_known: connection.query_row(sql, (), |row| row.get(0))?,
            ids: HashMap::new(),
            last: None,
        })
    }

    /// The directory that an entry stands in.
    pub(crate) fn of(
        &mut self,
        connection: &Connection,
        mapping: usize,
        path: &RelPath,
    ) -> Result<Directory> {
        let (above, _) = parts(path);
        if let Some((known, last, found)) = &self.last
            && *known == mapping
            && last == above
            && !path.is_root()
        {
            return Ok(*found);
        }
        let source = self.sources.get(mapping).map_or(Path::new(""), PathBuf::as_path);
        let Some(parent) = path.parent() else {
            return self.number(connection, source.parent().unwrap_or(source));
        };
        let found = self.beneath(connection, (mapping, parent))?;
        self.last = Some((mapping, above.to_owned(), found));
        Ok(found)
    }

    /// A directory beneath a source, or the source itself.
    fn beneath(&mut self, connection: &Connection, key: (usize, RelPath)) -> Result<Directory> {
        if let Some(known) = self.ids.get(&key) {
            return Ok(*known);
        }
        let source = self.sources.get(key.0).map_or(Path::new(""), PathBuf::as_path);
        let found = self.number(connection, &directory(source, &key.1))?;
        if self.ids.len() >= MANY {
            self.ids.clear();
        }
        self.ids.insert(key, found);
        Ok(found)
    }

    fn number(&self, connection: &Connection, path: &Path) -> Result<Directory> {
        let bytes = path.as_os_str().as_encoded_bytes();
        let found = find(connection, bytes)?;
        let id = match found {
            Some(id) => id,
            None => {
                connection
                    .prepare_cached("INSERT INTO directories (path) VALUES (?)")?
                    .execute((bytes,))?;
                connection.last_insert_rowid()
            }
        };
        Ok(Directory { id, is_known: id <= self.last_known })
    }
}

/// The number of a directory that has one.
pub(crate) fn find(connection: &Connection, path: &[u8]) -> Result<Option<i64>> {
    Ok(connection
        .prepare_cached("SELECT directory FROM directories WHERE path = ?")?
        .query_row((path,), |row| row.get(0))
        .optional()?)
}

/// A directory beneath a source.
pub(crate) fn directory(source: &Path, parent: &RelPath) -> PathBuf {
    if parent.is_root() { source.to_owned() } else { source.join(parent.as_path()) }
}

/// The bytes before the last name of a path, and that. Asked for every item, and much faster than by the
/// parts of a path, which no one has written in two ways here.
pub(crate) fn parts(path: &RelPath) -> (&[u8], &[u8]) {
    let whole = path.as_encoded_bytes();
    match whole.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&whole[..at], &whole[at + 1..]),
        None => (&[], whole),
    }
}

/// The name of an entry, which the mapping's own source has as well.
pub(crate) fn name<'a>(mappings: &'a [Mapping], mapping: usize, path: &'a RelPath) -> &'a [u8] {
    if !path.is_root() {
        return parts(path).1;
    }
    let source = mappings.get(mapping).and_then(|mapping| mapping.source.name());
    source.map_or(&[], |name| name.as_encoded_bytes())
}

/// The path of an entry beneath its mapping's source, from its directory and name.
pub(crate) fn path_below(source: &Path, directory: &Path, name: RelPath) -> Result<RelPath> {
    match directory.strip_prefix(source) {
        Ok(parent) => Ok(crate::text::path_text::rel(parent)?.join_path(&name)),
        // The source itself: its directory is the one above it.
        Err(_) => Ok(RelPath::root()),
    }
}
