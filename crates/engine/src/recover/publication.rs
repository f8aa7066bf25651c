//! One publication that a run did not settle.
//!
//! The new file stands under its partial name, then, if it replaces something, under the name of the
//! backup, and at last under the visible one; what it replaces stands under the visible name until
//! then, and under that of the backup from then on.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use surecopy_fs::{FileKind, FileSystem, FsError, FsResult, Metadata, RelPath};

use super::recovery::Recovery;
use crate::commit::{ExchangedBack, Target, exchange_back};
use crate::opened::Opened;
use crate::plan::{ItemId, Seen, Unprepared};
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
            Ok(true) => self.settle_in((publication.mapping, parent), publication.item),
            Ok(false) => {}
            Err(error) => self.cannot_look(publication, &error),
        }
    }

    fn settle_in(&mut self, place: (usize, RelPath), item: ItemId) {
        self.settled_in.entry(place).or_default().push(item);
        self.settled.push(item);
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
        // Where files have no lasting numbers, a file may look like the one that it replaces. Then it
        // counts as not published: its content is compared when it is planned anew.
        let is_published = is(landed.target, &found.target) && !is_old(&found.target);
        let backup_path = || publication.report.target.with_file_name(&publication.backup);
        // Never anybody else's, by how names are used; still it is looked at.
        if is(landed.target, &found.partial) {
            self.remove(opened, &publication.partial)?;
        }
        match unsettled.end {
            RecordedEnd::None if is_published && is_displaced(landed, found) => {
                self.give_back(opened, publication, found)?;
                return Ok(true);
            }
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
            RecordedEnd::None | RecordedEnd::Ok | RecordedEnd::Otherwise => {}
        }
        let may_be_old = is_old(&found.backup) && self.spec.keep_replaced;
        if is(landed.target, &found.backup) && !is_published && !may_be_old {
            // It had not yet taken the place of what it was to replace.
            self.remove(opened, &publication.backup)?;
        } else if unsettled.end == RecordedEnd::Ok {
            self.remove_backup(opened, &publication.backup, landed, &backup_path())?;
        } else if is_second_name(found)
            || !may_be_old && is_old(&found.target) && is_copy_of_target(found)
        {
            // What stands there is needed no second time.
            self.remove(opened, &publication.backup)?;
        } else if unsettled.end == RecordedEnd::Otherwise {
            // Which of them is right was left to the user, who is reminded for as long as there are two.
            let is_old_left = found.backup.as_ref().is_some_and(|old| is_replaced(landed, old));
            if is_old_left && !self.spec.keep_replaced {
                let message = "this is what a run of the job has replaced and could neither make durable nor \
                               take back: remove it when what has its name now is right";
                self.warn_left_behind(backup_path(), message.to_owned());
                return Ok(false);
            }
        } else if may_be_old && is_old(&found.target) {
            let message = "this may be what was replaced when a run of the job was interrupted, and \
                           is to be kept: on this file system nothing tells it from what replaced it";
            self.warn(WarningKind::LeftBehind, backup_path(), message.to_owned());
        } else if found.backup.is_some() {
            let message = "this is the file that was being replaced when a run of the job was \
                           interrupted; what has its name now is another program's";
            self.warn(WarningKind::LeftBehind, backup_path(), message.to_owned());
        }
        Ok(true)
    }

    /// The run died when it had exchanged the new file with one that another program had put there in
    /// the meantime: that one gets its name back.
    fn give_back(
        &mut self,
        opened: &Opened<F>,
        publication: &Publication,
        found: &Found,
    ) -> FsResult<()> {
        let Some(ours) = &found.target else { return Ok(()) };
        let name = publication.target.name().unwrap_or_default().to_owned();
        let (fs, dir) = (Arc::clone(&self.outside.fs), Arc::clone(&opened.dir));
        let target = Target { fs, dir, name };
        self.recovered.has_changed = true;
        match exchange_back(&target, &publication.backup, Seen::of(ours)) {
            ExchangedBack::Done => self.remove(opened, &publication.backup),
            ExchangedBack::Unseen(error) | ExchangedBack::Displaced(error) => {
                let path = publication.report.target.with_file_name(&publication.backup);
                let message = format!(
                    "this is another program's file, which a run of the job has \
                                       replaced by mistake when it was interrupted: {error}"
                );
                self.warn(WarningKind::LeftBehind, path, message);
                Ok(())
            }
        }
    }

    /// Removes what a published file replaced, unless that is to be kept.
    fn remove_backup(
        &mut self,
        opened: &Opened<F>,
        name: &OsStr,
        landed: Landed,
        path: &Path,
    ) -> FsResult<()> {
        if self.spec.keep_replaced {
            return Ok(());
        }
        match opened.at(self.sight.fs, name)? {
            Some(backup) if is_replaced(landed, &backup) => self.remove(opened, name),
            Some(_) => {
                let message = "this is not what the job has replaced, so it stays".to_owned();
                self.warn(WarningKind::LeftBehind, path.to_owned(), message);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn remove(&mut self, opened: &Opened<F>, name: &OsStr) -> FsResult<()> {
        self.recovered.has_changed = true;
        self.sight.fs.remove_file(&opened.dir, name)
    }

    /// Records the ends of what is published, and removes what it replaced.
    pub(super) fn finish(&mut self) -> Result<(), Unprepared> {
        let finished = std::mem::take(&mut self.finished);
        let mut flushed: Option<(usize, RelPath)> = None;
        let mut durable = Vec::new();
        for item in finished {
            let place = (item.mapping, item.parent.clone());
            if flushed.as_ref() != Some(&place) {
                self.outside.control.checkpoint()?;
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
                self.settle_in((item.mapping, item.parent), item.item);
            }
        }
        Ok(())
    }

    fn remove_replaced(&mut self, item: &Finished) -> FsResult<()> {
        let Some(landed) = item.report.landed else { return Ok(()) };
        let Some(Ok(Some(opened))) = self.sight.directory(item.mapping, &item.parent) else {
            return Ok(());
        };
        let path = item.report.target.with_file_name(&item.backup);
        self.remove_backup(&opened, &item.backup, landed, &path)
    }

    fn cannot_look(&mut self, publication: &Publication, error: &FsError) {
        let message = format!("what an interrupted run left here cannot be put in order: {error}");
        self.warn_left_behind(publication.report.target.clone(), message);
    }

    pub(super) fn cannot_remove(&mut self, path: PathBuf, error: &FsError) {
        self.warn_left_behind(path, format!("could not be removed: {error}"));
    }
}

/// Whether a backup is what was replaced, or a copy of it: copies have a number of their own.
fn is_replaced(landed: Landed, backup: &Metadata) -> bool {
    landed.replaced.is_some_and(|old| {
        let is_like_it = old.size_bytes == backup.size && old.modified == backup.modified;
        is_like_it && backup.kind != FileKind::Directory
    })
}

/// Whether what stands under the backup's name is neither what was to be replaced nor ours.
fn is_displaced(landed: Landed, found: &Found) -> bool {
    let backup = found.backup.as_ref().filter(|_| landed.replaced.is_some());
    backup.is_some_and(|backup| !is_replaced(landed, backup))
}

/// Whether the backup is a second name of what stands under the visible one.
fn is_second_name(found: &Found) -> bool {
    matches!((&found.target, &found.backup), (Some(target), Some(backup)) if target.id == backup.id)
}

/// Whether the backup is a copy of what stands under the visible name, or was to become one. A copy
/// is made to be read by its owner only, and grows, before it is given its time; of one that the power
/// left, the time may be there without the content. A link has its whole text at once.
fn is_copy_of_target(found: &Found) -> bool {
    let (Some(target), Some(backup)) = (&found.target, &found.backup) else { return false };
    let has_begun = backup.modified == target.modified || backup.mode & 0o777 == 0o600;
    match (target.kind, backup.kind) {
        (FileKind::File, FileKind::File) => backup.size <= target.size && has_begun,
        (FileKind::Symlink, FileKind::Symlink) => backup.size == target.size,
        _ => false,
    }
}
