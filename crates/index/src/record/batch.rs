//! One batch, within a transaction: which directory has which number, and what is to be done for each.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;

use rusqlite::Connection;
use surecopy_fs::RelPath;

use super::children;
use super::rows;
use super::writer::Message;
use crate::error::{IndexError, Outcome};
use crate::location::LocationId;
use crate::names::{self, DirectoryId};
use crate::stale::Clocks;

/// What is known while a batch is written. Nobody else writes in the meantime; what is known of one batch
/// need not hold in the next.
pub(super) struct Batch<'a> {
    pub(super) connection: &'a Connection,
    pub(super) location: LocationId,
    pub(super) clocks: &'a mut Clocks,
    /// Directories that have a number.
    known: HashMap<RelPath, DirectoryId>,
    /// Directories that are going to be written in this batch.
    pub(super) coming: HashSet<RelPath>,
    /// Directories whose totals are known to be renewed.
    dirty: HashSet<DirectoryId>,
    next_number: i64,
    pub(super) gone: u64,
}

/// Writes a batch; returns how many directories were listed, and how many are gone.
pub(super) fn write(
    connection: &Connection,
    location: LocationId,
    clocks: &mut Clocks,
    mut messages: Vec<Message>,
) -> Outcome<(u64, u64)> {
    let root = names::known_root(connection, location)?;
    let sql = "SELECT next_directory FROM numbers";
    let next_number = connection.prepare_cached(sql)?.query_row((), |row| row.get(0))?;
    // A directory before those in it, so that fewer rows are made first and filled later.
    messages.sort_by_cached_key(|message| message.path().depth());
    let mut batch = Batch {
        connection,
        location,
        clocks,
        known: HashMap::from([(RelPath::root(), root)]),
        coming: messages.iter().map(|message| message.path().clone()).collect(),
        dirty: HashSet::new(),
        next_number,
        gone: 0,
    };
    let mut directories = 0;
    for message in messages {
        match message {
            Message::Listed(packed) => {
                batch.coming.remove(&packed.path);
                rows::write(&mut batch, &packed)?;
                directories += 1;
            }
            Message::Gone(path) => children::remove_at(&mut batch, &path)?,
            Message::Unreadable(path) => {
                batch.coming.remove(&path);
                rows::forget(&mut batch, &path)?;
            }
        }
    }
    let sql = "UPDATE numbers SET next_directory = ?";
    connection.prepare_cached(sql)?.execute((batch.next_number,))?;
    Ok((directories, batch.gone))
}

impl Batch<'_> {
    /// The number of a directory, which gets a row if it has none, and those above it.
    pub(super) fn number(&mut self, path: &RelPath) -> Outcome<DirectoryId> {
        if let Some(known) = self.known.get(path) {
            return Ok(*known);
        }
        let (parent, name) = path.split().ok_or(IndexError::NoSuchLocation)?;
        let parent = self.number(&parent)?;
        let found = names::child(self.connection, parent, name.as_encoded_bytes())?;
        let number = match found {
            Some(number) => number,
            None => {
                let number = self.make(parent, &name, path.depth())?;
                self.must_renew(parent, path.depth() - 1)?;
                number
            }
        };
        self.know(path.clone(), number);
        Ok(number)
    }

    pub(super) fn know(&mut self, path: RelPath, number: DirectoryId) {
        self.known.insert(path, number);
    }

    /// Directories have gone, and which ones are among those that are known is not looked up.
    pub(super) fn forget_numbers(&mut self) {
        self.known.retain(|path, _| path.is_root());
    }

    pub(super) fn take_number(&mut self) -> DirectoryId {
        let number = DirectoryId(self.next_number);
        self.next_number += 1;
        number
    }

    /// Makes the row of a directory of which only the name is known.
    pub(super) fn make(
        &mut self,
        parent: DirectoryId,
        name: &OsStr,
        depth: usize,
    ) -> Outcome<DirectoryId> {
        let number = self.take_number();
        let sql = "INSERT INTO directories (parent, name, directory, location, depth, state)
                   VALUES (?, ?, ?, ?, ?, 0)";
        let name = name.as_encoded_bytes();
        let values = (parent.0, name, number.0, self.location.0, depth);
        self.connection.prepare_cached(sql)?.execute(values)?;
        Ok(number)
    }

    /// The totals of a directory are to be renewed, and then those above it.
    pub(super) fn must_renew(&mut self, directory: DirectoryId, depth: usize) -> Outcome<()> {
        if self.dirty.insert(directory) {
            let sql = "INSERT OR IGNORE INTO dirty (depth, directory) VALUES (?, ?)";
            self.connection.prepare_cached(sql)?.execute((depth, directory.0))?;
        }
        Ok(())
    }
}
