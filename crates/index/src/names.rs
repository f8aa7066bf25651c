//! Numbers of directories, and the way to them by name. A path is never compared as text: it is walked
//! from its location's root, name by name.

use std::ffi::OsString;
use std::path::{Component, Path};

use rusqlite::{Connection, OptionalExtension};
use surecopy_fs::RelPath;

use crate::error::{Fault, Outcome};
use crate::location::{self, LocationId};

/// A directory's number in the index. It is never given to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DirectoryId(pub i64);

/// What stands for a parent in the row of a location's root.
pub(crate) fn above_root(location: LocationId) -> DirectoryId {
    DirectoryId(-location.0)
}

/// The directory of a name.
pub(crate) fn child(
    connection: &Connection,
    parent: DirectoryId,
    name: &[u8],
) -> Outcome<Option<DirectoryId>> {
    let sql = "SELECT directory FROM directories WHERE parent = ? AND name = ?";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row((parent.0, name), |row| row.get(0).map(DirectoryId)).optional()?)
}

/// The root of a location.
pub(crate) fn root(connection: &Connection, location: LocationId) -> Outcome<Option<DirectoryId>> {
    child(connection, above_root(location), &[])
}

/// The root of a location that is to be there. One that has none was not left so by us.
pub(crate) fn known_root(connection: &Connection, location: LocationId) -> Outcome<DirectoryId> {
    match root(connection, location)? {
        Some(root) => Ok(root),
        None => {
            location::by_id(connection, location)?;
            Err(Fault::Content("a location has no root"))
        }
    }
}

/// The directory at a path beneath a location's root.
pub(crate) fn at_path(
    connection: &Connection,
    location: LocationId,
    path: &RelPath,
) -> Outcome<Option<DirectoryId>> {
    let mut at = root(connection, location)?;
    for name in path.names() {
        let Some(parent) = at else { break };
        at = child(connection, parent, name.as_encoded_bytes())?;
    }
    Ok(at)
}

/// A name as it stands in the index. Whoever joins it to a path relies on its being one plain name, and
/// a damaged file may hold anything.
pub(crate) fn plain_name(bytes: &[u8]) -> Option<OsString> {
    let name = surecopy_fs::path_from_bytes(bytes.to_vec())?.into_os_string();
    let mut components = Path::new(&name).components();
    match (components.next(), components.next()) {
        (Some(Component::Normal(only)), None) if only == name && !bytes.contains(&0) => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_names() {
        for bytes in [&b""[..], b".", b"..", b"a/b", b"/", b"a/", b"a\0"] {
            assert_eq!(plain_name(bytes), None, "{bytes:?}");
        }
        assert_eq!(plain_name(b"caf\xe9").unwrap().as_encoded_bytes(), b"caf\xe9");
    }
}
