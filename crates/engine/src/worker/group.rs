//! Committing complete partial files together: flush, read back, publish, flush the directories.
//!
//! One flush of the volume serves the whole group. A flush that fails says nothing about which
//! file was hit, and a second one would say that all is well; so after a failure every member is
//! copied again from its source, with a flush of its own.

use std::path::PathBuf;

use surecopy_fs::{FileSystem, FsError, FsErrorKind, RelPath};

use super::attempt::beside;
use super::ended::Ended;
use super::member::{Member, Setback, Work};
use super::settle::Removed;
use super::take::Worker;
use crate::commit::{Flushed, Proved, Published, RollBack};
use crate::directories::flush_names_in;
use crate::error::{ErrorCode, ItemError};
use crate::links::LinkTarget;
use crate::plan::{Action, LinkRole};
use crate::record::Fact;
use crate::report::ItemStatus;

/// Members that fell out on the way, each with the reason.
pub(super) type Fallen = Vec<(Work, Setback)>;

impl<F: FileSystem> Worker<'_, '_, F> {
    /// Commits everything that waits, as far as that goes without waiting for the announcement. Returns
    /// the members that fell out; all others have ended, or are announced.
    pub(super) fn commit_members(&mut self) -> Fallen {
        let group = std::mem::take(&mut self.group);
        if group.members.is_empty() {
            return Vec::new();
        }
        let mut fallen = Vec::new();
        if self.context.outside.control.is_cancelled() {
            // Nothing of it is visible yet, and a flush could take long.
            self.abandon(group.members, &mut fallen);
            return fallen;
        }
        let flushed = self.flush_all(group.members, &mut fallen);
        let proved = self.prove_all(flushed, &mut fallen);
        self.announce(proved, group.since, &mut fallen);
        if self.is_announcement_over() {
            self.publish_announced(&mut fallen);
        }
        self.progress.idle();
        fallen
    }

    fn prove_all(
        &mut self,
        flushed: Vec<Member<F, Flushed<F>>>,
        fallen: &mut Fallen,
    ) -> Vec<Member<F, Proved<F>>> {
        let mut proved = Vec::with_capacity(flushed.len());
        for Member { mut work, stage, claim } in flushed {
            let outcome = match self.control.checkpoint() {
                Ok(()) => self
                    .prove(&mut work, &stage, &claim)
                    .and_then(|()| self.compare_with_earlier(&work, claim.source_seen)),
                Err(crate::control::Cancelled) => Err(Setback::Cancelled),
            };
            match outcome {
                Ok(()) => proved.push(Member { work, stage: stage.proved(), claim }),
                Err(setback) => {
                    self.drop_partial(stage.discard(), &work);
                    fallen.push((work, setback));
                }
            }
        }
        proved
    }

    pub(super) fn make_names_durable(
        &mut self,
        published: Vec<Member<F, Published<F>>>,
        fallen: &mut Fallen,
    ) {
        match self.flush_names(&published) {
            Ok(()) => self.commit_all(published),
            Err(error) => {
                for member in published {
                    let reason = self.roll_back(member, &error);
                    fallen.push(reason);
                }
            }
        }
    }

    /// Flushes every directory in which something was published, and those above new ones.
    fn flush_names(&mut self, published: &[Member<F, Published<F>>]) -> Result<(), FsError> {
        let Some(first) = published.first() else { return Ok(()) };
        let fs = self.context.fs();
        let created = self.context.directories.created();
        let one_directory = published.iter().all(|member| {
            member.claim.parent == first.claim.parent
                && member.work.item.mapping == first.work.item.mapping
        });
        let volume = &first.claim.volume;
        let covered = self.created_flushed.get(&volume.id).copied().unwrap_or(0);
        if one_directory && created.begun == covered {
            flush_names_in(fs, &first.stage.target().dir)?;
            self.settle(|removed| removed.place == first.place());
            return Ok(());
        }
        let point = self.handles.flush_point(volume);
        if let Some(point) = point
            && self.handles.flush_through(volume, || fs.flush_volume(&point))?.is_done()
        {
            if created.is_settled {
                self.created_flushed.insert(volume.id, created.begun);
            }
            let id = volume.id;
            self.settle(|removed| removed.volume.id == id);
            return Ok(());
        }
        let mut last: Option<(usize, &RelPath)> = None;
        for member in published {
            let mapping = member.work.item.mapping;
            if last != Some((mapping, &member.claim.parent)) {
                let root = &self.context.roots[mapping].destination;
                let dir = &member.stage.target().dir;
                self.context.directories.flush_with_new_above(
                    mapping,
                    root,
                    dir,
                    &member.claim.parent,
                )?;
                last = Some((mapping, &member.claim.parent));
            }
        }
        self.settle(|removed| published.iter().any(|member| removed.place == member.place()));
        Ok(())
    }

