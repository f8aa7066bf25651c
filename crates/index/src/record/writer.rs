//! The thread that writes what others have found, in batches, each in one transaction.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use rusqlite::Connection;
use surecopy_fs::RelPath;

use super::batch;
use super::packed::Packed;
use crate::error::{IndexError, Outcome};
use crate::location::LocationId;
use crate::stale::Clocks;
use crate::store::connection::in_transaction;

/// What is written in one transaction: as many directories, or as much, and as soon as nothing has come
/// for a while. Others who want to write wait for that long.
const BATCH_MESSAGES: usize = 512;
const BATCH_BYTES: usize = 4 << 20;
const PATIENCE: Duration = Duration::from_millis(20);

/// So long nobody looks whether something has come: a scan that had to wake the writer for every directory
/// would spend a good part of its time on that.
const PAUSE: Duration = Duration::from_millis(1);

/// What is sent to the writer.
#[derive(Debug)]
pub(super) enum Message {
    Listed(Box<Packed>),
    Gone(RelPath),
    Unreadable(RelPath),
}

impl Message {
    fn weight(&self) -> usize {
        match self {
            Message::Listed(packed) => packed.weight(),
            Message::Gone(_) | Message::Unreadable(_) => 256,
        }
    }

    pub(super) fn path(&self) -> &RelPath {
        match self {
            Message::Listed(packed) => &packed.path,
            Message::Gone(path) | Message::Unreadable(path) => path,
        }
    }
}

/// What was written when all is written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) connection: Connection,
    pub(super) directories: u64,
    pub(super) gone: u64,
}

/// Writes to one location.
#[derive(Debug)]
pub(super) struct Writer {
    connection: Connection,
    location: LocationId,
    clocks: Option<Clocks>,
    /// Large directories of which parts are still to come, and how many.
    unfinished: HashMap<RelPath, (Packed, u32)>,
    directories: u64,
    gone: u64,
}

impl Writer {
    pub(super) fn new(connection: Connection, location: LocationId) -> Self {
        Self {
            connection,
            location,
            clocks: None,
            unfinished: HashMap::new(),
            directories: 0,
            gone: 0,
        }
    }

    /// Writes until nobody sends any more. What comes after something failed is let go.
    pub(super) fn run(
        mut self,
        receiver: &Receiver<Message>,
        path: &Path,
        has_failed: &AtomicBool,
    ) -> Result<Written, IndexError> {
        let mut failure = None;
        while let Some(batch) = self.next_batch(receiver) {
            if failure.is_none()
                && let Err(fault) = self.write(batch)
            {
                has_failed.store(true, Ordering::Relaxed);
                failure = Some(fault.in_index(path));
            }
        }
        match failure {
            Some(error) => Err(error),
            None => Ok(Written {
                connection: self.connection,
                directories: self.directories,
                gone: self.gone,
            }),
        }
    }

    /// What is to be written next; `None` when nothing comes any more. Waits without holding anything.
    fn next_batch(&mut self, receiver: &Receiver<Message>) -> Option<Vec<Message>> {
        let mut batch = Vec::new();
        let mut weight = 0;
        let mut next = receiver.recv().ok();
        while let Some(message) = next {
            weight += message.weight();
            batch.extend(self.whole(message));
            if batch.len() >= BATCH_MESSAGES || weight >= BATCH_BYTES {
                break;
            }
            next = take_soon(receiver);
            if next.is_none() && batch.is_empty() {
                // Parts of large directories so far, which are kept until they are whole.
                next = receiver.recv().ok();
            }
        }
        (!batch.is_empty()).then_some(batch)
    }

    /// A message, unless it is one of several parts of a directory that are not all there.
    fn whole(&mut self, message: Message) -> Option<Message> {
        let packed = match message {
            Message::Listed(packed) if packed.parts > 1 => packed,
            other => return Some(other),
        };
        let path = packed.path.clone();
        let Some((so_far, missing)) = self.unfinished.get_mut(&path) else {
            let missing = packed.parts - 1;
            self.unfinished.insert(path, (*packed, missing));
            return None;
        };
        so_far.join(*packed);
        *missing -= 1;
        if *missing > 0 {
            return None;
        }
        let (whole, _) = self.unfinished.remove(&path)?;
        Some(Message::Listed(Box::new(whole)))
    }

    fn write(&mut self, messages: Vec<Message>) -> Outcome<()> {
        let clocks = match &mut self.clocks {
            Some(clocks) => clocks,
            none => none.insert(Clocks::read(&self.connection)?),
        };
        let (connection, location) = (&self.connection, self.location);
        let (directories, gone) =
            in_transaction(connection, || batch::write(connection, location, clocks, messages))?;
        self.directories += directories;
        self.gone += gone;
        Ok(())
    }
}

/// The next message, if one comes soon.
fn take_soon(receiver: &Receiver<Message>) -> Option<Message> {
    let mut waited = Duration::ZERO;
    loop {
        match receiver.try_recv() {
            Ok(message) => return Some(message),
            Err(TryRecvError::Empty) if waited < PATIENCE => {
                std::thread::sleep(PAUSE);
                waited += PAUSE;
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => return None,
        }
    }
}
