//! The one step that touches the visible name.
//!
//! New names are taken only if they are free. Existing files are exchanged with the new one, which
//! is given the backup's name first, so that the old file is kept under that name and never under
//! that of a partial file; where the volume cannot exchange, the old file first gets a second name
//! (or, without hard links, a flushed copy) and is then renamed over. At no instant is the visible
//! name missing. With an exchange, what is replaced is exactly the file that was planned to be
//! replaced, or else nothing is; with a rename over, that is checked just before, and a file that
//! another program puts there in between is lost.

use std::ffi::{OsStr, OsString};

use surecopy_fs::{FileSystem, FsError, FsErrorKind, Support};

use super::exchange_back::{ExchangedBack, exchange_back};
use super::partial::{Body, Proved, Target};
use super::publish_error::PublishError;
use super::published::{Backup, Published};
use crate::control::Control;
use crate::plan::Seen;
use crate::policy::{Experience, Trial};

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
    /// Makes the entry visible. What it replaces is kept as `backup_name`. `exchanging` is what is
    /// known, by now, of exchanging names on the volume.
    pub(crate) fn publish(
        self,
        expected: Expected,
        backup_name: OsString,
        control: &Control,
        exchanging: &mut Experience,
    ) -> Result<Published<F>, Unpublished> {
        let mut publishing = Publishing {
            body: self.into_body(),
            control,
            exchanging,
            may_stand_as: None,
            left_behind: Vec::new(),
        };
        let done = match publishing.body.seen() {
            Err(error) => Err(error.into()),
            Ok(ours) => match expected {
                Expected::Nothing => publishing.take_free_name(ours).map(|()| (ours, None)),
                Expected::File(seen) => {
                    publishing.replace(ours, seen, backup_name).map(|backup| (ours, Some(backup)))
                }
            },
        };
        match done {
            Ok((ours, backup)) => Ok(Published::new(publishing.body.release(), ours, backup)),
            Err(why) => Err(publishing.give_up(why)),
        }
    }
}

/// An entry that is being published.
pub(super) struct Publishing<'c, F: FileSystem> {
    pub(super) body: Body<F>,
    pub(super) control: &'c Control,
    exchanging: &'c mut Experience,
    /// Another name that the entry may have, since nobody knows what a failed rename has done.
    may_stand_as: Option<OsString>,
    pub(super) left_behind: Vec<(OsString, FsError)>,
}

