//! Locations: the roots that are indexed.

use std::path::{Component, Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row, params};
use surecopy_fs::{BootId, FilesystemKind, Moment, RelPath, Timestamp, Volume, VolumeIdentity};

use crate::error::{Fault, IndexError, Outcome};
use crate::names;

/// A location's number. It is never given to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocationId(pub i64);

/// How much of a location is known, as far as that can be said without a look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScanStatus {
    /// All of it, and nothing speaks against it.
    Fresh,
    /// Some of it.
    Partial,
    /// Something is known to have changed.
    Stale,
    /// Nothing, or it was not looked after for a while.
    Unknown,
}

impl ScanStatus {
    const ALL: [ScanStatus; 4] =
        [ScanStatus::Fresh, ScanStatus::Partial, ScanStatus::Stale, ScanStatus::Unknown];

    /// Its stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            ScanStatus::Fresh => "fresh",
            ScanStatus::Partial => "partial",
            ScanStatus::Stale => "stale",
            ScanStatus::Unknown => "unknown",
        }
    }
}

/// An indexed root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Its number.
    pub id: LocationId,
    /// Its absolute path.
    pub path: PathBuf,
    /// The volume that its root is on; `None` where that cannot be known.
    pub volume: Option<VolumeIdentity>,
    /// The number of that volume, which holds as long as it is mounted.
    pub device: u64,
    /// The boot in which that number was looked up.
    pub boot: Option<BootId>,
    /// The kind of file system.
    pub filesystem: &'static FilesystemKind,
    /// When it was added.
    pub added: Timestamp,
    /// When all of it was last scanned.
    pub last_full_scan: Option<Timestamp>,
    /// When it was last found out what is fresh and what is stale.
    pub last_modification_check: Option<Timestamp>,
    /// Until when every change was seen that happened in it.
    pub watched_until: Option<Timestamp>,
    /// How much of it is known.
    pub scan_status: ScanStatus,
}

impl Location {
    /// The part of a path that lies beneath this location; `None` when it does not.
    pub fn beneath(&self, path: &Path) -> Option<RelPath> {
        RelPath::new(path.strip_prefix(&self.path).ok()?).ok()
    }

