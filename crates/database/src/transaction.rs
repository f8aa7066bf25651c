//! How much is written, or read, at once.

use rusqlite::Connection;

/// Carries something out in one transaction, so that all of it is done or nothing. `whose` is what the
/// log calls the database.
pub fn in_transaction<T, E: From<rusqlite::Error>>(
    connection: &Connection,
    whose: &str,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute(())?;
    let done = work().and_then(|value| {
        connection.prepare_cached("COMMIT")?.execute(())?;
        Ok(value)
    });
    if done.is_err()
        && !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK")
    {
        tracing::warn!(%error, "a transaction of the {whose} could not be rolled back");
    }
    done
}

/// Reads more than one thing as all of it was at one moment, whatever is written in the meantime. What
/// is written stays in the log that long, so nobody may be waited for in here.
pub fn in_snapshot<T, E: From<rusqlite::Error>>(
    connection: &Connection,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let transaction = connection.unchecked_transaction()?;
    let read = work();
    transaction.finish()?;
    read
}

#[cfg(test)]
mod tests {
    use rusqlite::Error;

    use super::*;

    fn rows(connection: &Connection) -> i64 {
        connection.query_row("SELECT count(*) FROM some", (), |row| row.get(0)).unwrap()
    }

    #[test]
    fn all_of_it_is_done_or_nothing() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE some (x UNIQUE)").unwrap();
        let add = |x: i64| connection.execute("INSERT INTO some VALUES (?)", (x,));
        let add_all =
            |xs: &[i64]| xs.iter().try_for_each(|x| add(*x).map(|_| ())).map(|()| xs.len());
        assert_eq!(in_transaction(&connection, "test", || add_all(&[1, 2])), Ok(2));
        assert!(in_transaction(&connection, "test", || add_all(&[3, 1])).is_err());
        assert!(connection.is_autocommit());
        assert_eq!(rows(&connection), 2);
    }

    #[test]
    fn what_is_read_at_once_is_of_one_moment() {
        let temp = tempfile::tempdir().unwrap();
        let connect = || Connection::open(temp.path().join("some.db")).unwrap();
        let (reader, writer) = (connect(), connect());
        writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE some (x)").unwrap();
        let read = in_snapshot(&reader, || {
            let before = rows(&reader);
            writer.execute("INSERT INTO some VALUES (1)", ())?;
            Ok::<_, Error>((before, rows(&reader)))
        });
        assert_eq!(read, Ok((0, 0)));
        assert_eq!(rows(&reader), 1);
    }
}
