//! The rows of one directory: itself and its listing.

use rusqlite::{Connection, OptionalExtension, params};
use surecopy_fs::RelPath;

use super::batch::Batch;
use super::children;
use super::packed::{Counts, Packed};
use crate::error::Outcome;
use crate::names::{self, DirectoryId};

/// What stood in a directory's row before.
struct Before {
    directory: DirectoryId,
    has_listing: bool,
    /// There may be rows of directories in it.
    has_children: bool,
    total: Counts,
    unknown: i64,
}

/// Largest what a column holds.
fn clamped(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Writes down a directory that was listed, and which directories are in it.
pub(super) fn write(batch: &mut Batch<'_>, packed: &Packed) -> Outcome<()> {
    let depth = packed.path.depth();
    let (parent, name) = match packed.path.split() {
        Some((parent, name)) => (batch.number(&parent)?, name),
        None => (names::above_root(batch.location), Default::default()),
    };
    let name = name.as_encoded_bytes();
    let before = before(batch.connection, parent, name)?;
    let directory = match &before {
        Some(before) => before.directory,
        None => batch.take_number(),
    };
    let clock = batch.clocks.number(batch.connection, packed.clock)?;
    let own = &packed.own;
    let has_children = before.as_ref().is_some_and(|before| before.has_children);
    // Without directories in it, its totals are its own numbers, and need no renewal.
    let is_leaf = own.directories == 0 && !has_children;
    let sql = if before.is_some() { UPDATE } else { INSERT };
    batch.connection.prepare_cached(sql)?.execute(params![
        parent.0,
        name,
        directory.0,
        batch.location.0,
        depth,
        &packed.seen.to_bytes()[..],
        packed.began,
        clock,
        packed.rows.len(),
        clamped(own.files),
        clamped(own.bytes),
        clamped(own.directories),
        clamped(own.others),
        is_leaf,
    ])?;
    if before.as_ref().is_some_and(|before| before.has_listing) {
        remove_listing(batch.connection, directory)?;
    }
    let sql = "INSERT INTO listings (directory, part, entries) VALUES (?, ?, ?)";
    let mut statement = batch.connection.prepare_cached(sql)?;
    for (part, bytes) in &packed.rows {
        statement.execute((directory.0, part, bytes))?;
    }
    drop(statement);
    batch.know(packed.path.clone(), directory);
    if !is_leaf {
        children::write(batch, packed, directory, has_children)?;
        batch.must_renew(directory, depth)?;
    } else if depth > 0 && before.is_none_or(|before| before.total != *own || before.unknown != 0) {
        batch.must_renew(parent, depth - 1)?;
    }
    Ok(())
}

fn remove_listing(connection: &Connection, directory: DirectoryId) -> Outcome<()> {
    let sql = "DELETE FROM listings WHERE directory = ?";
    connection.prepare_cached(sql)?.execute((directory.0,))?;
    Ok(())
}

fn before(connection: &Connection, parent: DirectoryId, name: &[u8]) -> Outcome<Option<Before>> {
    let sql = "SELECT directory, parts, seen IS NULL OR own_directories + total_directories > 0,
                      total_files, total_bytes, total_directories, total_others, total_unknown
               FROM directories WHERE parent = ? AND name = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let row = statement.query_row((parent.0, name), |row| {
        Ok(Before {
            directory: DirectoryId(row.get(0)?),
            has_listing: row.get::<_, i64>(1)? > 0,
            has_children: row.get(2)?,
            total: Counts {
                files: row.get(3)?,
                bytes: row.get(4)?,
                directories: row.get(5)?,
                others: row.get(6)?,
            },
            unknown: row.get(7)?,
        })
    });
    Ok(row.optional()?)
}

/// Somebody may have said that it changed after this scan looked at it: that still stands.
const UPDATE: &str = "UPDATE directories SET
        state = CASE WHEN marked >= ?7 THEN state ELSE 0 END,
        seen = ?6, began = ?7, clock = ?8, parts = ?9,
        own_files = ?10, own_bytes = ?11, own_directories = ?12, own_others = ?13,
        total_files = CASE WHEN ?14 THEN ?10 ELSE total_files END,
        total_bytes = CASE WHEN ?14 THEN ?11 ELSE total_bytes END,
        total_directories = CASE WHEN ?14 THEN 0 ELSE total_directories END,
        total_others = CASE WHEN ?14 THEN ?13 ELSE total_others END,
        total_unknown = CASE WHEN ?14 THEN 0 ELSE total_unknown END
    WHERE parent = ?1 AND name = ?2 AND directory = ?3 AND location = ?4 AND depth = ?5";

const INSERT: &str = "INSERT INTO directories
        (parent, name, directory, location, depth, state, seen, began, clock, parts,
         own_files, own_bytes, own_directories, own_others,
         total_files, total_bytes, total_others, total_unknown)
    VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,
            CASE WHEN ?14 THEN ?10 ELSE 0 END,
            CASE WHEN ?14 THEN ?11 ELSE 0 END,
            CASE WHEN ?14 THEN ?13 ELSE 0 END,
            NOT ?14)";

/// A directory could not be listed: what it held does not count, and it stays unknown until it can be.
pub(super) fn forget(batch: &mut Batch<'_>, path: &RelPath) -> Outcome<()> {
    let directory = batch.number(path)?;
    let sql = "UPDATE directories SET state = 2, seen = NULL, parts = 0,
                   own_files = 0, own_bytes = 0, own_directories = 0, own_others = 0
               WHERE directory = ?";
    batch.connection.prepare_cached(sql)?.execute((directory.0,))?;
    remove_listing(batch.connection, directory)?;
    batch.must_renew(directory, path.depth())
}
