//! Replacing where names cannot be exchanged: the old file gets a second name, or is copied, and is
//! then renamed over.

use std::ffi::OsString;

use surecopy_fs::{FileKind, FileSystem, Metadata};

use super::old_copy::{copy_file, times_of};
use super::partial::Body;
use super::publish::{Publishing, is_still};
use super::publish_error::PublishError;
use super::published::Backup;
use crate::plan::Seen;

impl<F: FileSystem> Publishing<'_, F> {
    pub(super) fn rename_over(
        &mut self,
        ours: Seen,
        seen: Seen,
        backup_name: &OsString,
    ) -> Result<Backup, PublishError> {
        let backup = self.keep_old(backup_name, seen)?;
        let Body { target, name, .. } = &self.body;
        let Err(error) = target.fs.replace(&target.dir, name, &target.name) else {
            return Ok(backup);
        };
        if self.is_renamed(ours, &target.name) {
            return Ok(backup);
        }
        if is_still(target, seen).unwrap_or(false) {
            self.discard(backup);
            return Err(error.into());
        }
        Err(PublishError::Unknown { kept_as: backup.name, error })
    }

    fn discard(&mut self, backup: Backup) {
        let target = &self.body.target;
        if let Err(error) = target.fs.remove_file(&target.dir, &backup.name) {
            self.left_behind.push((backup.name, error));
        }
    }

    /// Gives the old file a second name, or makes a durable copy of it.
    fn keep_old(&mut self, backup_name: &OsString, seen: Seen) -> Result<Backup, PublishError> {
        let target = &self.body.target;
        let backup = Backup { name: backup_name.clone(), was_exchanged: false };
        let linked =
            target.fs.hard_link(&target.dir, &target.name, &target.dir, backup_name)?.is_done();
        let kept = if linked {
            target.fs.metadata_at(&target.dir, backup_name).map_err(PublishError::from)
        } else {
            self.copy_old(backup_name)
        };
        let is_unchanged = match &kept {
            Ok(kept) if Seen::of(kept) != seen => Ok(false),
            // Also where it was linked: another program may have come since.
            Ok(_) => is_still(&self.body.target, seen),
            Err(_) => Ok(false),
        };
        match (kept, is_unchanged) {
            (Ok(_), Ok(true)) => Ok(backup),
            (Err(why), _) if !linked => Err(why),
            (Err(why), _) => {
                self.discard(backup);
                Err(why)
            }
            (Ok(_), Err(error)) => {
                self.discard(backup);
                Err(error.into())
            }
            (Ok(_), Ok(false)) => {
                self.discard(backup);
                Err(PublishError::TargetChanged)
            }
        }
    }

    /// Makes a durable copy of the old entry beside it. Returns the old one's metadata as they
    /// were when it was read. On failure nothing is left.
    fn copy_old(&mut self, backup_name: &OsString) -> Result<Metadata, PublishError> {
        let target = &self.body.target;
        let old = target.fs.metadata_at(&target.dir, &target.name)?;
        let copied = match old.kind {
            FileKind::Symlink => {
                let text = target.fs.read_link(&target.dir, &target.name)?;
                target.fs.create_symlink(&target.dir, backup_name, &text)?;
                let times = times_of(&old);
                let timed = target.fs.set_link_times(&target.dir, backup_name, times);
                timed.map(|_| old).map_err(PublishError::from)
            }
            _ => {
                let file = target.fs.open_source(&target.dir, &target.name)?;
                let copy = target.fs.create_partial(&target.dir, backup_name)?;
                copy_file(target.fs.as_ref(), &file, &copy, self.control)
            }
        };
        if copied.is_err() {
            self.discard(Backup { name: backup_name.clone(), was_exchanged: false });
        }
        copied
    }
}
