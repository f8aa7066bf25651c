//! Totals: what is beneath each directory, all told. Only what has changed is added up again, from the
//! deepest directories upwards, one directory at a time, so that no tree is held in memory.

use rusqlite::{Connection, OptionalExtension};

use crate::error::Outcome;

/// So many numbers of directories are held at once.
const MANY: usize = 4_096;

/// Brings the totals of all directories up to date.
pub(crate) fn renew(connection: &Connection) -> Outcome<()> {
    let sql = "SELECT max(depth) FROM dirty";
    let deepest: Option<i64> = connection.prepare_cached(sql)?.query_row((), |row| row.get(0))?;
    for depth in (0..=deepest.unwrap_or(-1)).rev() {
        let mut after = i64::MIN;
        loop {
            let directories = dirty(connection, depth, after)?;
            let Some(last) = directories.last() else { break };
            after = *last;
            for directory in directories {
                renew_one(connection, directory, depth)?;
            }
        }
        let sql = "DELETE FROM dirty WHERE depth = ?";
        connection.prepare_cached(sql)?.execute((depth,))?;
    }
    Ok(())
}

fn dirty(connection: &Connection, depth: i64, after: i64) -> Outcome<Vec<i64>> {
    let sql = "SELECT directory FROM dirty WHERE depth = ? AND directory > ?
               ORDER BY directory LIMIT ?";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_and_then((depth, after, MANY), |row| Ok(row.get(0)?))?;
    rows.collect()
}

/// Files, bytes, directories, others, directories that are unknown. Sums stop at the largest number:
/// files with holes can be of any size.
type Sums = [i64; 5];

fn add(into: &mut Sums, other: &Sums) {
    into.iter_mut().zip(other).for_each(|(sum, more)| *sum = sum.saturating_add(*more));
}

fn renew_one(connection: &Connection, directory: i64, depth: i64) -> Outcome<()> {
    let sql = "SELECT parent, name, own_files, own_bytes, 0, own_others, seen IS NULL,
                      total_files, total_bytes, total_directories, total_others, total_unknown
               FROM directories WHERE directory = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let sums = |row: &rusqlite::Row<'_>, at: usize| -> rusqlite::Result<Sums> {
        Ok([row.get(at)?, row.get(at + 1)?, row.get(at + 2)?, row.get(at + 3)?, row.get(at + 4)?])
    };
    let row = statement.query_row((directory,), |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?, sums(row, 2)?, sums(row, 7)?))
    });
    // It may be gone again.
    let Some((parent, name, mut total, before)) = row.optional()? else { return Ok(()) };
    let sql = "SELECT total_files, total_bytes, total_directories, total_others, total_unknown
               FROM directories WHERE parent = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query((directory,))?;
    while let Some(row) = rows.next()? {
        add(&mut total, &sums(row, 0)?);
        add(&mut total, &[0, 0, 1, 0, 0]);
    }
    if total == before {
        return Ok(());
    }
    let sql = "UPDATE directories SET total_files = ?, total_bytes = ?, total_directories = ?,
                   total_others = ?, total_unknown = ?
               WHERE parent = ? AND name = ?";
    let [files, bytes, directories, others, unknown] = total;
    let values = (files, bytes, directories, others, unknown, parent, name);
    connection.prepare_cached(sql)?.execute(values)?;
    if depth > 0 {
        let sql = "INSERT OR IGNORE INTO dirty (depth, directory) VALUES (?, ?)";
        connection.prepare_cached(sql)?.execute((depth - 1, parent))?;
    }
    Ok(())
}
