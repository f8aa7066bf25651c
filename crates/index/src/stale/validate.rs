//! Looking at every known directory of a subtree, without listing any: which ones are as they were.
//!
//! A directory is opened only to look at those in it, so one without directories costs a single call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use surecopy_engine::{Cancelled, Control};
use surecopy_fs::{
    FileKind, FileSystem, FilesystemKind, FsError, FsErrorKind, Metadata, Moment, Node, RelPath,
};

use super::clock::{ClockSetting, Clocks};
use super::confidence::Confidence;
use super::found::Validated;
use super::progress::ValidationProgress;
use super::queue::Queue;
use super::rule::{Freshness, Present, StaleReason, judge};
use super::seen::Seen;
use crate::error::{IndexError, Outcome};
use crate::index::Index;
use crate::location::LocationId;
use crate::names::DirectoryId;
use crate::read::{Known, known_in};
use crate::store::connection::in_snapshot;

/// A subtree with fewer directories is looked through sooner than threads are started.
const ALONE: u64 = 512;

/// What is to be looked through, and how.
#[derive(Debug, Clone, Copy)]
pub struct Validation<'a> {
    /// What is remembered.
    pub index: &'a Index,
    /// The location.
    pub location: LocationId,
    /// The part of it.
    pub beneath: &'a RelPath,
    /// What the clocks show.
    pub now: &'a Moment,
    /// How many threads look.
    pub threads: usize,
    /// The switch that ends it.
    pub control: &'a Control,
    /// Where it shows how far it is.
    pub progress: &'a ValidationProgress,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// It was cancelled, which is no error.
    #[error("it was cancelled")]
    Cancelled,
    /// The index failed.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The location itself cannot be looked at.
    #[error(transparent)]
    Root(#[from] FsError),
}

impl From<Cancelled> for Stopped {
    fn from(_: Cancelled) -> Self {
        Stopped::Cancelled
    }
}

impl Validation<'_> {
    /// Looks through it; `root` is the root of the location.
    pub fn run<F: FileSystem>(&self, fs: &F, root: &F::Dir) -> Result<Validated, Stopped> {
        let volume = fs.volume(root)?;
        let location = self.index.location(self.location)?;
        let kind = volume.filesystem;
        let mut validated = Validated::new(Confidence::of(kind, true));
        let start = match self.index.directory(self.location, self.beneath)? {
            Some(directory) => self.index.read_known(directory)?,
            None => None,
        };
        let Some(start) = start else {
            validated.note_stale(StaleReason::NeverListed, 0, || self.beneath.clone());
            return Ok(validated);
        };
        self.progress.expect(1 + start.total_directories);
        if !location.is_on(&volume, self.now.boot) {
            let reason = StaleReason::OtherVolume;
            validated.note_stale(reason, start.total_directories, || self.beneath.clone());
            self.progress.add(0, validated.stale, 0);
            return Ok(validated);
        }
        let look = Look {
            validation: self,
            fs,
            root,
            root_volume: volume.id,
            kind,
            clock: ClockSetting::at(self.now),
            kinds: Mutex::new(HashMap::new()),
        };
        look.at_all(&start, validated)
    }
}

/// Children of one directory that are to be looked at, from a name on.
struct Task<F: FileSystem> {
    directory: DirectoryId,
    path: RelPath,
    after: Vec<u8>,
    opened: Option<Arc<F::Dir>>,
    /// It was found to be as it was.
    is_fresh: bool,
}

/// What all threads share.
struct Look<'a, F: FileSystem> {
    validation: &'a Validation<'a>,
    fs: &'a F,
    root: &'a F::Dir,
    root_volume: u64,
    kind: &'static FilesystemKind,
    clock: ClockSetting,
    /// The file systems of other volumes that were met.
    kinds: Mutex<HashMap<u64, &'static FilesystemKind>>,
}

