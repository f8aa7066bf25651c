//! Entries that an earlier run of the same job has dealt with, and that still are as it left them:
//! there is nothing to plan for them.

use std::ffi::{OsStr, OsString};

use surecopy_fs::{FileKind, FileSystem, Metadata, RelPath};

use super::destination::Place;
use super::item::{Action, LinkRole, PlannedItem, Seen};
use super::planner::Planner;
use super::scan::Entry;
use crate::links::LinkTarget;
use crate::policy::{ConflictPolicy, SkipReason, has_other_properties};
use crate::record::{Done, Known};
use crate::report::ItemKind;

/// What is known of a first name that is in place.
pub(super) enum KeptFirstName {
    /// It was copied, and is there.
    Copied(LinkTarget),
    /// It was left alone.
    Skipped {
        /// The target's last name, where it differs from the source's.
        target_name: Option<OsString>,
    },
}

impl<F: FileSystem> Planner<'_, F> {
    /// What earlier runs of this job say of the entry.
    pub(super) fn known(&mut self, path: &RelPath) -> Known {
        let Some(history) = self.history else { return Known::Nothing };
        if !self.state.unproved.is_empty() {
            let target = self.root.mapping.target.join_path(path);
            if let Some(done) = self.state.unproved.get(&(self.mapping, target)) {
                return Known::DoneBadly(done.clone());
            }
        }
        match history.known(self.mapping, path) {
            Ok(known) => known,
            Err(error) => {
                self.sink.journal_failed(error);
                Known::Nothing
            }
        }
    }

    /// Deals with an entry that was copied, and of which nothing has changed since. Says whether it is
    /// such a one.
    pub(super) fn stays(
        &mut self,
        done: &Done,
        entry: &Entry,
        kind: ItemKind,
        parent: &RelPath,
        name: &OsStr,
    ) -> bool {
        let Some(found) = self.kept(done, entry, parent, name) else { return false };
        let first = self.kept_first(entry);
        let is_apart = first.is_some_and(|first| first.id != found.id) && !done.has_lost_link;
        if is_apart || self.state.planned_first_names.contains(&entry.metadata.id) {
            self.link_anew(entry, done, &found);
        } else {
            self.keep(entry, kind, parent);
            self.state.planned.kept_incomplete += u64::from(done.is_incomplete);
            let name = done.target_name.as_deref().unwrap_or(name);
            let target = LinkTarget {
                dir: parent.clone(),
                name: name.to_owned(),
                id: found.id,
                evidence: done.evidence,
                digest: done.digest.clone(),
            };
            self.keep_first_name(entry, kind, KeptFirstName::Copied(target));
        }
        true
    }

    /// The target of an entry that was copied, if the entry still is what was copied, and its target
    /// what was made of it.
    fn kept(
        &mut self,
        done: &Done,
        entry: &Entry,
        parent: &RelPath,
        name: &OsStr,
    ) -> Option<Metadata> {
        if !done.source.is_still(&entry.metadata, &self.source_volume) {
            return None;
        }
        let name = done.target_name.as_deref().unwrap_or(name);
        let Ok((Some(found), place)) = self.existing(parent, name) else { return None };
        if !done.target.is_still(&found, &place.volume) {
            return None;
        }
        self.state.names.note(&place, name);
        Some(found)
    }

    /// The target of an entry's first name, if that was copied and is in place.
    fn kept_first(&self, entry: &Entry) -> Option<&LinkTarget> {
        let id = &entry.metadata.id;
        match self.state.kept_first_names.get(id) {
            Some((_, KeptFirstName::Copied(target))) => Some(target),
            Some((_, KeptFirstName::Skipped { .. })) => None,
            None => self.state.kept_links.get(self.state.first_names.get(id)?),
        }
    }

    /// Plans to link a further name of a file again, which is in place: its first name is not and will be
    /// copied, or was not when this one was.
    fn link_anew(&mut self, entry: &Entry, done: &Done, found: &Metadata) {
        let mut item = self.new_item(entry, ItemKind::File, Action::Replace(Seen::of(found)));
        item.target_name.clone_from(&done.target_name);
        self.set_link_role(&mut item, entry);
        self.plan_kept_first_name(&item, entry);
        self.push(item, entry.metadata.size, Some(found.size));
    }

    /// Counts an entry for which there is nothing to do.
    pub(super) fn keep(&mut self, entry: &Entry, kind: ItemKind, parent: &RelPath) {
        self.state.planned.kept += 1;
        if kind == ItemKind::File {
            self.state.planned.bytes_kept += entry.metadata.size;
        }
        let is_new =
            |(mapping, known): &(usize, RelPath)| (*mapping, known) != (self.mapping, parent);
        if self.state.kept_in.last().is_none_or(is_new) {
            self.state.kept_in.push((self.mapping, parent.clone()));
        }
    }

    /// Plans to leave out an entry, unless an earlier run did so.
    pub(super) fn leave_out(&mut self, entry: &Entry, kind: ItemKind, reason: SkipReason) {
        if self.known(&entry.path) == (Known::Skipped { reason, target_name: None }) {
            self.state.planned.kept += 1;
        } else {
            let item = self.new_item(entry, kind, Action::Skip(reason));
            self.push(item, 0, None);
        }
    }

    /// Notes that a kept entry is the first of several names, so that others can be linked to it.
    pub(super) fn keep_first_name(&mut self, entry: &Entry, kind: ItemKind, kept: KeptFirstName) {
        if !self.spec.preserve.hard_links || entry.metadata.link_count < 2 {
            return;
        }
        let mut item = self.new_item(entry, kind, Action::Skip(SkipReason::Identical));
        if let KeptFirstName::Skipped { target_name } = &kept {
            item.target_name.clone_from(target_name);
        }
        self.set_link_role(&mut item, entry);
        if item.link_role == LinkRole::First {
            self.state.kept_first_names.insert(entry.metadata.id, (item, kept));
        }
    }

    /// A further name is planned: workers must know where the first one is. Of one that was copied that is
    /// known, and it stays copied; one that was left alone is looked at again.
    pub(super) fn plan_kept_first_name(&mut self, further: &PlannedItem, entry: &Entry) {
        let is_further = matches!(further.link_role, LinkRole::Further(_));
        if !is_further {
            return;
        }
        let Some((first, kept)) = self.state.kept_first_names.remove(&entry.metadata.id) else {
            return;
        };
        match kept {
            KeptFirstName::Copied(target) => {
                self.state.kept_links.insert((first.mapping, first.path), target);
            }
            KeptFirstName::Skipped { .. } => {
                // It is among the planned ones now.
                let planned = &mut self.state.planned;
                planned.kept -= 1;
                planned.bytes_kept -= first.file_bytes();
                self.push(first, 0, None);
            }
        }
    }

    /// What to do about an entry that an earlier run was to copy, and may have, although that is not
    /// recorded: where a target of its size and time stands under the name that was planned for it,
    /// the content decides, and not what the policy says of files that were there before. `None` when
    /// there is no such target, and where the policy says the same of it anyway.
    pub(super) fn may_have_been_copied(
        &mut self,
        known: &Known,
        entry: &Entry,
        parent: &RelPath,
        name: &OsStr,
    ) -> Option<(Action, Option<OsString>)> {
        let target_name = match known {
            Known::DoneBadly(done) => return self.as_it_was_done_badly(done, parent, name),
            Known::Unfinished { target_name } => target_name,
            Known::Skipped { reason: SkipReason::Identical, target_name } => target_name,
            Known::Nothing | Known::Skipped { .. } | Known::Done(_) => return None,
        };
        // It was to be a name of another one, as which it has its content; a file of its own it may have been
        // before that one was copied.
        let is_to_be_linked =
            matches!(known, Known::Unfinished { .. }) && self.is_further_name(entry);
        // To update is to leave it alone or to compare it anyway; whoever is asked can tell.
        if matches!(self.spec.conflict, ConflictPolicy::Update | ConflictPolicy::Ask)
            && !is_to_be_linked
        {
            return None;
        }
        let name = target_name.as_deref().unwrap_or(name);
        let Ok((Some(found), place)) = self.existing(parent, name) else { return None };
        let action = match self.if_same(entry, &found, &place, name)? {
            Action::ReplaceIfContentDiffers(seen) if is_to_be_linked => Action::Replace(seen),
            action => action,
        };
        self.state.names.note(&place, name);
        Some((action, target_name.clone()))
    }

    /// What looks as it did when it was found to be damaged, or to lack something, is the job's own, and no
    /// good: it is replaced, whatever the policy says of files that were there before. What was written to
    /// since is dealt with like any other file.
    fn as_it_was_done_badly(
        &mut self,
        done: &Done,
        parent: &RelPath,
        name: &OsStr,
    ) -> Option<(Action, Option<OsString>)> {
        let name = done.target_name.as_deref().unwrap_or(name);
        let Ok((Some(found), place)) = self.existing(parent, name) else { return None };
        let is_copied = matches!(found.kind, FileKind::File | FileKind::Symlink);
        if !is_copied || !done.target.is_still(&found, &place.volume) {
            return None;
        }
        self.state.names.note(&place, name);
        Some((Action::Replace(Seen::of(&found)), done.target_name.clone()))
    }

    fn if_same(
        &self,
        entry: &Entry,
        found: &Metadata,
        place: &Place,
        name: &OsStr,
    ) -> Option<Action> {
        let (spec, source) = (self.spec, &entry.metadata);
        if source.id == found.id
            || has_other_properties(spec.preserve, spec.is_privileged, source, found, &place.volume)
        {
            return None;
        }
        if self.is_same_link(entry, found, name, place.volume.filesystem.time_step_nanos) {
            return Some(Action::Skip(SkipReason::Identical));
        }
        let is_like_it = [source.kind, found.kind] == [FileKind::File; 2]
            && source.size == found.size
            && source.modified == found.modified;
        is_like_it.then(|| Action::ReplaceIfContentDiffers(Seen::of(found)))
    }
}
