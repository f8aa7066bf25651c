//! What a directory held.

use std::ffi::OsString;

use rusqlite::{Connection, OptionalExtension};
use surecopy_fs::Metadata;

use super::values::seen_from;
use crate::error::{Fault, Outcome};
use crate::listing::decode;
use crate::names::DirectoryId;
use crate::stale::Seen;

pub(crate) fn entries(
    connection: &Connection,
    directory: DirectoryId,
) -> Outcome<Option<Vec<(OsString, Metadata)>>> {
    let sql = "SELECT seen, parts FROM directories WHERE directory = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let row = statement.query_row((directory.0,), |row| {
        Ok((row.get::<_, Option<Vec<u8>>>(0)?, row.get::<_, i64>(1)?))
    });
    let Some((seen, parts)) = row.optional()? else { return Ok(None) };
    let Some(seen) = seen_from(seen.as_deref())? else { return Ok(None) };
    parts_of(connection, directory, &seen, parts).map(Some)
}

fn parts_of(
    connection: &Connection,
    directory: DirectoryId,
    seen: &Seen,
    parts: i64,
) -> Outcome<Vec<(OsString, Metadata)>> {
    let sql = "SELECT part, entries FROM listings WHERE directory = ? ORDER BY part";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query((directory.0,))?;
    let mut found = 0;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        let part = decode(seen, row.get(0)?, bytes);
        let part = part.map_err(|_| Fault::Content("a listing is not that of its directory"))?;
        if found == 0 {
            entries = part;
        } else {
            entries.extend(part);
        }
        found += 1;
    }
    if found == parts { Ok(entries) } else { Err(Fault::Content("a part of a listing is missing")) }
}
