//! One publication that a run did not settle.
//!
//! The new file stands under its partial name, then, if it replaces something, under the name of the
//! backup, and at last under the visible one; what it replaces stands under the visible name until
//! then, and under that of the backup from then on.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::Arc;

use surecopy_fs::{FileSystem, FsError, FsResult, Metadata, RelPath};

use super::doubtful::Doubtful;
use super::recovery::Recovery;
use super::standing::{Hidden, Step, Visible, decide};
use crate::commit::{ExchangedBack, Target, exchange_back};
use crate::opened::Opened;
use crate::plan::{ItemId, Seen, Unprepared};
use crate::record::{Fact, Landed, Publication, RecordedEnd, Unsettled};
use crate::report::WarningKind;

/// A publication, and where it is.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) publication: Publication,
    pub(super) landed: Landed,
    /// The directory of its names, beneath the destination root.
    pub(super) parent: RelPath,
}

/// What stands under its names.
struct Names {
    target: Option<Metadata>,
    visible: Visible,
    hidden: Hidden,
}

impl Found {
    pub(super) fn name(&self) -> &OsStr {
        self.publication.target.name().unwrap_or_default()
    }

    fn place(&self) -> (usize, RelPath) {
        (self.publication.mapping, self.parent.clone())
    }

    /// Where what is hidden stands.
    fn backup_path(&self) -> PathBuf {
        self.publication.report.target.with_file_name(&self.publication.backup)
    }
}

