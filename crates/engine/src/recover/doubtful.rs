//! Publications that have failed, and may have come about all the same.
//!
//! When a disk is lost between publishing a file and flushing its name, nobody can say which of two files
//! will be there when it is back. Then it can be seen, and what was proved before it was published is read
//! again: a copy that is still right is finished like one whose run has died. Nothing is removed for being
//! in doubt: neither the copy, which may be the only one when its source has gone, nor what it replaced.

use surecopy_fs::{FileKind, FileSystem, FsErrorKind, FsResult, Metadata, Support};

use super::publication::Found;
use super::recovery::Recovery;
use super::standing::is_replaced;
use crate::buffers::AlignedBuffer;
use crate::commit::{ExchangedBack, exchange_back};
use crate::context::Bounds;
use crate::control::Cancelled;
use crate::error::Side;
use crate::opened::Opened;
use crate::plan::Seen;
use crate::record::{Done, Landed, Publication};
use crate::report::Step;
use crate::verify::{VerifyError, open_medium, read_back_digest};

/// A copy of which it is to be seen whether it is still right.
pub(super) struct Doubtful {
    pub(super) found: Found,
    /// It stands under the name of the backup, and what it was to replace has the visible one.
    pub(super) is_hidden: bool,
    /// What it replaced stands under the name of the backup.
    pub(super) is_former_hidden: bool,
}

/// What looking at a copy again came to.
enum Proof {
    Right,
    /// Its content is another one.
    Wrong,
    /// There is nothing to go by.
    None,
}