    /// Whether this is the volume that the location was on when it was last scanned. Without an identity
    /// only the number of a volume that is still mounted tells.
    pub fn is_on(&self, volume: &Volume, boot: Option<BootId>) -> bool {
        match (&self.volume, &volume.identity) {
            (Some(then), Some(now)) => then == now,
            (None, None) => boot.is_some() && self.boot == boot && self.device == volume.id,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
}

const COLUMNS: &str = "location, path, volume, device, boot, filesystem, added, last_full_scan,
    last_modification_check, watched_until, scan_status";

/// Adds a location, with a root of which nothing is known. One that is there already stays as it is.
pub(crate) fn add(
    connection: &Connection,
    path: &Path,
    volume: &Volume,
    now: &Moment,
) -> Outcome<Location> {
    // Somebody may have added it meanwhile.
    if let Some(known) = by_path(connection, path)? {
        return Ok(known);
    }
    let path = plain(path)?;
    let sql = "INSERT INTO locations (path, volume, device, boot, filesystem, added, scan_status)
               VALUES (?, ?, ?, ?, ?, ?, ?)";
    connection.prepare_cached(sql)?.execute(params![
        path.as_os_str().as_encoded_bytes(),
        volume.identity.as_ref().map(VolumeIdentity::as_str),
        volume.id as i64,
        boot_bytes(now.boot),
        volume.filesystem.name,
        millis(now.wall),
        ScanStatus::Unknown.as_str(),
    ])?;
    let location = LocationId(connection.last_insert_rowid());
    let number: i64 = connection.query_row(NEXT_NUMBER, (), |row| row.get(0))?;
    let sql = "INSERT INTO directories (parent, name, directory, location, depth, state)
               VALUES (?, x'', ?, ?, 0, 0)";
    let parent = names::above_root(location).0;
    connection.prepare_cached(sql)?.execute((parent, number, location.0))?;
    by_path(connection, &path)?.ok_or(Fault::Content("a location that was added is not there"))
}

/// Takes the next number for a directory.
pub(crate) const NEXT_NUMBER: &str =
    "UPDATE numbers SET next_directory = next_directory + 1 RETURNING next_directory - 1";

/// Forgets a location and all that is beneath it; says whether it was there.
pub(crate) fn remove(connection: &Connection, location: LocationId) -> Outcome<bool> {
    for sql in [
        "DELETE FROM listings WHERE directory IN
             (SELECT directory FROM directories WHERE location = ?)",
        "DELETE FROM dirty WHERE directory IN
             (SELECT directory FROM directories WHERE location = ?)",
        "DELETE FROM directories WHERE location = ?",
    ] {
        connection.prepare_cached(sql)?.execute((location.0,))?;
    }
    let sql = "DELETE FROM locations WHERE location = ?";
    Ok(connection.prepare_cached(sql)?.execute((location.0,))? > 0)
}

/// Says which volume a location is on now. When it is another, nothing is known of what is on it.
pub(crate) fn set_volume(
    connection: &Connection,
    location: &Location,
    volume: &Volume,
    now: &Moment,
) -> Outcome<()> {
    if !location.is_on(volume, now.boot) {
        // Unknown: what was seen of the other volume must not be taken for this one's.
        let sql = "UPDATE directories SET state = 2 WHERE location = ?";
        connection.prepare_cached(sql)?.execute((location.id.0,))?;
    }
    let sql = "UPDATE locations SET volume = ?, device = ?, boot = ?, filesystem = ?
               WHERE location = ?";
    connection.prepare_cached(sql)?.execute(params![
        volume.identity.as_ref().map(VolumeIdentity::as_str),
        volume.id as i64,
        boot_bytes(now.boot),
        volume.filesystem.name,
        location.id.0,
    ])?;
    Ok(())
}

/// All locations, in the order in which they were added.
pub(crate) fn all(connection: &Connection) -> Outcome<Vec<Location>> {
    let sql = format!("SELECT {COLUMNS} FROM locations ORDER BY location");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_and_then((), from_row)?;
    rows.collect()
}

pub(crate) fn by_id(connection: &Connection, location: LocationId) -> Outcome<Location> {
    let sql = format!("SELECT {COLUMNS} FROM locations WHERE location = ?");
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_row((location.0,), |row| Ok(from_row(row))).optional()?;
    found.unwrap_or(Err(IndexError::NoSuchLocation.into()))
}

/// The location that begins at a path.
pub(crate) fn by_path(connection: &Connection, path: &Path) -> Outcome<Option<Location>> {
    let path = plain(path)?;
    let sql = format!("SELECT {COLUMNS} FROM locations WHERE path = ?");
    let mut statement = connection.prepare_cached(&sql)?;
    let path = path.as_os_str().as_encoded_bytes();
    statement.query_row((path,), |row| Ok(from_row(row))).optional()?.transpose()
}

fn from_row(row: &Row<'_>) -> Outcome<Location> {
    let path = surecopy_fs::path_from_bytes(row.get(1)?);
    let volume: Option<String> = row.get(2)?;
    let volume = volume.map(|text| text.parse()).transpose();
    let boot: Option<Vec<u8>> = row.get(4)?;
    let filesystem: String = row.get(5)?;
    let status: String = row.get(10)?;
    let time = |column| row.get::<_, Option<i64>>(column).map(|at| at.map(from_millis));
    Ok(Location {
        id: LocationId(row.get(0)?),
        path: path.ok_or(Fault::Content("a path that is none"))?,
        volume: volume.map_err(|_| Fault::Content("an identity of a volume that is none"))?,
        device: row.get::<_, i64>(3)? as u64,
        boot: boot.and_then(|bytes| Some(BootId(u128::from_be_bytes(bytes.try_into().ok()?)))),
        filesystem: FilesystemKind::named(&filesystem),
        added: from_millis(row.get(6)?),
        last_full_scan: time(7)?,
        last_modification_check: time(8)?,
        watched_until: time(9)?,
        scan_status: ScanStatus::ALL
            .into_iter()
            .find(|known| known.as_str() == status)
            .ok_or(Fault::Content("a status that is none"))?,
    })
}

/// The same path in one spelling.
fn plain(path: &Path) -> Result<PathBuf, IndexError> {
    let is_plain = path.components().all(|part| !matches!(part, Component::ParentDir));
    if path.is_absolute() && is_plain {
        return Ok(path.components().collect());
    }
    Err(IndexError::NotALocation { path: path.to_owned() })
}

fn boot_bytes(boot: Option<BootId>) -> Option<[u8; 16]> {
    boot.map(|boot| boot.0.to_be_bytes())
}

/// Milliseconds since 1970.
pub(crate) fn millis(time: Timestamp) -> i64 {
    time.secs.saturating_mul(1_000).saturating_add(i64::from(time.nanos / 1_000_000))
}

fn from_millis(millis: i64) -> Timestamp {
    let nanos = u32::try_from(millis.rem_euclid(1_000)).unwrap_or(0) * 1_000_000;
    Timestamp { secs: millis.div_euclid(1_000), nanos }
}