impl<F: FileSystem> Publishing<'_, F> {
    fn take_free_name(&self, ours: Seen) -> Result<(), PublishError> {
        let Body { target, name, .. } = &self.body;
        match target.fs.publish_new(&target.dir, name, &target.name) {
            Ok(()) => Ok(()),
            Err(_) if self.is_renamed(ours, &target.name) => Ok(()),
            Err(error) if error.kind == FsErrorKind::AlreadyExists => {
                Err(PublishError::TargetChanged)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the entry has the new name, and no longer the former one, although renaming it was
    /// answered with an error: a server's answer may be lost after it did what it was asked for,
    /// and asking again then finds nothing to rename. The new name alone proves nothing for a
    /// further name of a file: another program could have made the same link.
    pub(super) fn is_renamed(&self, ours: Seen, new_name: &OsStr) -> bool {
        let target = &self.body.target;
        let found = target.fs.metadata_at(&target.dir, new_name);
        found.is_ok_and(|found| found.id == ours.id)
            && matches!(self.body.metadata_at_name(), Err(error) if error.kind == FsErrorKind::NotFound)
    }

    fn replace(
        &mut self,
        ours: Seen,
        seen: Seen,
        backup_name: OsString,
    ) -> Result<Backup, PublishError> {
        if !is_still(&self.body.target, seen)? {
            return Err(PublishError::TargetChanged);
        }
        if *self.exchanging == Experience::Unsupported {
            return self.rename_over(ours, seen, &backup_name);
        }
        let partial_name = self.body.name.clone();
        self.rename_unseen(ours, &backup_name)?;
        let exchanged = self.exchange(ours, seen)?;
        let trial = if exchanged.is_done() { Trial::Worked } else { Trial::Refused };
        // Refused where it has worked before, it is done without for once.
        (*self.exchanging, _) = self.exchanging.after(trial);
        if exchanged.is_done() {
            return Ok(Backup { name: backup_name, was_exchanged: true });
        }
        // The name is needed for the old file.
        self.rename_unseen(ours, &partial_name)?;
        self.rename_over(ours, seen, &backup_name)
    }

    /// Gives the entry another name that nobody looks for.
    fn rename_unseen(&mut self, ours: Seen, new_name: &OsStr) -> Result<(), PublishError> {
        let Body { target, name, .. } = &self.body;
        if let Err(error) = target.fs.publish_new(&target.dir, name, new_name)
            && !self.is_renamed(ours, new_name)
        {
            let may_be_there = match target.fs.metadata_at(&target.dir, new_name) {
                Ok(found) => found.id == ours.id,
                Err(error) => error.kind != FsErrorKind::NotFound,
            };
            self.may_stand_as = may_be_there.then(|| new_name.to_owned());
            return Err(error.into());
        }
        self.body.name = new_name.to_owned();
        Ok(())
    }

    fn exchange(&self, ours: Seen, seen: Seen) -> Result<Support<()>, PublishError> {
        let Body { target, name, .. } = &self.body;
        match target.fs.exchange(&target.dir, name, &target.name) {
            Ok(Support::Unsupported) => Ok(Support::Unsupported),
            Ok(Support::Done(())) => {
                // Now, and only now, is it certain which file was replaced.
                let old = self.body.metadata_at_name();
                if !old.as_ref().is_ok_and(|old| Seen::of(old) == seen) {
                    return Err(self.give_back(ours, old.err()));
                }
                Ok(Support::Done(()))
            }
            Err(error) => {
                // A server's answer may be lost after it did what it was asked for.
                let found = self.body.metadata_at_name().map(|found| Seen::of(&found));
                let is_old = found.as_ref().is_ok_and(|found| *found == seen);
                if is_old && is_still(target, ours).unwrap_or(false) {
                    return Ok(Support::Done(()));
                }
                let is_ours = found.is_ok_and(|found| found.id == ours.id);
                match error.kind {
                    _ if !is_ours => Err(PublishError::Unknown { kept_as: name.clone(), error }),
                    FsErrorKind::NotFound => Err(PublishError::TargetChanged),
                    _ => Err(error.into()),
                }
            }
        }
    }

    /// Undoes an exchange with a file that was not the one to be replaced. That file is another
    /// program's: whatever happens, it is not removed.
    fn give_back(&self, ours: Seen, cause: Option<FsError>) -> PublishError {
        let Body { target, name, .. } = &self.body;
        match exchange_back(target, name, ours) {
            ExchangedBack::Done => cause.map_or(PublishError::TargetChanged, PublishError::Fs),
            ExchangedBack::Unseen(error) | ExchangedBack::Displaced(error) => {
                PublishError::Displaced { kept_as: name.clone(), error }
            }
        }
    }

    /// Removes the entry, unless what has its name is to stay.
    fn give_up(self, why: PublishError) -> Unpublished {
        let Self { body, may_stand_as, mut left_behind, .. } = self;
        let is_to_stay = matches!(&why, PublishError::Displaced { kept_as, .. }
            | PublishError::Unknown { kept_as, .. } if *kept_as == body.name);
        if is_to_stay {
            body.release();
            return Unpublished { why, left_behind };
        }
        let mut was_renamed = false;
        if let Some(name) = may_stand_as {
            match body.target.fs.remove_file(&body.target.dir, &name) {
                Ok(()) => was_renamed = true,
                Err(error) if error.kind == FsErrorKind::NotFound => {}
                Err(error) => left_behind.push((name, error)),
            }
        }
        let name = body.name.clone();
        match body.remove() {
            Err(error) if !(was_renamed && error.kind == FsErrorKind::NotFound) => {
                left_behind.push((name, error));
            }
            Ok(()) | Err(_) => {}
        }
        Unpublished { why, left_behind }
    }
}

/// Whether the visible name still shows the file that was seen.
pub(super) fn is_still<F: FileSystem>(target: &Target<F>, seen: Seen) -> Result<bool, FsError> {
    match target.fs.metadata_at(&target.dir, &target.name) {
        Ok(found) => Ok(Seen::of(&found) == seen),
        Err(error) if error.kind == FsErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
