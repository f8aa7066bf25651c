//! The directories in a directory: those that have come, and those that are gone.

use std::collections::HashSet;
use std::ffi::OsStr;

use rusqlite::Connection;
use surecopy_fs::RelPath;

use super::batch::Batch;
use super::packed::Packed;
use crate::error::Outcome;
use crate::names::{self, DirectoryId};

/// Makes rows for directories that were found in another one and are not known, and removes those that
/// are not in it any more.
pub(super) fn write(
    batch: &mut Batch<'_>,
    packed: &Packed,
    directory: DirectoryId,
    has_children: bool,
) -> Outcome<()> {
    let depth = packed.path.depth() + 1;
    let mut missing: HashSet<&OsStr> = packed.directories.iter().map(|name| &**name).collect();
    if has_children {
        let mut gone = Vec::new();
        let sql = "SELECT name, directory FROM directories WHERE parent = ?";
        let mut statement = batch.connection.prepare_cached(sql)?;
        let mut rows = statement.query((directory.0,))?;
        while let Some(row) = rows.next()? {
            let name = surecopy_fs::path_from_bytes(row.get(0)?).unwrap_or_default();
            if !missing.remove(name.as_os_str()) {
                gone.push(DirectoryId(row.get(1)?));
            }
        }
        drop(rows);
        for below in gone {
            remove(batch, below)?;
        }
    }
    for name in &packed.directories {
        if !missing.contains(&**name) {
            continue;
        }
        // What comes in this batch gets its row then, all at once.
        if !batch.coming.contains(&packed.path.join(name)) {
            batch.make(directory, name, depth)?;
        }
    }
    Ok(())
}

/// Removes what is known of a directory that is not there any more.
pub(super) fn remove_at(batch: &mut Batch<'_>, path: &RelPath) -> Outcome<()> {
    // A location itself stays, and nothing is known of it.
    let Some(parent) = path.parent() else { return super::rows::forget(batch, path) };
    let Some(parent_id) = names::at_path(batch.connection, batch.location, &parent)? else {
        return Ok(());
    };
    let name = path.name().unwrap_or_default().as_encoded_bytes();
    if let Some(directory) = names::child(batch.connection, parent_id, name)? {
        remove(batch, directory)?;
        batch.must_renew(parent_id, parent.depth())?;
    }
    Ok(())
}

/// Removes a directory with all that is beneath it.
fn remove(batch: &mut Batch<'_>, directory: DirectoryId) -> Outcome<()> {
    batch.forget_numbers();
    let connection = batch.connection;
    // Deepest last while they are gathered; each is a few bytes, and no names.
    let mut beneath = vec![directory];
    let mut at = 0;
    while let Some(next) = beneath.get(at) {
        let mut found = children_of(connection, *next)?;
        beneath.append(&mut found);
        at += 1;
    }
    for sql in
        ["DELETE FROM listings WHERE directory = ?", "DELETE FROM directories WHERE directory = ?"]
    {
        let mut statement = connection.prepare_cached(sql)?;
        for directory in &beneath {
            statement.execute((directory.0,))?;
        }
    }
    batch.gone += beneath.len() as u64;
    Ok(())
}

fn children_of(connection: &Connection, directory: DirectoryId) -> Outcome<Vec<DirectoryId>> {
    let sql = "SELECT directory FROM directories WHERE parent = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_and_then((directory.0,), |row| Ok(DirectoryId(row.get(0)?)))?;
    rows.collect()
}
