//! One publication that a run did not settle.
//!
//! The new file stands under its partial name, then, if it replaces something, under the name of the
//! backup, and at last under the visible one; what it replaces stands under the visible name until
//! then, and under that of the backup from then on.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use surecopy_fs::{FileSystem, FsError, FsResult, Metadata, RelPath};

use super::recovery::Recovery;
use super::sight::Opened;
use crate::plan::{ItemId, Seen};
use crate::record::{Fact, Landed, Publication, RecordedEnd, Unsettled};
use crate::report::{ItemReport, WarningKind};

/// An item that is published, without its end being recorded.
pub(super) struct Finished {
    item: ItemId,
    mapping: usize,
    parent: RelPath,
    backup: OsString,
    report: ItemReport,
}

/// What stands under the three names.
struct Found {
    target: Option<Metadata>,
    partial: Option<Metadata>,
    backup: Option<Metadata>,
}

impl<F: FileSystem> Recovery<'_, F> {
    /// Finishes or undoes one publication, as far as that can be done before ends are recorded.
    pub(super) fn look_at(&mut self, unsettled: &Unsettled) {
        let publication = &unsettled.publication;
        let (Some(landed), Some((parent, name))) =
            (publication.report.landed, publication.target.split())
        else {
            return self.settled.push(publication.item);
        };
        let opened = match self.sight.directory(publication.mapping, &parent) {
            // The job cannot go on there, so this waits.
            None => return,
            Some(Ok(None)) => return self.settled.push(publication.item),
            Some(Ok(Some(opened))) => opened,
            Some(Err(error)) => return self.cannot_look(publication, &error),
        };
        let done = self
            .find(&opened, publication, &name)
            .and_then(|found| self.decide(unsettled, landed, &opened, &parent, &found));
        match done {
            Ok(true) => self.settled.push(publication.item),
            Ok(false) => {}
            Err(error) => self.cannot_look(publication, &error),
        }
    }

    fn find(&self, opened: &Opened<F>, publication: &Publication, name: &OsStr) -> FsResult<Found> {
        let fs = self.sight.fs;
        Ok(Found {
            target: opened.at(fs, name)?,
            partial: opened.at(fs, &publication.partial)?,
            backup: opened.at(fs, &publication.backup)?,
        })
    }

    /// Says whether nothing more is to be done about it.
    fn decide(
        &mut self,
        unsettled: &Unsettled,
        landed: Landed,
        opened: &Opened<F>,
        parent: &RelPath,
        found: &Found,
    ) -> FsResult<bool> {
        let publication = &unsettled.publication;
        let is = |seen: Seen, found: &Option<Metadata>| {
            found.as_ref().is_some_and(|found| seen.is_still(found, &opened.volume))
        };
        let is_old = |found: &Option<Metadata>| landed.replaced.is_some_and(|old| is(old, found));
        let is_published = is(landed.target, &found.target);
        // Never anybody else's, by how names are used; still it is looked at.
        if is(landed.target, &found.partial) {
            self.remove(opened, &publication.partial)?;
        }
        match unsettled.end {
            // What is left of it was told to the user, who decides.
            RecordedEnd::Otherwise => return Ok(true),
            RecordedEnd::None if is_published => {
                self.finished.push(Finished {
                    item: publication.item,
                    mapping: publication.mapping,
                    parent: parent.clone(),
                    backup: publication.backup.clone(),
                    report: (*publication.report).clone(),
                });
                return Ok(false);
            }
            RecordedEnd::None | RecordedEnd::Ok => {}
        }
        if is(landed.target, &found.backup) && !is_published {
            // It had not yet taken the place of what it was to replace.
            self.remove(opened, &publication.backup)?;
        } else if unsettled.end == RecordedEnd::Ok {
            if found.backup.is_some() && !self.spec.keep_replaced {
                self.remove_backup(opened, &publication.backup, landed, found.backup.as_ref())?;
            }
        } else if is_old(&found.target) && self.is_second(landed, &found.backup) {
            // What was to be replaced is in its place, and has or is copied to a second name.
            self.remove(opened, &publication.backup)?;
        } else if found.backup.is_some() {
            let path = publication.report.target.with_file_name(&publication.backup);
            let message = "this is the file that was being replaced when a run of the job was \
                           interrupted; what has its name now is another program's";
            self.warn(WarningKind::LeftBehind, path, message.to_owned());
        }
        Ok(true)
    }

    /// Whether a backup is a second name or a copy of what was to be replaced: copies have a number
    /// of their own.
    fn is_second(&self, landed: Landed, backup: &Option<Metadata>) -> bool {
        let (Some(old), Some(backup)) = (landed.replaced, backup) else { return false };
        old.size_bytes == backup.size && old.modified == backup.modified
            // One that was interrupted while it was made.
            || backup.size < old.size_bytes && backup.mode & 0o777 == 0o600
    }

    fn remove_backup(
        &mut self,
        opened: &Opened<F>,
        name: &OsStr,
        landed: Landed,
        backup: Option<&Metadata>,
    ) -> FsResult<()> {
        if self.is_second(landed, &backup.cloned()) { self.remove(opened, name) } else { Ok(()) }
    }

    fn remove(&self, opened: &Opened<F>, name: &OsStr) -> FsResult<()> {
        self.sight.fs.remove_file(&opened.dir, name)
    }

    /// Records the ends of what is published, and removes what it replaced.
    pub(super) fn finish(&mut self) -> Result<(), crate::record::JournalError> {
        let finished = std::mem::take(&mut self.finished);
        let mut flushed: Option<(usize, RelPath)> = None;
        let mut durable = Vec::new();
        for item in finished {
            let place = (item.mapping, item.parent.clone());
            if flushed.as_ref() != Some(&place) {
                // Published by a process that died, it may not have reached the device.
                if let Err(error) = self.sight.flush_with_all_above(item.mapping, &item.parent) {
                    let message =
                        format!("published, and the directory cannot be flushed: {error}");
                    self.warn(WarningKind::LeftBehind, item.report.target, message);
                    continue;
                }
                flushed = Some(place);
            }
            durable.push(item);
        }
        if durable.is_empty() {
            return Ok(());
        }
        let end = |item: &Finished| Fact::Ended {
            item: item.item,
            report: Box::new(item.report.clone()),
        };
        self.outside.journal.record(durable.iter().map(end).collect())?;
        for item in durable {
            if let Err(error) = self.remove_replaced(&item) {
                let path = item.report.target.with_file_name(&item.backup);
                self.cannot_remove(path, &error);
            } else {
                self.settled.push(item.item);
            }
        }
        Ok(())
    }

    fn remove_replaced(&mut self, item: &Finished) -> FsResult<()> {
        let Some(landed) = item.report.landed.filter(|_| !self.spec.keep_replaced) else {
            return Ok(());
        };
        let Some(Ok(Some(opened))) = self.sight.directory(item.mapping, &item.parent) else {
            return Ok(());
        };
        let backup = opened.at(self.sight.fs, &item.backup)?;
        self.remove_backup(&opened, &item.backup, landed, backup.as_ref())
    }

    fn cannot_look(&mut self, publication: &Publication, error: &FsError) {
        let message = format!("what an interrupted run left here cannot be put in order: {error}");
        self.warn(WarningKind::LeftBehind, publication.report.target.clone(), message);
    }

    pub(super) fn cannot_remove(&mut self, path: PathBuf, error: &FsError) {
        self.warn(WarningKind::LeftBehind, path, format!("could not be removed: {error}"));
    }
}
