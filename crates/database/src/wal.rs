//! WAL mode, in which readers and a writer do not wait for each other.

use rusqlite::{Connection, ErrorCode, Result};

use crate::patience::Patience;

/// Puts a database into WAL mode, in which it may be already; returns whether it is in it now. Nobody
/// else opens the database meanwhile.
pub fn use_wal(connection: &Connection) -> Result<bool> {
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    Ok(mode == "wal")
}

/// Puts a new database into WAL mode. Of several programs that do so at once all but one may be told
/// that it is busy, at once and without the busy handler: each has looked at it, and waits for the
/// others to let go.
pub fn use_wal_among_others(connection: &Connection, patience: Patience) -> Result<()> {
    let mut tries = 0;
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(rusqlite::Error::SqliteFailure(failure, _))
                if failure.code == ErrorCode::DatabaseBusy
                    && !is_wal(connection)?
                    && patience.wait(tries) =>
            {
                tries += 1;
            }
            done => return done,
        }
    }
}

fn is_wal(connection: &Connection) -> Result<bool> {
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    Ok(mode == "wal")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_database_comes_to_be_in_wal_mode_and_stays() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("some.db");
        let connection = Connection::open(&path).unwrap();
        assert!(!is_wal(&connection).unwrap());
        use_wal_among_others(&connection, Patience::of_millis(100)).unwrap();
        assert!(is_wal(&connection).unwrap());
        assert!(use_wal(&Connection::open(&path).unwrap()).unwrap());
        // Where there is no file that others could share.
        assert!(!use_wal(&Connection::open_in_memory().unwrap()).unwrap());
    }
}
