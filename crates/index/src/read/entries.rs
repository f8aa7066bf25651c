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
    let Some(listing) = listing(connection, directory)? else { return Ok(None) };
    parts_of(connection, directory, &listing.seen, listing.parts).map(Some)
}

/// The same, if there are not too many, with the numbers that volumes have now.
pub(crate) fn entries_of_now(
    connection: &Connection,
    directory: DirectoryId,
    root_volume: u64,
    most: u64,
) -> Outcome<Option<Vec<(OsString, Metadata)>>> {
    let Some(listing) = listing(connection, directory)? else { return Ok(None) };
    if u64::try_from(listing.entries).is_ok_and(|entries| entries > most) {
        return Ok(None);
    }
    let mut entries = parts_of(connection, directory, &listing.seen, listing.parts)?;
    let volume = if listing.seen.volume == 0 { root_volume } else { listing.seen.volume };
    for (_, metadata) in &mut entries {
        // Another volume may be mounted on a directory in it. That one is looked at by whoever goes there.
        metadata.id.volume = volume;
    }
    Ok(Some(entries))
}

/// What is known of a listing without reading it.
struct Listing {
    seen: Seen,
    parts: i64,
    entries: i64,
}

fn listing(connection: &Connection, directory: DirectoryId) -> Outcome<Option<Listing>> {
    let sql = "SELECT seen, parts, own_files + own_directories + own_others
               FROM directories WHERE directory = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let row = statement.query_row((directory.0,), |row| {
        Ok((row.get::<_, Option<Vec<u8>>>(0)?, row.get(1)?, row.get(2)?))
    });
    let Some((seen, parts, entries)) = row.optional()? else { return Ok(None) };
    Ok(seen_from(seen.as_deref())?.map(|seen| Listing { seen, parts, entries }))
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
