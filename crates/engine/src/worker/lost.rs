//! Telling "this file failed" from "the file system at this end of the job is gone".
//!
//! A file that fails for a reason that a dead disk would give makes the worker look at what the user named
//! at that end. Only when that does not answer, is on another volume than it was, takes no file any more or
//! cannot be read where it could be does the run end: bad sectors, a damaged directory or one without
//! permission do not.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use surecopy_fs::{FileSystem, FsError, FsErrorKind, FsResult, Metadata, Node};

use super::member::Work;
use super::take::Worker;
use crate::context::Stop;
use crate::directories::flush_names_in;
use crate::error::{ErrorCode, ItemError, Side};
use crate::loss::{Looked, Place};
use crate::report::{ItemStatus, Lost};

/// What an error may be a sign of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Suspicion {
    side: Side,
    /// More than the place's being elsewhere.
    of_device: bool,
}

/// What is suspected of an error.
fn suspicions(code: ErrorCode) -> &'static [Suspicion] {
    use ErrorCode as Code;
    const fn of(side: Side, of_device: bool) -> Suspicion {
        Suspicion { side, of_device }
    }
    const SOURCE_MOVED: &[Suspicion] = &[of(Side::Source, false)];
    const SOURCE_DEAD: &[Suspicion] = &[of(Side::Source, true)];
    const DESTINATION_MOVED: &[Suspicion] = &[of(Side::Destination, false)];
    const DESTINATION_DEAD: &[Suspicion] = &[of(Side::Destination, true)];
    const EITHER_DEAD: &[Suspicion] = &[of(Side::Destination, true), of(Side::Source, true)];
    match code {
        Code::SourceMissing => SOURCE_MOVED,
        Code::SourceIoError => SOURCE_DEAD,
        Code::TargetChanged => DESTINATION_MOVED,
        Code::DestinationIoError
        | Code::DestinationReadOnly
        | Code::FlushFailed
        | Code::ReadBackFailed
        | Code::DurabilityUnknown => DESTINATION_DEAD,
        Code::VolumeUnreachable => EITHER_DEAD,
        // Of rights, room, names, kinds, options, of what others do, or found by comparing: the volume has
        // answered.
        Code::SourceNotIndexed
        | Code::SourceUnreadable
        | Code::SourceChanged
        | Code::DestinationFull
        | Code::QuotaExceeded
        | Code::DestinationDenied
        | Code::TargetReadOnly
        | Code::TargetExists
        | Code::TargetKindDiffers
        | Code::FileBusy
        | Code::SameFile
        | Code::DestinationInsideSource
        | Code::DuplicateTarget
        | Code::FileTooLarge
        | Code::FileTooLargeForVolume
        | Code::NameNotAllowed
        | Code::NameCollision
        | Code::LinkInPath
        | Code::LinksNotSupported
        | Code::CloneNotPossible
        | Code::VerifyMismatch
        | Code::VolumeChanged
        | Code::BitRotSuspected
        | Code::OutOfResources
        | Code::JournalFailed
        | Code::SystemError
        | Code::Internal => &[],
    }
}

impl<F: FileSystem> Worker<'_, '_, F> {
    /// How an item ends if it failed because the file system at one of its ends is gone; `None` if that
    /// is not why. The first such item is said to have failed, and ends the run. Those that were in hand
    /// with it have not been done.
    pub(super) fn end_by_loss(&mut self, work: &Work, error: &ItemError) -> Option<ItemStatus> {
        let suspicions = suspicions(error.code);
        if suspicions.is_empty() {
            return None;
        }
        if matches!(self.context.stopped(), Some(Stop::Lost(_))) {
            // Of what was published, the user has to be told.
            let is_to_be_told = error.code == ErrorCode::DurabilityUnknown;
            let error = || ItemStatus::Error(error.clone());
            return Some(if is_to_be_told { error() } else { ItemStatus::Cancelled });
        }
        let lost = suspicions.iter().find_map(|suspicion| self.lost(work, *suspicion, error))?;
        tracing::error!(root = ?lost.root, message = lost.message, "lost");
        self.context.stop(Stop::Lost(lost));
        Some(ItemStatus::Error(error.clone()))
    }

    fn lost(&mut self, work: &Work, suspicion: Suspicion, error: &ItemError) -> Option<Lost> {
        let root = &self.context.roots[work.item.mapping];
        let (place, open) = match suspicion.side {
            Side::Source => (&root.source_place, &root.source),
            Side::Destination => (&root.destination_place, &root.destination),
        };
        let (side, root) = (suspicion.side, place.path());
        if self.has_just_answered(&root, suspicion) {
            return None;
        }
        let sign = self.look(open, place).err().or_else(|| {
            let looked = match suspicion {
                Suspicion { of_device: false, .. } => return None,
                Suspicion { side: Side::Source, .. } => self.read_again(place),
                Suspicion { side: Side::Destination, .. } => self.try_to_write(work, place),
            };
            looked.err()
        })?;
        tracing::debug!(?sign, ?root, "looked at");
        let what = sign.of_the_whole()?;
        // What went wrong comes first: how that was found to be of the whole is not the cause.
        Some(Lost { side, root, message: format!("{}; {what}", error.message) })
    }

