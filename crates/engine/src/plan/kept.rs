//! Entries that an earlier run of the same job has dealt with, and that still are as it left them:
//! there is nothing to plan for them.

use std::ffi::OsStr;

use surecopy_fs::{FileKind, FileSystem, Metadata, RelPath};

use super::item::{Action, LinkRole, PlannedItem, Seen};
use super::planner::Planner;
use super::scan::Entry;
use crate::policy::SkipReason;
use crate::record::{Done, Known};
use crate::report::ItemKind;

impl<F: FileSystem> Planner<'_, F> {
    /// What earlier runs of this job say of the entry.
    pub(super) fn known(&mut self, path: &RelPath) -> Known {
        let Some(history) = self.history else { return Known::Nothing };
        match history.known(self.mapping, path) {
            Ok(known) => known,
            Err(error) => {
                self.sink.journal_failed(error);
                Known::Nothing
            }
        }
    }

    /// Whether an entry that was copied still is what was copied, and its target what was made of it.
    pub(super) fn is_kept(
        &mut self,
        done: &Done,
        entry: &Entry,
        parent: &RelPath,
        name: &OsStr,
    ) -> bool {
        if !done.source.is_still(&entry.metadata, &self.source_volume) {
            return false;
        }
        let name = done.target_name.as_deref().unwrap_or(name);
        let Ok((Some(found), place)) = self.existing(parent, name) else { return false };
        if !done.target.is_still(&found, &place.volume) {
            return false;
        }
        self.state.names.note(&place, name);
        true
    }

    /// Counts an entry for which there is nothing to do.
    pub(super) fn keep(&mut self, entry: &Entry, kind: ItemKind, parent: &RelPath) {
        self.state.planned.kept += 1;
        if kind == ItemKind::File {
            self.state.planned.bytes_kept += entry.metadata.size;
        }
        if self
            .state
            .kept_in
            .last()
            .is_none_or(|(mapping, known)| *mapping != self.mapping || known != parent)
        {
            self.state.kept_in.push((self.mapping, parent.clone()));
        }
    }

    /// Notes that a kept entry is the first of several names, so that others can be linked to it.
    pub(super) fn keep_first_name(&mut self, entry: &Entry, kind: ItemKind, done: &Done) {
        if !self.spec.preserve.hard_links || entry.metadata.link_count < 2 {
            return;
        }
        let mut item = self.new_item(entry, kind, Action::Skip(SkipReason::Identical));
        item.target_name.clone_from(&done.target_name);
        self.set_link_role(&mut item, entry);
        if item.link_role == LinkRole::First {
            self.state.kept_first_names.insert(entry.metadata.id, item);
        }
    }

    /// A further name is planned: workers must know where the first one is.
    pub(super) fn plan_kept_first_name(&mut self, further: &PlannedItem, entry: &Entry) {
        let is_further = matches!(further.link_role, LinkRole::Further(_));
        if is_further && let Some(first) = self.state.kept_first_names.remove(&entry.metadata.id) {
            self.push(first, 0, None);
        }
    }
}

/// What an earlier run was to copy, and may have, stands where it was to go: its content decides,
/// whatever the policy says of files that were there before.
pub(super) fn may_have_been_copied(
    known: &Known,
    entry: &Entry,
    existing: Option<&Metadata>,
) -> Option<Action> {
    let existing = existing?;
    let may_be = *known == Known::Unfinished
        && [entry.metadata.kind, existing.kind] == [FileKind::File; 2]
        && entry.metadata.size == existing.size
        && entry.metadata.modified == existing.modified
        && entry.metadata.id != existing.id;
    may_be.then(|| Action::ReplaceIfContentDiffers(Seen::of(existing)))
}
