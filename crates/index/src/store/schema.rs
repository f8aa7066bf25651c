//! The schema of the database: its version, and what becomes of one of another.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use surecopy_database as database;

use super::connection::in_transaction;
use crate::error::{IndexError, Outcome};

/// What stands in the header of every index (`PRAGMA application_id`): "SCix".
const APPLICATION: i32 = 0x5343_6978;

/// The tables. All that is in an older index can be found out again, so it is built anew rather than
/// brought up to date.
const TABLES: &str = include_str!("schema/0001_tree.sql");

/// The version that this program writes.
const VERSION: u32 = 1;

/// What was found in a file, before anything was written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing, be it that a program ended before it could write.
    Nothing,
    /// An index of this version.
    Current,
    /// An index of an earlier version.
    Older(u32),
}

/// Looks what a database is. What is no index, or a newer one, is an error.
pub(super) fn look(connection: &Connection, path: &Path) -> Outcome<Found> {
    look_for(VERSION, connection, path)
}

fn look_for(known: u32, connection: &Connection, path: &Path) -> Outcome<Found> {
    let path = path.to_owned();
    let found = match database::identify(connection, APPLICATION)? {
        database::Found::Nothing => return Ok(Found::Nothing),
        database::Found::Foreign => {
            let message = "it is a database of another program".to_owned();
            return Err(IndexError::NotAnIndex { path, message }.into());
        }
        database::Found::Version(found) => found,
    };
    match u32::try_from(found) {
        Ok(found) if found == known => Ok(Found::Current),
        Ok(found) if found < known => Ok(Found::Older(found)),
        // It is kept as a signed number.
        _ => {
            let found = u32::try_from(found).unwrap_or(u32::MAX);
            Err(IndexError::Newer { path, found, known }.into())
        }
    }
}

/// Makes the tables of an empty database.
pub(super) fn create(connection: &Connection) -> Outcome<()> {
    create_as(VERSION, TABLES, connection)
}

fn create_as(version: u32, tables: &str, connection: &Connection) -> Outcome<()> {
    in_transaction(connection, || {
        connection.execute_batch(tables)?;
        Ok(database::stamp(connection, APPLICATION, version)?)
    })
}

/// Empties a database of an earlier version, whoever else has it open, and makes the tables anew.
pub(super) fn rebuild(connection: &Connection) -> Outcome<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_RESET_DATABASE, true)?;
    let emptied = connection.execute_batch("VACUUM");
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_RESET_DATABASE, false)?;
    emptied?;
    create(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_index_is_known_as_one_and_built_anew() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("index.db");
        std::fs::write(&path, "").unwrap();
        let connection = crate::store::connection::connect(&path).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        create_as(1, "CREATE TABLE old (x); INSERT INTO old VALUES (1)", &connection).unwrap();
        assert_eq!(look_for(2, &connection, &path).unwrap(), Found::Older(1));
        rebuild(&connection).unwrap();
        assert_eq!(look(&connection, &path).unwrap(), Found::Current);
        let sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'old'";
        assert_eq!(connection.query_row(sql, (), |row| row.get::<_, i64>(0)), Ok(0));
        let mode: String =
            connection.pragma_query_value(None, "journal_mode", |r| r.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }
}