    /// Whether the same was looked for a moment ago, in vain: a group of a thousand files whose flush has
    /// failed does not call for a thousand looks.
    fn has_just_answered(&mut self, root: &Path, suspicion: Suspicion) -> bool {
        let now = self.context.outside.clock.now();
        let key = (root.to_owned(), suspicion);
        if let Some(answered) = self.answered.0.get_mut(&key) {
            answered.failures += 1;
            if answered.failures < FAILURES_A_LOOK && now.saturating_sub(answered.at) < A_WHILE {
                return true;
            }
        }
        self.answered.0.insert(key, Answered { at: now, failures: 0 });
        false
    }

    /// Opens a place anew, by its path.
    fn look(&self, open: &F::Dir, place: &Place) -> Result<F::Dir, Sign> {
        const STEP: &str = "it does not answer";
        let fs = self.context.fs();
        let found = place.look(fs).map_err(|error| Sign::Failed(STEP, error))?;
        fs.metadata(Node::Dir(open)).map_err(|error| Sign::Failed(STEP, error))?;
        match found {
            Looked::Same(dir) => Ok(dir),
            Looked::Nothing => Err(Sign::NotThere("it is not there any more")),
            Looked::Another => Err(Sign::NotThere("another volume is there now, or none")),
        }
    }

    /// Makes a file, durably, and removes it: in the directory of the item that failed, in which the run
    /// makes files anyway, and if that does not go well where the user wanted to have all of them. Times are
    /// not put back after that, since another program's change could be lost by it.
    fn try_to_write(&self, work: &Work, place: &Place) -> Result<(), Sign> {
        const STEP: &str = "no other file can be written there";
        let (fs, root) = (self.context.fs(), &self.context.roots[work.item.mapping]);
        let parent = root.target_below(&work.item).parent().unwrap_or_default();
        if let Ok(dir) = fs.open_dir(&root.destination, &parent) {
            let is_of_place = |found: Metadata| found.id.volume == place.volume();
            if !fs.metadata(Node::Dir(&dir)).is_ok_and(is_of_place) {
                // A volume that is mounted within says nothing of the one around it.
                return Ok(());
            }
            self.context.directories.touched(work.item.mapping, &parent);
            if self.write_in(&dir, &root.show_target(&parent)).is_ok() {
                return Ok(());
            }
        }
        let failed = |error| Sign::Failed(STEP, error);
        let Looked::Same(dir) = place.look(fs).map_err(failed)? else { return Ok(()) };
        match self.write_in(&dir, &place.path()) {
            Ok(()) => Ok(()),
            Err(error) if is_of_the_whole(&error) => Err(failed(error)),
            // Without the right, or the room, to make a file: whether anything can be made durable.
            Err(_) => flush_names_in(fs, &dir).map_err(failed),
        }
    }

    /// Fails as well as the volume does: when a file cannot be made, or neither it nor its name be made
    /// durable. That one kind of flush fails says little.
    fn write_in(&self, dir: &F::Dir, path: &Path) -> FsResult<()> {
        let fs = self.context.fs();
        let name = self.context.names.partial();
        let file = fs.create_partial(dir, &name)?;
        let flushed = fs.flush_file(&file).or_else(|_| flush_names_in(fs, dir));
        if let Err(error) = fs.remove_file(dir, &name) {
            self.warn_left_behind(path.join(&name), &error);
        }
        flushed
    }

    /// Reads from the device what could be read from it before. Memory may know the place, and all that it
    /// says of it, long after the disk has gone.
    fn read_again(&mut self, place: &Place) -> Result<(), Sign> {
        const STEP: &str = "what could be read before cannot be read any more";
        let (fs, readable) = (self.context.fs(), &self.context.readable);
        let read = readable.read_again(fs, place.volume(), &mut self.scratch.0);
        read.map_err(|error| Sign::Failed(STEP, error))
    }
}

/// The last looks that a worker has taken.
#[derive(Default)]
pub(super) struct Answers(HashMap<(PathBuf, Suspicion), Answered>);

struct Answered {
    at: Duration,
    /// Suspicious ones since then.
    failures: u32,
}

/// So long, and for so many failures, one look will do.
const A_WHILE: Duration = Duration::from_millis(100);
const FAILURES_A_LOOK: u32 = 16;

/// What a look has shown.
#[derive(Debug)]
enum Sign {
    /// What was there is not.
    NotThere(&'static str),
    /// A step failed; what that means if it is of the whole.
    Failed(&'static str, FsError),
}

impl Sign {
    /// In words, if it shows that a file system is lost. Of whatever else it shows, others of the job may
    /// go well.
    fn of_the_whole(&self) -> Option<&'static str> {
        match self {
            Sign::NotThere(what) => Some(what),
            Sign::Failed(what, error) => is_of_the_whole(error).then_some(what),
        }
    }
}

/// Whether a file system of which the root, or a file that was just fine, fails like this is lost.
fn is_of_the_whole(error: &FsError) -> bool {
    let is_lost = [FsErrorKind::Io, FsErrorKind::Unreachable, FsErrorKind::ReadOnlyVolume];
    is_lost.contains(&error.kind)
}
