//! How long complete partial files wait for each other: not for a large file, not through a pause, and
//! never more than about a second.

use std::time::Duration;

use surecopy_fs::FileSystem;

use super::group::Fallen;
use super::member::Member;
use super::take::Worker;
use crate::commit::Written;
use crate::control::Cancelled;

impl<F: FileSystem> Worker<'_, '_, F> {
    /// Lets a complete partial file wait for others, unless it is a group of its own.
    pub(super) fn add(&mut self, member: Member<F, Written<F>>, alone: bool) {
        let size = member.work.report.size_bytes;
        let other_volume = self
            .group
            .members
            .first()
            .is_some_and(|first| first.claim.volume.id != member.claim.volume.id);
        let is_group_of_its_own = alone || self.is_group_of_its_own(size);
        if is_group_of_its_own {
            self.commit();
        } else if other_volume {
            self.commit_group();
        }
        if self.group.members.is_empty() {
            self.group.since = self.context.outside.clock.now();
        }
        self.group.bytes += size;
        self.group.members.push(member);
        if is_group_of_its_own {
            self.commit();
        } else {
            self.commit_if_due();
        }
    }

    /// Whether others would wait too long for a file of this size.
    pub(super) fn is_group_of_its_own(&self, size_bytes: u64) -> bool {
        size_bytes >= self.context.spec.limits.group_max_bytes
    }

    /// Commits the group when it is full, or has waited long enough, whatever became of the items
    /// since. Ends do not wait longer than that either.
    pub(super) fn commit_if_due(&mut self) {
        let limits = &self.context.spec.limits;
        let is_full = self.group.members.len() >= self.context.bounds.group_files
            || self.group.bytes >= limits.group_max_bytes;
        if is_full {
            return self.commit_group();
        }
        let patience = Duration::from_millis(limits.group_max_millis);
        let has_waited = |now: Duration, since| now.saturating_sub(since) >= patience;
        let now = self.context.outside.clock.now();
        if !self.group.members.is_empty() && has_waited(now, self.group.since) {
            self.commit();
        } else if self.ended.since().is_some_and(|since| has_waited(now, since)) {
            self.record_ended();
        }
    }

    /// Commits the group and records its ends, so that nothing waits any more.
    pub(super) fn commit(&mut self) {
        self.commit_group();
        self.record_ended();
    }

    /// Commits the group; members that fell out are begun again, each as a group of its own. Ends may
    /// be left to be recorded with what the next group announces.
    fn commit_group(&mut self) {
        let control = self.context.outside.control;
        let is_large =
            |member: &Member<F, _>| self.is_group_of_its_own(member.work.report.size_bytes);
        // Nothing waits for a large file.
        let heeded = match self.group.members.iter().any(is_large) {
            true => control.clone(),
            false => control.passing_pause(),
        };
        let former = std::mem::replace(&mut self.control, heeded);
        let fallen: Fallen = self.commit_members();
        self.control = former;
        for (work, setback) in fallen {
            if let Some(again) = self.after(work, setback) {
                self.process(again, true);
            }
        }
    }

    /// Stays here while the job is paused, with nothing waiting meanwhile. An item that is begun
    /// while others wait for their commit is not held; it is small, or they would not wait.
    pub(super) fn wait_while_paused(&mut self) -> Result<(), Cancelled> {
        let control = self.context.outside.control;
        if control.is_paused() {
            self.commit();
        }
        let has_waiting = !self.group.members.is_empty() || self.ended.since().is_some();
        self.control = if has_waiting { control.passing_pause() } else { control.clone() };
        self.control.checkpoint()
    }
}