    /// The end is recorded before backups go: until then, they are the way back. Where there are none,
    /// nothing waits for that.
    fn commit_all(&mut self, published: Vec<Member<F, Published<F>>>) {
        let mut replacing = Vec::new();
        for member in published {
            let Member { mut work, stage, claim } = member;
            let parent = claim.parent;
            self.context.directories.published_in(work.item.mapping, &parent);
            let mut is_as_announced = true;
            if work.item.link_role == LinkRole::First || work.was_further_name() {
                // What other name it has is found only now.
                is_as_announced = false;
                let target = LinkTarget {
                    dir: parent.clone(),
                    name: stage.target().name.clone(),
                    id: stage.id(),
                    evidence: work.report.evidence,
                    digest: work.report.digest.clone(),
                };
                let other = self.context.links.put(work.first_name(), target);
                work.note_other_copy(other.as_ref());
            }
            work.report.status = ItemStatus::Ok;
            let item = work.item.id;
            let ended = Ended { item, report: work.report, share: work.share, is_as_announced };
            if stage.backup_name().is_none() {
                self.ended.push(ended, self.context.outside.clock.now());
                continue;
            }
            let place = (work.item.mapping, parent);
            let removed = Removed { item, volume: claim.volume, place };
            replacing.push((ended, stage, removed));
        }
        if !replacing.is_empty() {
            self.commit_replacing(replacing);
        }
    }

    fn commit_replacing(&mut self, replacing: Vec<(Ended, Published<F>, Removed)>) {
        let ends = replacing.iter().map(|(ended, _, _)| ended.fact()).collect();
        let is_recorded = self.record_with_ended(ends).is_ok();
        let mut settled = Vec::new();
        for (Ended { item, mut report, share, .. }, stage, removed) in replacing {
            let begun = self.context.outside.clock.now();
            if !is_recorded {
                if let Some(kept) = stage.keep() {
                    self.warn_kept(beside(&report.target, &kept));
                }
            } else if self.context.spec.keep_replaced {
                stage.keep();
                settled.extend(Some(item).filter(|item| !self.unsettled.contains(item)));
            } else if let Some((left, error)) = stage.commit() {
                self.warn_left_behind(beside(&report.target, &left), &error);
            } else if !self.unsettled.contains(&item) {
                self.removed.push(removed);
            }
            report.times.cleanup += self.context.outside.clock.now().saturating_sub(begun);
            self.context.account(report, share);
        }
        if !settled.is_empty() {
            self.context.note(vec![Fact::Settled { items: settled }]);
        }
        self.settle_if_many();
    }

    fn roll_back(&mut self, member: Member<F, Published<F>>, error: &FsError) -> (Work, Setback) {
        let Member { mut work, stage, .. } = member;
        work.report.rollback_performed = true;
        let target = work.report.target.clone();
        let reason = match stage.roll_back() {
            RollBack::Succeeded { restored, left_behind } => {
                work.report.rollback_succeeded = true;
                work.report.backup = None;
                if let Some((left, error)) = left_behind {
                    self.unsettled.insert(work.item.id);
                    self.warn_left_behind(beside(&target, &left), &error);
                }
                if let Some(seen) = restored {
                    work.item.action = Action::Replace(seen);
                }
                let message = format!("the directory could not be flushed: {error}");
                let mut reason = ItemError::new(ErrorCode::FlushFailed, target, message)
                    .with_details("the former state was put back");
                reason.os_error = error.os_error();
                reason
            }
            RollBack::Failed(second) => {
                work.report.rollback_succeeded = false;
                let message = format!("published, durability unknown: {error}");
                let details = match &work.report.backup {
                    // Somebody else's files came in between: which of them was kept is not said.
                    Some(kept) if second.kind == FsErrorKind::AlreadyExists => format!(
                        "the former file, or another program's, is kept as {}: {second}",
                        kept.display()
                    ),
                    Some(kept) => {
                        format!("the former file is kept as {}: {second}", kept.display())
                    }
                    None => format!("the new file was not removed: {second}"),
                };
                let mut reason = ItemError::new(ErrorCode::DurabilityUnknown, target, message)
                    .with_details(details);
                reason.os_error = error.os_error();
                reason
            }
        };
        (work, Setback::Failed(reason))
    }

    pub(super) fn drop_partial(&self, removed: Result<(), FsError>, work: &Work) {
        if let Err(error) = removed {
            let path: PathBuf =
                work.report.partial.clone().unwrap_or_else(|| work.report.target.clone());
            self.warn_left_behind(path, &error);
        }
    }
}