impl<F: FileSystem> Recovery<'_, F> {
    /// Finishes or undoes one publication, as far as that can be done before ends are recorded.
    pub(super) fn look_at(&mut self, unsettled: &Unsettled) {
        let publication = &unsettled.publication;
        let (Some(landed), Some((parent, _))) =
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
        let found = Found { publication: publication.clone(), landed, parent };
        let done = self
            .remove_partial(&found, &opened)
            .and_then(|()| self.put_right(&found, unsettled.end, &opened));
        if let Err(error) = done {
            self.cannot_look(publication, &error);
        }
    }

    /// Never anybody else's, by how names are used; still it is looked at.
    fn remove_partial(&mut self, found: &Found, opened: &Opened<F>) -> FsResult<()> {
        let name = &found.publication.partial;
        match opened.at(self.sight.fs, name)? {
            Some(partial) if found.landed.target.is_still(&partial, &opened.volume) => {
                self.remove(opened, name)
            }
            Some(_) | None => Ok(()),
        }
    }

    fn put_right(&mut self, found: &Found, end: RecordedEnd, opened: &Opened<F>) -> FsResult<()> {
        let names = self.names(found, opened)?;
        let keeps_replaced = self.spec.keep_replaced;
        match decide(end, self.toward, keeps_replaced, names.visible, names.hidden) {
            Step::Nothing => self.settle(found),
            Step::Wait => {}
            Step::RemoveHidden => {
                self.remove(opened, &found.publication.backup)?;
                self.settle(found);
            }
            Step::Finish => self.finished.push(found.clone()),
            Step::Prove { is_hidden } => {
                let is_former_hidden = names.hidden == Hidden::Former;
                let found = found.clone();
                self.doubtful.push(Doubtful { found, is_hidden, is_former_hidden });
            }
            Step::TakeBack => self.take_back(found, opened, names.target.as_ref())?,
            Step::GiveBack => {
                if let Some(ours) = &names.target {
                    self.give_back(found, opened, ours)?;
                }
                self.settle(found);
            }
            Step::Leave(why) => self.warn_left_behind(found.backup_path(), why.to_owned()),
            Step::Keep(why) => {
                self.warn(WarningKind::LeftBehind, found.backup_path(), why.to_owned());
                self.settle(found);
            }
        }
        Ok(())
    }

    fn names(&self, found: &Found, opened: &Opened<F>) -> FsResult<Names> {
        let (fs, volume, landed) = (self.sight.fs, &opened.volume, found.landed);
        let target = opened.at(fs, found.name())?;
        let backup = opened.at(fs, &found.publication.backup)?;
        let visible = Visible::of(landed, target.as_ref(), volume);
        let hidden = Hidden::of(landed, backup.as_ref(), target.as_ref(), volume);
        Ok(Names { target, visible, hidden })
    }

    /// Nothing is left of it.
    pub(super) fn settle(&mut self, found: &Found) {
        let item = found.publication.item;
        self.settled_in.entry(found.place()).or_default().push(item);
        self.settled.push(item);
    }

    pub(super) fn target(&self, found: &Found, opened: &Opened<F>) -> Target<F> {
        let (fs, dir) = (Arc::clone(&self.outside.fs), Arc::clone(&opened.dir));
        Target { fs, dir, name: found.name().to_owned() }
    }

    /// The run died when it had exchanged the new file with one that another program had put there in
    /// the meantime: that one gets its name back.
    fn give_back(&mut self, found: &Found, opened: &Opened<F>, ours: &Metadata) -> FsResult<()> {
        let (target, backup) = (self.target(found, opened), &found.publication.backup);
        self.recovered.has_changed = true;
        match exchange_back(&target, backup, Seen::of(ours)) {
            ExchangedBack::Done => self.remove(opened, backup),
            ExchangedBack::Unseen(error) | ExchangedBack::Displaced(error) => {
                let message = format!(
                    "this is another program's file, which a run of the job has replaced by mistake \
                     when it was interrupted: {error}"
                );
                self.warn(WarningKind::LeftBehind, found.backup_path(), message);
                Ok(())
            }
        }
    }

    /// Records the ends of what is published, and removes what it replaced.
    pub(super) fn finish(&mut self) -> Result<(), Unprepared> {
        let finished = std::mem::take(&mut self.finished);
        let mut flushed: Option<(usize, RelPath)> = None;
        let mut durable = Vec::new();
        for found in finished {
            if flushed.as_ref() != Some(&found.place()) {
                self.outside.control.checkpoint()?;
                let mapping = found.publication.mapping;
                // Published by a process that died, it may not have reached the device.
                if let Err(error) = self.sight.flush_with_all_above(mapping, &found.parent) {
                    let message =
                        format!("published, and the directory cannot be flushed: {error}");
                    self.warn_left_behind(found.publication.report.target.clone(), message);
                    continue;
                }
                flushed = Some(found.place());
            }
            durable.push(found);
        }
        if durable.is_empty() {
            return Ok(());
        }
        // An item that was tried again may show by each of its announcements, as a name of a file does, or a
        // file that was given the number of the one before. It ends once, by the last.
        let last: BTreeMap<ItemId, &Found> =
            durable.iter().map(|found| (found.publication.item, found)).collect();
        let end = |(item, found): (ItemId, &Found)| Fact::Ended {
            item,
            report: found.publication.report.clone(),
        };
        self.outside.journal.record(last.into_iter().map(end).collect())?;
        for found in durable {
            // What is not there any more has left nothing.
            let done = match self.sight.directory(found.publication.mapping, &found.parent) {
                Some(Ok(Some(opened))) => self.put_right(&found, RecordedEnd::Ok, &opened),
                Some(Err(error)) => Err(error),
                Some(Ok(None)) | None => {
                    self.settle(&found);
                    Ok(())
                }
            };
            if let Err(error) = done {
                self.cannot_remove(found.backup_path(), &error);
            }
        }
        Ok(())
    }

    /// A copy that is in doubt stays under its hidden name.
    pub(super) fn leave(&mut self, found: &Found, why: &str) {
        let message =
            format!("this could not be made durable when it was copied, and stays: {why}");
        self.warn_left_behind(found.backup_path(), message);
    }

    pub(super) fn remove(&mut self, opened: &Opened<F>, name: &OsStr) -> FsResult<()> {
        self.recovered.has_changed = true;
        self.sight.fs.remove_file(&opened.dir, name)
    }

    pub(super) fn cannot_look(&mut self, publication: &Publication, error: &FsError) {
        let message = format!("what an interrupted run left here cannot be put in order: {error}");
        self.warn_left_behind(publication.report.target.clone(), message);
    }

    pub(super) fn cannot_remove(&mut self, path: PathBuf, error: &FsError) {
        self.warn_left_behind(path, format!("could not be removed: {error}"));
    }
}