impl<F: FileSystem> Recovery<'_, F> {
    /// Looks at every copy that is in doubt. Those that are right are published.
    pub(super) fn dispel_doubts(&mut self) -> Result<(), Cancelled> {
        for doubtful in std::mem::take(&mut self.doubtful) {
            self.outside.control.checkpoint()?;
            let Found { publication, parent, .. } = &doubtful.found;
            let opened = match self.sight.directory(publication.mapping, parent) {
                Some(Ok(Some(opened))) => opened,
                Some(Ok(None)) | None => continue,
                Some(Err(error)) => {
                    self.cannot_look(publication, &error);
                    continue;
                }
            };
            let done = match self.read_again(&doubtful, &opened) {
                Ok(Proof::Right) => self.is_right(&doubtful, &opened),
                Ok(Proof::Wrong) | Err(VerifyError::Mismatch) => {
                    self.is_not_right(&doubtful, &opened, "it is not what was written")
                }
                Ok(Proof::None) => {
                    self.is_not_right(&doubtful, &opened, "nothing tells what it is")
                }
                Err(VerifyError::Cancelled) => return Err(Cancelled),
                Err(VerifyError::Fs(_, error)) => {
                    self.is_not_right(&doubtful, &opened, &error.to_string())
                }
            };
            if let Err(error) = done {
                self.cannot_look(publication, &error);
            }
        }
        Ok(())
    }

    fn read_again(&self, doubtful: &Doubtful, opened: &Opened<F>) -> Result<Proof, VerifyError> {
        let failed = |error| VerifyError::Fs(Side::Destination, error);
        let (fs, dir, volume) = (self.sight.fs, &opened.dir, &opened.volume);
        let Publication { report, backup, .. } = &doubtful.found.publication;
        let name = if doubtful.is_hidden { backup.as_os_str() } else { doubtful.found.name() };
        let kind = fs.metadata_at(dir, name).map_err(failed)?.kind;
        let (Some(digest), FileKind::File) = (&report.digest, kind) else {
            // By number, size and time, where files have numbers that last.
            let is_known = volume.filesystem.has_lasting_file_numbers;
            return Ok(if is_known { Proof::Right } else { Proof::None });
        };
        let file = fs.open_source(dir, name).map_err(failed)?;
        let medium = open_medium(fs, volume, dir, name, &file, self.spec.read_back, true);
        let mut medium = medium.map_err(failed)?;
        let bounds = Bounds::of(self.spec, self.outside.available_memory_bytes);
        let mut buffer = AlignedBuffer::new(bounds.scratch_bytes);
        let progress = self.outside.progress.worker(0);
        progress.begin(report.target.clone(), report.size_bytes, None);
        progress.step(Step::Verifying);
        // These bytes are none of those that the job is still to verify.
        let mut read = |_| {};
        let (algorithm, control) = (digest.algorithm, self.outside.control);
        let found =
            read_back_digest(fs, &mut medium, &file, algorithm, &mut buffer, control, &mut read);
        progress.idle();
        Ok(if found? == *digest { Proof::Right } else { Proof::Wrong })
    }

    fn is_right(&mut self, doubtful: &Doubtful, opened: &Opened<F>) -> FsResult<()> {
        if !doubtful.is_hidden || self.show_hidden(&doubtful.found, opened)? {
            self.finished.push(doubtful.found.clone());
        }
        Ok(())
    }

    /// Gives the copy the visible name. Says whether it has it now.
    fn show_hidden(&mut self, found: &Found, opened: &Opened<F>) -> FsResult<bool> {
        let (fs, dir, backup) = (self.sight.fs, &opened.dir, &found.publication.backup);
        self.recovered.has_changed = true;
        if let Support::Unsupported = fs.exchange(dir, backup, found.name())? {
            self.leave(found, "it goes when that is copied, as names cannot be exchanged here");
            return Ok(false);
        }
        // Now, and only now, is it certain what had the visible name.
        if is_replaced(found.landed, &fs.metadata_at(dir, backup)?) {
            return Ok(true);
        }
        let ours = fs.metadata_at(dir, found.name())?;
        self.hide(found, opened, &ours)?;
        self.leave(found, "another program has put a file in its place");
        Ok(false)
    }

    /// It is not known to be right, and stays until the entry is copied anew: it may be all that there is.
    fn is_not_right(&mut self, doubtful: &Doubtful, opened: &Opened<F>, why: &str) -> FsResult<()> {
        let Doubtful { found, is_hidden, is_former_hidden } = doubtful;
        if *is_hidden {
            self.leave(found, why);
            return Ok(());
        }
        let Publication { mapping, target, report, .. } = &found.publication;
        if *is_former_hidden {
            // The entry is then copied as if it never had been, and what it replaces is kept if it is to be.
            let ours = self.sight.fs.metadata_at(&opened.dir, found.name())?;
            match self.hide(found, opened, &ours) {
                Ok(()) => {
                    self.leave(found, why);
                    return Ok(());
                }
                Err(error) => tracing::debug!(%error, ?target, "what was replaced is not put back"),
            }
        }
        // Whatever is to become of files that were there before, it is none of them.
        let Landed { source, target: made, .. } = found.landed;
        let done = Done {
            source,
            target: made,
            target_name: None,
            is_incomplete: report.is_metadata_incomplete(),
            has_lost_link: report.has_lost_link(),
            evidence: report.evidence,
            digest: report.digest.clone(),
        };
        self.recovered.unproved.insert((*mapping, target.clone()), done);
        let message = format!("it could not be made durable, and is copied again: {why}");
        self.warn_left_behind(report.target.clone(), message);
        Ok(())
    }

    /// Gives what the copy replaced its name back, and the copy the name of the backup.
    fn hide(&mut self, found: &Found, opened: &Opened<F>, ours: &Metadata) -> FsResult<()> {
        self.recovered.has_changed = true;
        match exchange_back(&self.target(found, opened), &found.publication.backup, Seen::of(ours))
        {
            ExchangedBack::Done => Ok(()),
            ExchangedBack::Unseen(error) | ExchangedBack::Displaced(error) => Err(error),
        }
    }

    /// What was replaced gets its name back, and the copy goes; there may be but one of them.
    pub(super) fn take_back(
        &mut self,
        found: &Found,
        opened: &Opened<F>,
        copy: Option<&Metadata>,
    ) -> FsResult<()> {
        let (fs, dir, backup) = (self.sight.fs, &opened.dir, &found.publication.backup);
        self.recovered.has_changed = true;
        let is_former_there = opened.at(fs, backup)?.is_some();
        match (copy, found.landed.replaced) {
            (None, _) => fs.publish_new(dir, backup, found.name())?,
            (Some(_), None) => fs.remove_file(dir, found.name())?,
            (Some(_), Some(_)) if !is_former_there => {
                self.leave_visible(found, "what it replaced is not there any more");
                return Ok(());
            }
            (Some(copy), Some(_)) => match self.hide(found, opened, copy) {
                Ok(()) => self.remove(opened, backup)?,
                // Another program's file that is put there at this moment is lost, as when it was copied.
                Err(error) if error.kind == FsErrorKind::NotSupported => {
                    fs.replace(dir, backup, found.name())?;
                }
                Err(error) => return Err(error),
            },
        }
        match found.landed.replaced {
            Some(_) => self.recovered.put_back += 1,
            None => self.recovered.removed += 1,
        }
        self.settle(found);
        Ok(())
    }

    fn leave_visible(&mut self, found: &Found, why: &str) {
        let message =
            format!("this could not be made durable when it was copied, and stays: {why}");
        self.warn_left_behind(found.publication.report.target.clone(), message);
    }
}
