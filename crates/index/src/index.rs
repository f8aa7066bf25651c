//! An index: its locations, what is known beneath them, and what is said of them from outside.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use surecopy_fs::{FileId, Metadata, Moment, RelPath, Timestamp, Volume};

use crate::error::{IndexError, Outcome};
use crate::location::{self, Location, LocationId, ScanStatus, millis};
use crate::names::{self, DirectoryId};
use crate::read::{self, Estimate, Known};
use crate::record;
use crate::stale::{self, Clocks, State};
use crate::store::connection::{connect, in_snapshot, in_transaction};
use crate::store::{self, Notice, Opened};

/// An index that is open. Several threads and several programs may use it at once.
#[derive(Debug)]
pub struct Index {
    path: PathBuf,
    file: FileId,
    connection: Mutex<Connection>,
    notice: Option<Notice>,
}

impl Index {
    /// Opens the index at a path, and makes it if it is not there. One that is broken is given another
    /// name and begun anew, one of an earlier version is emptied: [`notice`](Self::notice) tells. Waits
    /// for others for a tenth of a second at most.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        store::open(path).map(Self::of)
    }

    /// Opens the index at a path if there is one.
    pub fn open_existing(path: &Path) -> Result<Option<Self>, IndexError> {
        // One that comes just now knows nothing yet.
        if store::is_there(path)? { Self::open(path).map(Some) } else { Ok(None) }
    }

    /// The same, for somebody who is not to change anything: one that is broken or of an earlier version is
    /// an error then.
    pub fn open_unchanged(path: &Path) -> Result<Option<Self>, IndexError> {
        let is_there = store::is_there(path)?;
        if is_there { store::open_unchanged(path).map(Self::of).map(Some) } else { Ok(None) }
    }

    /// Gives an index that turned out to be damaged another name, and begins a new one.
    pub fn replace_damaged(self) -> Result<Self, IndexError> {
        let path = self.path.clone();
        drop(self);
        store::replace(&path).map(Self::of)
    }

    fn of(opened: Opened) -> Self {
        let Opened { path, file, connection, notice } = opened;
        Self { path, file, connection: Mutex::new(connection), notice }
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the user is to be told of how it was opened.
    pub fn notice(&self) -> Option<&Notice> {
        self.notice.as_ref()
    }

    /// Fails when another file has its path by now, or none has.
    pub(crate) fn ensure_in_place(&self) -> Result<(), IndexError> {
        let is_in_place = store::identify(&self.path)? == self.file;
        is_in_place.then_some(()).ok_or_else(|| IndexError::Replaced { path: self.path.clone() })
    }

    /// A further connection to the same file: numbers of directories mean nothing in another one.
    pub(crate) fn connect_again(&self) -> Result<Connection, IndexError> {
        let connection = connect(&self.path).map_err(|fault| fault.in_index(&self.path))?;
        self.ensure_in_place()?;
        Ok(connection)
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic has ended was rolled back, or is found to be still open.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> Outcome<T>) -> Result<T, IndexError> {
        let connection = self.connection();
        let read = in_snapshot(&connection, || work(&connection));
        read.map_err(|fault| fault.in_index(&self.path))
    }

    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&Connection) -> Outcome<T>,
    ) -> Result<T, IndexError> {
        let connection = self.connection();
        let written = in_transaction(&connection, || work(&connection));
        written.map_err(|fault| fault.in_index(&self.path))
    }

    // ---- locations ---------------------------------------------------------------------------

    /// Adds a location, of which nothing is known yet: an absolute path, and the volume it is on. One
    /// that is there already stays as it is.
    pub fn add_location(
        &self,
        path: &Path,
        volume: &Volume,
        now: &Moment,
    ) -> Result<Location, IndexError> {
        if let Some(known) = self.read(|connection| location::by_path(connection, path))? {
            return Ok(known);
        }
        self.write(|connection| location::add(connection, path, volume, now))
    }

    /// Adds several locations as [`add_location`](Self::add_location) does: all of them, or none when one
    /// of them cannot be.
    pub fn add_locations(
        &self,
        locations: &[(&Path, Volume)],
        now: &Moment,
    ) -> Result<(), IndexError> {
        self.write(|connection| {
            for (path, volume) in locations {
                location::add(connection, path, volume, now)?;
            }
            Ok(())
        })
    }

    /// All locations, in the order in which they were added.
    pub fn locations(&self) -> Result<Vec<Location>, IndexError> {
        self.read(location::all)
    }

    /// One location.
    pub fn location(&self, location: LocationId) -> Result<Location, IndexError> {
        self.read(|connection| location::by_id(connection, location))
    }

    /// The location that an absolute path lies in, and its path there. Of several, the one that begins
    /// nearest to it.
    pub fn location_of(&self, path: &Path) -> Result<Option<(Location, RelPath)>, IndexError> {
        self.read(|connection| read::nearest_location(connection, path))
    }

    /// Forgets a location and all that is beneath it; says whether it was there.
    pub fn remove_location(&self, location: LocationId) -> Result<bool, IndexError> {
        self.write(|connection| location::remove(connection, location))
    }

    // ---- what is known -----------------------------------------------------------------------

    /// What was beneath an absolute path when it was last scanned; `None` when nothing is known of it.
    /// One row, however much that is.
    pub fn estimate(&self, path: &Path) -> Result<Option<Estimate>, IndexError> {
        self.read(|connection| read::estimate(connection, path))
    }

    /// What was beneath a directory of a location when it was last scanned.
    pub fn estimate_in(
        &self,
        location: LocationId,
        path: &RelPath,
    ) -> Result<Option<Estimate>, IndexError> {
        self.read(|connection| read::estimate_in(connection, location, path))
    }

    /// Adds up what was listed by somebody who did not come to that.
    pub fn add_up(&self) -> Result<(), IndexError> {
        self.write(record::add_up)
    }

    /// The directory at a path beneath a location.
    pub fn directory(
        &self,
        location: LocationId,
        path: &RelPath,
    ) -> Result<Option<DirectoryId>, IndexError> {
        self.read(|connection| names::at_path(connection, location, path))
    }

    /// The directory of a name in another one.
    pub fn directory_in(
        &self,
        parent: DirectoryId,
        name: &std::ffi::OsStr,
    ) -> Result<Option<DirectoryId>, IndexError> {
        self.read(|connection| names::child(connection, parent, name.as_encoded_bytes()))
    }

    /// What was in a directory when it was last listed, in the order in which it was recorded; `None`
    /// when it never was, or is gone. Numbers of volumes are those of that time.
    pub fn entries(
        &self,
        directory: DirectoryId,
    ) -> Result<Option<Vec<(OsString, Metadata)>>, IndexError> {
        self.read(|connection| read::entries(connection, directory))
    }

    /// The names of the directories that are known in another one.
    pub(crate) fn names_in(
        &self,
        location: LocationId,
        path: &RelPath,
    ) -> Result<Vec<OsString>, IndexError> {
        self.read(|connection| {
            let Some(directory) = names::at_path(connection, location, path)? else {
                return Ok(Vec::new());
            };
            let (mut names, mut after) = (Vec::new(), Some(Vec::new()));
            while let Some(from) = after.take() {
                let (known, rest) = read::known_in(connection, directory, &from)?;
                names.extend(known.into_iter().map(|known| known.name));
                after = rest;
            }
            Ok(names)
        })
    }

    /// What was in the directory at a path beneath a location, when it was last listed, if `is_wanted` says
    /// so of its number: see [`entries`](Self::entries). What is on the volume of the location's root, or of
    /// the directory, has the number that this volume has now, which is `root_volume`. `None` also when there
    /// are more than `most` entries.
    pub fn entries_at(
        &self,
        location: LocationId,
        path: &RelPath,
        root_volume: u64,
        most: u64,
        is_wanted: impl FnOnce(DirectoryId) -> bool,
    ) -> Result<Option<Vec<(OsString, Metadata)>>, IndexError> {
        self.read(|connection| match names::at_path(connection, location, path)? {
            Some(directory) if is_wanted(directory) => {
                read::entries_of_now(connection, directory, root_volume, most)
            }
            _ => Ok(None),
        })
    }

    pub(crate) fn read_known(&self, directory: DirectoryId) -> Result<Option<Known>, IndexError> {
        self.read(|connection| read::known(connection, directory))
    }

    pub(crate) fn read_clocks(&self) -> Result<Clocks, IndexError> {
        self.read(Clocks::read)
    }

    // ---- what is said of it ------------------------------------------------------------------

    /// Says of directories that something has changed in them, or that they were not looked after: they
    /// are stale until they are listed again. Those that the index does not know are passed over.
    pub fn mark(
        &self,
        location: LocationId,
        paths: &[RelPath],
        state: State,
        at: Timestamp,
    ) -> Result<(), IndexError> {
        self.mark_known(location, paths, state, at).map(drop)
    }

    /// The same; returns which ones it does not know.
    pub(crate) fn mark_known<'a>(
        &self,
        location: LocationId,
        paths: &'a [RelPath],
        state: State,
        at: Timestamp,
    ) -> Result<Vec<&'a RelPath>, IndexError> {
        self.write(|connection| stale::mark(connection, location, paths, state, at))
    }

    /// Says that directories were found to be stale by looks that began at a moment. Those that were
    /// listed since then are as they were listed.
    pub(crate) fn mark_found(
        &self,
        location: LocationId,
        paths: &[RelPath],
        at: Timestamp,
    ) -> Result<(), IndexError> {
        self.write(|connection| stale::mark_found(connection, location, paths, at))
    }

    /// Says of a whole location that nobody knows whether it was seen to change, until somebody finds
    /// out what is fresh and what is stale. What is known of its directories stays as it is: each of them
    /// is looked at before it counts, and that look is what finds it out.
    pub fn note_gap(&self, location: LocationId) -> Result<(), IndexError> {
        let sql = "UPDATE locations SET scan_status = 'unknown' WHERE location = ?";
        self.write(|connection| {
            connection.prepare_cached(sql)?.execute((location.0,))?;
            Ok(())
        })
    }

    /// Says of a whole location that it was not looked after for a while.
    pub fn mark_all(&self, location: LocationId, at: Timestamp) -> Result<(), IndexError> {
        self.write(|connection| {
            let sql = "UPDATE directories SET state = 2, marked = ? WHERE location = ?";
            connection.prepare_cached(sql)?.execute((read::nanos(at.as_nanos()), location.0))?;
            let sql = "UPDATE locations SET scan_status = 'unknown' WHERE location = ?";
            connection.prepare_cached(sql)?.execute((location.0,))?;
            Ok(())
        })
    }

    /// Notes that it was found out, all over a location, what is fresh and what is stale.
    pub fn note_check(
        &self,
        location: LocationId,
        status: ScanStatus,
        at: Timestamp,
    ) -> Result<(), IndexError> {
        let sql = "UPDATE locations SET last_modification_check = ?, scan_status = ?
                   WHERE location = ?";
        self.write(|connection| {
            let values = (millis(at), status.as_str(), location.0);
            connection.prepare_cached(sql)?.execute(values)?;
            Ok(())
        })
    }

    /// Notes until when every change in a location was seen.
    pub fn note_watched(&self, location: LocationId, until: Timestamp) -> Result<(), IndexError> {
        let sql = "UPDATE locations SET watched_until = ? WHERE location = ?";
        self.write(|connection| {
            connection.prepare_cached(sql)?.execute((millis(until), location.0))?;
            Ok(())
        })
    }
}