impl<F: FileSystem> Look<'_, F> {
    fn at_all(&self, start: &Known, mut validated: Validated) -> Result<Validated, Stopped> {
        let path = self.validation.beneath.clone();
        let opened = self.fs.open_dir(self.root, &path);
        let metadata = opened.and_then(|dir| Ok((self.fs.metadata(Node::Dir(&dir))?, dir)));
        let (metadata, dir) = match metadata {
            Ok((metadata, dir)) => (metadata, dir),
            Err(error) => {
                self.note_missing(&mut validated, start, &error, || path);
                self.show(&validated);
                return Ok(validated);
            }
        };
        let clocks = self.validation.index.read_clocks()?;
        let kind = self.kind_of(&metadata, || Ok(self.fs.volume(&dir)?.filesystem));
        let is_fresh = self.judge(&mut validated, start, &clocks, &metadata, kind, || path.clone());
        self.show(&validated);
        let queue = Queue::of(Task {
            directory: start.directory,
            path,
            after: Vec::new(),
            opened: Some(Arc::new(dir)),
            is_fresh,
        });
        let threads = if start.total_directories < ALONE { 1 } else { self.validation.threads };
        let work = || {
            let done = self.work(&queue, &clocks);
            if done.is_err() {
                queue.end();
            }
            done
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let mut outcomes = vec![work()];
            for other in others {
                outcomes
                    .push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            for outcome in outcomes {
                validated.join(outcome?);
            }
            validated.settle();
            Ok(validated)
        })
    }

    /// What one thread does. It reads through a connection of its own.
    fn work(&self, queue: &Queue<Task<F>>, clocks: &Clocks) -> Result<Validated, Stopped> {
        let path = self.validation.index.path();
        let mut found = Validated::new(Confidence::High);
        let mut cancelled = Ok(());
        let connection = self.validation.index.connect_again()?;
        let done = in_snapshot(&connection, || {
            while let Some((task, _at_work)) = queue.take() {
                cancelled = self.validation.control.checkpoint();
                if cancelled.is_err() {
                    queue.end();
                    break;
                }
                self.carry_out(&connection, clocks, task, queue, &mut found)?;
            }
            Ok(())
        });
        done.map_err(|fault| fault.in_index(path))?;
        cancelled?;
        Ok(found)
    }

    fn carry_out(
        &self,
        connection: &Connection,
        clocks: &Clocks,
        task: Task<F>,
        queue: &Queue<Task<F>>,
        found: &mut Validated,
    ) -> Outcome<()> {
        let Task { directory, path, after, opened, is_fresh } = task;
        let dir = match opened {
            Some(dir) => Ok(dir),
            None => self.fs.open_dir(self.root, &path).map(Arc::new),
        };
        let (children, rest) = known_in(connection, directory, &after)?;
        // Before these are looked at, so that another thread can go on meanwhile.
        if let Some(after) = rest {
            let (path, opened) = (path.clone(), dir.as_ref().ok().cloned());
            queue.push(Task { directory, path, after, opened, is_fresh });
        }
        let before = (found.fresh, found.stale, found.gone);
        for child in &children {
            let below = || path.join(&child.name);
            let dir = match &dir {
                Ok(dir) => dir,
                Err(error) => {
                    self.note_missing(found, child, error, below);
                    continue;
                }
            };
            match self.fs.metadata_at(dir, &child.name) {
                Err(error) => self.note_missing(found, child, &error, below),
                Ok(metadata) if metadata.kind != FileKind::Directory => {
                    found.gone += 1 + child.total_directories;
                }
                Ok(metadata) => {
                    let kind = self.kind_of(&metadata, || {
                        let name = RelPath::root().join(&child.name);
                        Ok(self.fs.volume(&self.fs.open_dir(dir, &name)?)?.filesystem)
                    });
                    let is_fresh = self.judge(found, child, clocks, &metadata, kind, below);
                    if child.has_children() {
                        let (directory, path) = (child.directory, below());
                        let (after, opened) = (Vec::new(), None);
                        queue.push(Task { directory, path, after, opened, is_fresh });
                    }
                }
            }
        }
        // It has changed since it was looked at, or its listing does not name what was remembered in it: two
        // who scan at the same time may leave that.
        if is_fresh && found.gone > before.2 {
            found.contradict(directory, path);
        }
        let (fresh, stale, gone) = before;
        let progress = self.validation.progress;
        progress.add(found.fresh - fresh, found.stale - stale, found.gone - gone);
        Ok(())
    }

    fn show(&self, validated: &Validated) {
        self.validation.progress.add(validated.fresh, validated.stale, validated.gone);
    }

    fn judge(
        &self,
        found: &mut Validated,
        known: &Known,
        clocks: &Clocks,
        metadata: &Metadata,
        kind: &FilesystemKind,
        path: impl FnOnce() -> RelPath,
    ) -> bool {
        let remembered = known.remembered(clocks);
        let seen = Seen::of(metadata, self.root_volume);
        let present = Present { seen, kind, clock: self.clock };
        let freshness = judge(&remembered, &present);
        match freshness {
            Freshness::Fresh => {
                let then = remembered.clock.and_then(|clock| clock.boot);
                let is_same_boot = then.is_some() && then == self.clock.boot;
                found.note_fresh(known.directory, Confidence::of(kind, is_same_boot));
            }
            Freshness::Stale(reason) => found.note_stale(reason, 0, path),
        }
        freshness == Freshness::Fresh
    }

    /// The file system of a directory, which is asked only if it is on another volume than the root.
    fn kind_of(
        &self,
        metadata: &Metadata,
        ask: impl FnOnce() -> Result<&'static FilesystemKind, FsError>,
    ) -> &'static FilesystemKind {
        let volume = metadata.id.volume;
        if volume == self.root_volume {
            return self.kind;
        }
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        // What cannot be asked is a kind of which nothing is known.
        kinds.entry(volume).or_insert_with(|| ask().unwrap_or(FilesystemKind::named(""))).to_owned()
    }

    /// A directory cannot be looked at, and what is beneath it neither.
    fn note_missing(
        &self,
        found: &mut Validated,
        known: &Known,
        error: &FsError,
        path: impl FnOnce() -> RelPath,
    ) {
        match error.kind {
            FsErrorKind::NotFound | FsErrorKind::NotADirectory | FsErrorKind::LinkInPath => {
                found.gone += 1 + known.total_directories;
            }
            _ => found.note_stale(StaleReason::Unreadable, known.total_directories, path),
        }
    }
}
