//! Whose a database is, and of which version: two numbers in its header.

use rusqlite::{Connection, Result};

/// What a database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing yet, be it that a program ended before it could write.
    Nothing,
    /// That of another program.
    Foreign,
    /// The one that was looked for, of this version.
    Version(i32),
}

/// Looks what a database is, before anything is written to it. `application` is what stands in the
/// header of those that are looked for (`PRAGMA application_id`).
pub fn identify(connection: &Connection, application: i32) -> Result<Found> {
    if is_new(connection)? {
        return Ok(Found::Nothing);
    }
    Ok(version(connection, application)?.map_or(Found::Foreign, Found::Version))
}

/// Whether nothing has been written yet.
fn is_new(connection: &Connection) -> Result<bool> {
    let sql = "SELECT (SELECT application_id FROM pragma_application_id) = 0
                  AND (SELECT user_version FROM pragma_user_version) = 0
                  AND NOT EXISTS (SELECT 1 FROM sqlite_schema)";
    connection.query_row(sql, (), |row| row.get(0))
}

/// The version of a database (`PRAGMA user_version`), which is kept as a signed number; `None` when it
/// is another program's.
pub fn version(connection: &Connection, application: i32) -> Result<Option<i32>> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    if pragma("application_id")? != application {
        return Ok(None);
    }
    pragma("user_version").map(Some)
}

/// Writes down whose a database is, and of which version; in the transaction that makes it so.
pub fn stamp(connection: &Connection, application: i32, version: u32) -> Result<()> {
    connection.pragma_update(None, "application_id", application)?;
    connection.pragma_update(None, "user_version", version)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: i32 = 0x5343_0001;

    #[test]
    fn a_database_says_whose_it_is() {
        let connection = Connection::open_in_memory().unwrap();
        let found = || identify(&connection, OURS).unwrap();
        assert_eq!(found(), Found::Nothing);
        assert_eq!(version(&connection, OURS).unwrap(), None);
        connection.execute_batch("CREATE TABLE theirs (x)").unwrap();
        assert_eq!(found(), Found::Foreign);
        stamp(&connection, OURS, 3).unwrap();
        assert_eq!(found(), Found::Version(3));
        stamp(&connection, OURS + 1, 3).unwrap();
        assert_eq!(found(), Found::Foreign);
        connection.pragma_update(None, "application_id", OURS).unwrap();
        connection.pragma_update(None, "user_version", -1).unwrap();
        assert_eq!(found(), Found::Version(-1));
    }

    #[test]
    fn a_number_alone_makes_a_database_that_is_not_new() {
        let connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        assert_eq!(identify(&connection, OURS).unwrap(), Found::Foreign);
    }
}
