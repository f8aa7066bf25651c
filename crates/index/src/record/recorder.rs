//! The way into the index for what a scan finds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use surecopy_fs::{Moment, RelPath, Timestamp, Volume};

use super::packed::{Listed, Packed};
use super::totals;
use super::writer::{Message, Writer, Written};
use crate::error::{Fault, IndexError};
use crate::index::Index;
use crate::location::{self, LocationId, millis};
use crate::names;
use crate::store::connection::in_transaction;

/// So much may wait to be written; who finds more waits too.
const WAITING: usize = 256;

/// How much of a location a scan went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanEnd {
    /// All of it.
    Whole,
    /// All of it that was not found fresh.
    Rest,
    /// What is beneath a part of it, or as far as it got.
    Part,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recorded {
    /// Directories that were listed.
    pub directories: u64,
    /// Directories that are gone, with those beneath them.
    pub gone: u64,
    /// Whether everything in the location is known now.
    pub is_complete: bool,
}

/// Takes what a scan of a location finds, from several threads and in any order, and writes it down in
/// the background. What was recorded counts once [`finish`](Self::finish) has returned; without it, the
/// totals of directories stay as they were, until the next scan finishes.
///
/// When the index fails, the rest of what is handed over is let go, and `finish` tells: a scan is never
/// held up or ended by it.
#[derive(Debug)]
pub struct Recorder {
    sender: SyncSender<Message>,
    writer: JoinHandle<Result<Written, IndexError>>,
    has_failed: Arc<AtomicBool>,
    path: std::path::PathBuf,
    location: LocationId,
    root_volume: u64,
}

impl Recorder {
    /// Begins to record a location that is on this volume now. When that is another one than before,
    /// nothing of the location counts any more but what is recorded from now on.
    pub fn begin(
        index: &Index,
        location: LocationId,
        volume: &Volume,
        now: &Moment,
    ) -> Result<Self, IndexError> {
        index.write(|connection| {
            let known = location::by_id(connection, location)?;
            location::set_volume(connection, &known, volume, now)
        })?;
        let path = index.path().to_owned();
        let connection = index.connect_again()?;
        let (sender, receiver) = sync_channel(WAITING);
        let has_failed = Arc::new(AtomicBool::new(false));
        let writer = {
            let (path, has_failed) = (path.clone(), Arc::clone(&has_failed));
            let writer = Writer::new(connection, location);
            let work = move || writer.run(&receiver, &path, &has_failed);
            Builder::new().name("index".to_owned()).spawn(work).map_err(|error| IndexError::Io {
                path: index.path().to_owned(),
                message: error.to_string(),
            })?
        };
        Ok(Self { sender, writer, has_failed, path, location, root_volume: volume.id })
    }

    /// A directory was listed. Waits when there is more than can be written.
    pub fn listed(&self, listed: &Listed<'_>) {
        if !self.has_failed.load(Ordering::Relaxed) {
            self.send(Message::Listed(Box::new(Packed::of(listed, self.root_volume))));
        }
    }

    /// A directory is there no more, or is something else now.
    pub fn gone(&self, path: &RelPath) {
        self.send(Message::Gone(path.clone()));
    }

    /// A directory is there and could not be listed: what it held does not count any more.
    pub fn unreadable(&self, path: &RelPath) {
        self.send(Message::Unreadable(path.clone()));
    }

    fn send(&self, message: Message) {
        // The writer takes messages until there is nobody to send them, whatever fails; if it is gone
        // all the same it has panicked, and `finish` passes that on.
        if self.sender.send(message).is_err() {
            self.has_failed.store(true, Ordering::Relaxed);
        }
    }

    /// Waits until everything is written, and brings the totals up to date: all at once for whoever
    /// reads them.
    pub fn finish(self, end: ScanEnd, at: Timestamp) -> Result<Recorded, IndexError> {
        drop(self.sender);
        let joined = self.writer.join();
        let written = joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let location = self.location;
        let finished = in_transaction(&written.connection, || {
            totals::renew(&written.connection)?;
            let is_complete = set_status(&written.connection, location, end, at)?;
            Ok(Recorded { directories: written.directories, gone: written.gone, is_complete })
        });
        finished.map_err(|fault| fault.in_index(&self.path))
    }
}

/// Says how much of a location is known now; returns whether it is all of it.
fn set_status(
    connection: &rusqlite::Connection,
    location: LocationId,
    end: ScanEnd,
    at: Timestamp,
) -> Result<bool, Fault> {
    let root = names::known_root(connection, location)?;
    let sql = "SELECT total_unknown FROM directories WHERE directory = ?";
    let unknown: i64 = connection.prepare_cached(sql)?.query_row((root.0,), |row| row.get(0))?;
    let status = match (unknown, end) {
        (0, ScanEnd::Whole | ScanEnd::Rest) => Some("fresh"),
        // What became of the rest of it is as well known as before.
        (0, ScanEnd::Part) => None,
        _ => Some("partial"),
    };
    // A scan that could not list something has not listed all of it.
    let full_scan = (end == ScanEnd::Whole && unknown == 0).then(|| millis(at));
    let sql = "UPDATE locations SET scan_status = coalesce(?, scan_status), last_full_scan = coalesce(?, last_full_scan)
               WHERE location = ?";
    connection.prepare_cached(sql)?.execute((status, full_scan, location.0))?;
    Ok(unknown == 0)
}
