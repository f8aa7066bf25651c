//! The schema of the database: its versions, and the way from one to the next.

use std::path::Path;

use rusqlite::Connection;
use surecopy_database::{self as database, Found};

use crate::error::{LedgerError, Result};
use crate::job::JobId;
use crate::store::connection::in_transaction;
use crate::store::slots::Slots;

/// What stands in the header of every ledger (`PRAGMA application_id`): "SCpy".
pub(crate) const APPLICATION: i32 = 0x5343_7079;

/// The migrations, in order: the first leads from an empty file to version 1.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/0001_jobs.sql"),
    include_str!("schema/0002_ends.sql"),
    include_str!("schema/0003_slim_ends.sql"),
    include_str!("schema/0004_incomplete_ends.sql"),
];

/// The view that queries go by.
pub(crate) const ITEM_STATES: &str = include_str!("schema/item_states.sql");

/// The version that this program writes.
pub(crate) const VERSION: u32 = MIGRATIONS.len() as u32;

/// The version of a ledger, 0 for an empty file. What is not one, or a newer one, is an error.
pub(crate) fn look(connection: &Connection, path: &Path) -> Result<u32> {
    match database::identify(connection, APPLICATION)? {
        Found::Nothing => Ok(0),
        Found::Foreign => Err(foreign(path).into()),
        Found::Version(found) => known(found, path),
    }
}

/// Brings the database to the version of this program.
pub(crate) fn migrate(connection: &Connection, path: &Path) -> Result<()> {
    if look(connection, path)? == VERSION {
        return Ok(());
    }
    loop {
        let is_done = in_transaction(connection, || {
            // Another program may have done it in the meantime.
            let version = look(connection, path)?;
            let Some(migration) = MIGRATIONS.get(version as usize) else { return Ok(true) };
            if version > 0 {
                ensure_nobody_is_at_work(connection, path)?;
            }
            connection.execute_batch(migration)?;
            database::stamp(connection, APPLICATION, version + 1)?;
            Ok(false)
        })?;
        if is_done {
            return Ok(());
        }
    }
}

/// Makes sure that no job is worked on by a program that knows the older version only. Whoever begins
/// after this opens the database with the job's slot held, and finds a version that it does not know.
fn ensure_nobody_is_at_work(connection: &Connection, path: &Path) -> Result<()> {
    let slots = Slots::open(path)?;
    let mut statement = connection.prepare("SELECT job FROM jobs")?;
    let mut jobs = statement.query(())?;
    while let Some(row) = jobs.next()? {
        let job = JobId(row.get(0)?);
        if slots.is_taken(job)? {
            return Err(LedgerError::InUse { path: path.to_owned(), job }.into());
        }
    }
    Ok(())
}

/// Checks that the database can be read by this program as it is.
pub(crate) fn check(connection: &Connection, path: &Path) -> Result<()> {
    let found = database::version(connection, APPLICATION)?.ok_or_else(|| foreign(path))?;
    if known(found, path)? < VERSION {
        return Err(LedgerError::ReadOnly { path: path.to_owned() }.into());
    }
    Ok(())
}

fn foreign(path: &Path) -> LedgerError {
    let message = "it is a database of another program".to_owned();
    LedgerError::NotALedger { path: path.to_owned(), message }
}

/// The version of a ledger, which this program has to know.
fn known(found: i32, path: &Path) -> Result<u32> {
    // Nobody has written a negative one.
    let out_of_range = |_| rusqlite::Error::IntegralValueOutOfRange(0, i64::from(found));
    let found = u32::try_from(found).map_err(out_of_range)?;
    if found > VERSION {
        let (path, known) = (path.to_owned(), VERSION);
        return Err(LedgerError::Newer { path, found, known }.into());
    }
    Ok(found)
}
