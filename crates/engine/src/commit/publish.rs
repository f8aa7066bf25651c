//! The one step that touches the visible name.
//!
//! New names are taken only if they are free. Existing files are exchanged with the new one, so
//! that the old file is kept under the partial name; where the volume cannot exchange, the old
//! file first gets a second name (or, without hard links, a flushed copy) and is then renamed
//! over. At no instant is the visible name missing. With an exchange, what is replaced is exactly the
//! file that was planned to be replaced, or else nothing is; with a rename over, that is checked just
//! before, and a file that another program puts there in between is lost.

use std::ffi::OsString;

use surecopy_fs::{FileSystem, FsError, FsErrorKind, FsResult, Support};

use super::exchange_back::{ExchangedBack, exchange_back};
use super::partial::{Body, Proved, Target};
use super::publish_error::PublishError;
use super::published::{Backup, Published};
use crate::control::Control;
use crate::plan::Seen;

/// What must stand under the visible name for publishing to go ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Nothing.
    Nothing,
    /// The file that was seen when planning.
    File(Seen),
}

/// An entry that was not published.
#[derive(Debug)]
pub(crate) struct Unpublished {
    /// Why.
    pub(crate) why: PublishError,
    /// Files of ours that could not be removed.
    pub(crate) left_behind: Vec<(OsString, FsError)>,
}

impl<F: FileSystem> Proved<F> {
    /// Makes the entry visible. `backup_name` is used where exchanging is not supported.
    pub(crate) fn publish(
        self,
        expected: Expected,
        backup_name: OsString,
        control: &Control,
    ) -> Result<Published<F>, Unpublished> {
        let body = self.into_body();
        let mut publishing = Publishing { body: &body, control, left_behind: Vec::new() };
        let done = match body.seen() {
            Err(error) => Err(error.into()),
            Ok(ours) => match expected {
                Expected::Nothing => publishing.take_free_name(ours).map(|()| (ours, None)),
                Expected::File(seen) => {
                    publishing.replace(ours, seen, backup_name).map(|backup| (ours, Some(backup)))
                }
            },
        };
        let mut left_behind = publishing.left_behind;
        match done {
            Ok((ours, backup)) => {
                let (target, partial, _) = body.release();
                Ok(Published::new(target, partial, ours, backup))
            }
            Err(why) => {
                let is_to_stay = matches!(&why, PublishError::Displaced { kept_as, .. }
                    | PublishError::Unknown { kept_as, .. } if *kept_as == body.partial);
                if is_to_stay {
                    body.release();
                } else {
                    let name = body.partial.clone();
                    left_behind.extend(body.remove().err().map(|error| (name, error)));
                }
                Err(Unpublished { why, left_behind })
            }
        }
    }
}

/// An entry that is being published.
pub(super) struct Publishing<'b, F: FileSystem> {
    pub(super) body: &'b Body<F>,
    pub(super) control: &'b Control,
    pub(super) left_behind: Vec<(OsString, FsError)>,
}

impl<F: FileSystem> Publishing<'_, F> {
    fn take_free_name(&self, ours: Seen) -> Result<(), PublishError> {
        let target = &self.body.target;
        match target.fs.publish_new(&target.dir, &self.body.partial, &target.name) {
            Ok(()) => Ok(()),
            Err(_) if self.is_renamed(ours) => Ok(()),
            Err(error) if error.kind == FsErrorKind::AlreadyExists => {
                Err(PublishError::TargetChanged)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the entry has the visible name, and no longer the partial one, although renaming it
    /// was answered with an error: a server's answer may be lost after it did what it was asked for,
    /// and asking again then finds nothing to rename. The visible name alone proves nothing for a
    /// further name of a file: another program could have made the same link.
    pub(super) fn is_renamed(&self, ours: Seen) -> bool {
        let target = &self.body.target;
        let found = target.fs.metadata_at(&target.dir, &target.name);
        found.is_ok_and(|found| found.id == ours.id)
            && matches!(self.body.metadata_of_partial(), Err(error) if error.kind == FsErrorKind::NotFound)
    }

    fn replace(
        &mut self,
        ours: Seen,
        seen: Seen,
        backup_name: OsString,
    ) -> Result<Backup, PublishError> {
        let Body { target, partial, .. } = self.body;
        if !is_still(target, seen)? {
            return Err(PublishError::TargetChanged);
        }
        match target.fs.exchange(&target.dir, partial, &target.name) {
            Ok(Support::Done(())) => {
                // Now, and only now, is it certain which file was replaced.
                let old = self.body.metadata_of_partial();
                if !old.as_ref().is_ok_and(|old| Seen::of(old) == seen) {
                    return Err(self.give_back(ours, old.err()));
                }
                Ok(Backup { name: partial.clone(), was_exchanged: true })
            }
            Ok(Support::Unsupported) => self.rename_over(ours, seen, &backup_name),
            Err(error) => {
                // A server's answer may be lost after it did what it was asked for.
                let found = self.body.metadata_of_partial().map(|found| Seen::of(&found));
                let is_old = found.as_ref().is_ok_and(|found| *found == seen);
                if is_old && is_still(target, ours).unwrap_or(false) {
                    return Ok(Backup { name: partial.clone(), was_exchanged: true });
                }
                let is_ours = found.is_ok_and(|found| found.id == ours.id);
                match error.kind {
                    _ if !is_ours => Err(PublishError::Unknown { kept_as: partial.clone(), error }),
                    FsErrorKind::NotFound => Err(PublishError::TargetChanged),
                    _ => Err(error.into()),
                }
            }
        }
    }

    /// Undoes an exchange with a file that was not the one to be replaced. That file is another
    /// program's: whatever happens, it is not removed.
    fn give_back(&self, ours: Seen, cause: Option<FsError>) -> PublishError {
        let Body { target, partial, .. } = self.body;
        match exchange_back(target, partial, ours) {
            ExchangedBack::Done => cause.map_or(PublishError::TargetChanged, PublishError::Fs),
            ExchangedBack::Unseen(error) | ExchangedBack::Displaced(error) => {
                PublishError::Displaced { kept_as: partial.clone(), error }
            }
        }
    }
}

/// Whether the visible name still shows the file that was seen.
pub(super) fn is_still<F: FileSystem>(target: &Target<F>, seen: Seen) -> FsResult<bool> {
    match target.fs.metadata_at(&target.dir, &target.name) {
        Ok(found) => Ok(Seen::of(&found) == seen),
        Err(error) if error.kind == FsErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
