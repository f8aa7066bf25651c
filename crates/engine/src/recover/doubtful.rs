//! Publications that have failed, and may have come about all the same.
//!
//! When a disk is lost between publishing a file and flushing its name, nobody can say which of two files
//! will be there when it is back. Then it can be seen, and what was proved before it was published is read
//! again: a copy that is still right is finished like one whose run has died. Nothing is removed for being
//! in doubt: neither the copy, which may be the only one when its source has gone, nor what it replaced.

use surecopy_fs::{FileKind, FileSystem, FsResult, Support};

use super::publication::Found;
use super::recovery::Recovery;
use super::standing::is_replaced;
use crate::buffers::AlignedBuffer;
use crate::context::Bounds;
use crate::control::Cancelled;
use crate::error::Side;
use crate::opened::Opened;
use crate::record::{Done, Landed, Publication};
use crate::report::Step;
use crate::verify::{VerifyError, open_medium, read_back_digest};

/// A copy of which it is to be seen whether it is still right.
pub(super) struct Doubtful {
    pub(super) found: Found,
    /// It stands under the name of the backup, and what it was to replace has the visible one.
    pub(super) is_hidden: bool,
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
                Ok(Proof::Wrong) | Err(VerifyError::Mismatch) => self.is_wrong(&doubtful, &opened),
                Ok(Proof::None) => {
                    self.leave(&doubtful.found, "nothing tells it from what it was to replace");
                    Ok(())
                }
                Err(VerifyError::Cancelled) => return Err(Cancelled),
                Err(VerifyError::Fs(_, error)) => Err(error),
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
        self.give_back(found, opened, &ours)?;
        self.settle(found);
        Ok(false)
    }

    /// What is visible stays so until the entry is copied anew: it may be all that there is. That is done
    /// whatever is to become of files that were there before.
    fn is_wrong(&mut self, doubtful: &Doubtful, opened: &Opened<F>) -> FsResult<()> {
        let found = &doubtful.found;
        let Publication { mapping, target, backup, report, .. } = &found.publication;
        if doubtful.is_hidden {
            self.remove(opened, backup)?;
            self.settle(found);
            return Ok(());
        }
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
        self.recovered.wrong.insert((*mapping, target.clone()), done);
        let message = "it is not what was written before a disk was lost, and is copied again";
        self.warn_left_behind(report.target.clone(), message.to_owned());
        Ok(())
    }
}
