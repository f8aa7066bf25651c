//! How long complete partial files wait for each other: not for a large file, not through a pause, and
//! never more than about a second.

use std::sync::Arc;
use std::time::Duration;

use surecopy_fs::FileSystem;

use super::group::Fallen;
use super::member::{Member, Work};
use super::take::Worker;
use crate::commit::Written;
use crate::context::OPEN_FILES_OF_MEMBER;
use crate::control::{Cancelled, Control};

/// Partial files that wait to be committed together. All are on one volume.
pub(super) struct Group<F: FileSystem> {
    pub(super) members: Vec<Member<F, Written<F>>>,
    pub(super) since: Duration,
    bytes: u64,
    open_files: usize,
}

impl<F: FileSystem> Default for Group<F> {
    fn default() -> Self {
        Self { members: Vec::new(), since: Duration::ZERO, bytes: 0, open_files: 0 }
    }
}

impl<F: FileSystem> Group<F> {
    fn push(&mut self, member: Member<F, Written<F>>, now: Duration) {
        let last = self.members.last().map(|last| &last.stage.target().dir);
        let is_elsewhere = last.is_none_or(|last| !Arc::ptr_eq(last, &member.stage.target().dir));
        let opened = [member.stage.is_open(), member.claim.source.is_some(), is_elsewhere];
        self.open_files += opened.into_iter().filter(|is_open| *is_open).count();
        if self.members.is_empty() {
            self.since = now;
        }
        self.bytes += member.work.report.size_bytes;
        self.members.push(member);
    }
}

impl<F: FileSystem> Worker<'_, '_, F> {
    /// Lets a complete partial file wait for others, unless it is a group of its own.
    pub(super) fn add(&mut self, member: Member<F, Written<F>>, alone: bool) {
        let other_volume = self
            .group
            .members
            .first()
            .is_some_and(|first| first.claim.volume.id != member.claim.volume.id);
        let is_group_of_its_own = alone || self.is_group_of_its_own(member.work.report.size_bytes);
        if is_group_of_its_own {
            self.commit();
        } else if other_volume {
            self.commit_group();
        }
        self.group.push(member, self.context.outside.clock.now());
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

    /// Whether any item is in a group.
    pub(super) fn has_groups(&self) -> bool {
        self.grouped().next().is_some()
    }

    /// The items that are complete and not published.
    pub(super) fn grouped(&self) -> impl Iterator<Item = &Work> {
        let announced = self.announced.iter().flat_map(|announced| &announced.members);
        let announced = announced.map(|(member, _)| &member.work);
        announced.chain(self.group.members.iter().map(|member| &member.work))
    }

    /// Publishes what was announced as soon as it may be, and commits the group when it is full, or has
    /// waited long enough, whatever became of the items since. Ends do not wait longer than that either.
    pub(super) fn commit_if_due(&mut self) {
        let limits = &self.context.spec.limits;
        let patience = Duration::from_millis(limits.group_max_millis);
        let clock = self.context.outside.clock;
        let has_waited = |since| clock.now().saturating_sub(since) >= patience;
        let has_announced_waited =
            self.announced.as_ref().is_some_and(|announced| has_waited(announced.since));
        if has_announced_waited || self.is_announcement_over() {
            self.end_announced();
        }
        let is_full = self.group.members.len() as u64 >= limits.group_max_files.max(1)
            || self.group.bytes >= limits.group_max_bytes;
        if is_full {
            self.commit_group();
        } else if !self.group.members.is_empty() && has_waited(self.group.since) {
            self.commit();
        } else if self.ended.since().is_some_and(has_waited) {
            self.record_ended();
        }
        self.make_room();
    }

    /// Sees to it that one more member may be open.
    fn make_room(&mut self) {
        if !self.has_room() {
            self.end_announced();
        }
        if !self.has_room() {
            self.commit_group();
        }
        if !self.has_room() {
            self.end_announced();
        }
    }

    fn has_room(&self) -> bool {
        let announced = self.announced.as_ref().map_or(0, |announced| announced.open_files);
        let open_files = announced + self.group.open_files + OPEN_FILES_OF_MEMBER;
        open_files <= self.context.bounds.grouped_files
    }

    /// Commits all groups and records their ends, so that nothing waits any more.
    pub(super) fn commit(&mut self) {
        self.commit_group();
        self.end_announced();
        self.record_ended();
    }

    /// Commits the group, as far as its announcement if that takes time. Ends may be left to be recorded
    /// with what the next group announces.
    fn commit_group(&mut self) {
        // Its handles, its content and its ends are no concern of what follows.
        self.end_announced();
        let former = self.heed();
        let fallen = self.commit_members();
        self.control = former;
        self.begin_again(fallen);
    }

    /// Waits for the announcement of the group before, and publishes it.
    fn end_announced(&mut self) {
        let former = self.heed();
        let mut fallen = Vec::new();
        self.publish_announced(&mut fallen);
        self.control = former;
        self.begin_again(fallen);
    }

    /// Members that fell out are begun again, each as a group of its own.
    fn begin_again(&mut self, fallen: Fallen) {
        for (work, setback) in fallen {
            if let Some(again) = self.after(work, setback) {
                self.process(again, true);
            }
        }
    }

    /// What a commit heeds. Nothing waits for a large file. Returns what was heeded before.
    fn heed(&mut self) -> Control {
        let control = self.context.outside.control;
        let is_large = |work: &Work| self.is_group_of_its_own(work.report.size_bytes);
        let heeded = match self.grouped().any(is_large) {
            true => control.clone(),
            false => control.passing_pause(),
        };
        std::mem::replace(&mut self.control, heeded)
    }

    /// Stays here while the job is paused, with nothing waiting meanwhile. An item that is begun
    /// while others wait for their commit is not held; it is small, or they would not wait.
    pub(super) fn wait_while_paused(&mut self) -> Result<(), Cancelled> {
        let control = self.context.outside.control;
        if control.is_paused() {
            self.commit();
        }
        let has_waiting = self.has_groups() || self.ended.since().is_some();
        self.control = if has_waiting { control.passing_pause() } else { control.clone() };
        self.control.checkpoint()
    }
}
