//! Telling "this file failed" from "the file system at this end of the job is gone".
//!
//! A file that fails for a reason that a dead disk would give makes the worker look at the root of its
//! end. Only when the root itself does not answer, is on another volume than it was or takes no file
//! any more does the run end: a bad sector, a damaged directory or one without permission do not.

use std::path::Path;
use std::time::Duration;

use surecopy_fs::{FileSystem, FsError, FsErrorKind, Node, Support, Times};

use super::member::Work;
use super::take::Worker;
use crate::context::Stop;
use crate::directories::flush_names_in;
use crate::error::{ErrorCode, ItemError, Side};
use crate::report::{ItemStatus, Lost};

/// What an error may be a sign of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Suspicion {
    side: Side,
    /// More than the root's being elsewhere.
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
        _ => &[],
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
        let lost = suspicions.iter().find_map(|suspicion| self.lost(work, *suspicion))?;
        tracing::error!(root = ?lost.root, message = lost.message, "lost");
        self.context.stop(Stop::Lost(lost));
        Some(ItemStatus::Error(error.clone()))
    }

    fn lost(&mut self, work: &Work, suspicion: Suspicion) -> Option<Lost> {
        if self.has_just_answered(work.item.mapping, suspicion) {
            return None;
        }
        let root = &self.context.roots[work.item.mapping];
        let (open, path) = match suspicion.side {
            Side::Source => (&root.source, &root.mapping.source_root),
            Side::Destination => (&root.destination, &root.mapping.destination_root),
        };
        let looked = self.look_at_root(open, path).and_then(|found| {
            match (suspicion.of_device, suspicion.side) {
                (false, _) => Ok(()),
                (true, Side::Destination) => self.try_to_write(&found, path),
                (true, Side::Source) => self.read_again(work.item.mapping),
            }
        });
        let message = match looked {
            Ok(()) => return None,
            Err(Sign::NotThere(message)) => message.to_owned(),
            Err(Sign::Failed(error)) if is_of_the_whole(&error) => error.to_string(),
            // Whatever that is, others of the job may go well.
            Err(Sign::Failed(error)) => {
                tracing::debug!(%error, ?path, "the root answers");
                return None;
            }
        };
        Some(Lost { side: suspicion.side, root: path.clone(), message })
    }

    /// Whether the same was looked for a moment ago, in vain: a group of a thousand files whose flush has
    /// failed does not call for a thousand looks.
    fn has_just_answered(&mut self, mapping: usize, suspicion: Suspicion) -> bool {
        let now = self.context.outside.clock.now();
        let key = (mapping, suspicion);
        if let Some(answered) = self.answered.as_mut().filter(|answered| answered.key == key) {
            answered.failures += 1;
            if answered.failures < FAILURES_A_LOOK && now.saturating_sub(answered.at) < A_WHILE {
                return true;
            }
        }
        self.answered = Some(Answered { key, at: now, failures: 0 });
        false
    }

    /// Opens a root anew, by its path.
    fn look_at_root(&self, open: &F::Dir, path: &Path) -> Result<F::Dir, Sign> {
        let fs = self.context.fs();
        let found = match fs.open_root(path) {
            Ok(found) => found,
            Err(error) => {
                return Err(match error.kind {
                    FsErrorKind::NotFound | FsErrorKind::NotADirectory => {
                        Sign::NotThere("it is not there any more")
                    }
                    _ => Sign::Failed(error),
                });
            }
        };
        let before = fs.metadata(Node::Dir(open))?;
        let now = fs.metadata(Node::Dir(&found))?;
        if before.id.volume == now.id.volume {
            Ok(found)
        } else {
            Err(Sign::NotThere("another volume is there now, or none"))
        }
    }

    /// Changes nothing in the root of a destination, in a way that has to be written to the disk. Only
    /// when that cannot be flushed is a file made there, durably, and removed: that one kind of flush
    /// fails says little, that both do is what a dead disk does.
    fn try_to_write(&self, root: &F::Dir, path: &Path) -> Result<(), Sign> {
        let fs = self.context.fs();
        let now = fs.metadata(Node::Dir(root))?;
        let times = Times { accessed: None, modified: now.modified, created: now.created };
        fs.set_times(Node::Dir(root), times)?;
        if flush_names_in(fs, root).is_ok() {
            return Ok(());
        }
        let name = self.context.names.partial();
        let file = fs.create_partial(root, &name)?;
        let flushed = fs.flush_file(&file);
        if let Err(error) = fs.remove_file(root, &name) {
            self.warn_left_behind(path.join(&name), &error);
        }
        fs.set_times(Node::Dir(root), times)?;
        Ok(flushed?)
    }

    /// Reads from the device what could be read of it before. Memory may know the root, and all that it
    /// says of it, long after the disk has gone.
    fn read_again(&mut self, mapping: usize) -> Result<(), Sign> {
        let (fs, root) = (self.context.fs(), &self.context.roots[mapping]);
        let Some((_, path)) = self.read_well.as_ref().filter(|(known, _)| *known == mapping) else {
            return Ok(());
        };
        let Some((parent, name)) = path.split() else { return Ok(()) };
        let dir = fs.open_dir(&root.source, &parent)?;
        if fs.metadata(Node::Dir(&dir))?.id.volume
            != fs.metadata(Node::Dir(root.source.as_ref()))?.id.volume
        {
            // A volume that is mounted in the source says nothing of the source.
            return Ok(());
        }
        let file = match fs.open_direct(&dir, &name)? {
            Support::Done(file) => file,
            Support::Unsupported => fs.open_source(&dir, &name)?,
        };
        fs.read_at(&file, &mut self.scratch.0, 0)?;
        Ok(())
    }
}

/// The last look that a worker has taken at a root.
pub(super) struct Answered {
    key: (usize, Suspicion),
    at: Duration,
    /// Suspicious ones since then.
    failures: u32,
}

/// So long, and for so many failures, one look will do.
const A_WHILE: Duration = Duration::from_millis(100);
const FAILURES_A_LOOK: u32 = 16;

/// What a look at a root has shown.
enum Sign {
    /// What was there is not.
    NotThere(&'static str),
    /// A step failed.
    Failed(FsError),
}

impl From<FsError> for Sign {
    fn from(error: FsError) -> Self {
        Sign::Failed(error)
    }
}

/// Whether a file system of which the root, or a file that was just fine, fails like this is lost.
fn is_of_the_whole(error: &FsError) -> bool {
    let is_lost = [FsErrorKind::Io, FsErrorKind::Unreachable, FsErrorKind::ReadOnlyVolume];
    is_lost.contains(&error.kind)
}
