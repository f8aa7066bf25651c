//! Files and links: from the entry to an item that copies or skips it, or to what speaks against it.

use std::ffi::OsString;

use surecopy_fs::{FileSystem, Metadata, RelPath, Volume};

use super::anew::Otherwise;
use super::destination::Place;
use super::kept::KeptFirstName;
use super::planner::{Planner, kind_of};
use crate::partial_names::nonce_of_partial;
use crate::plan::{Action, Entry, LinkRole, Origin, PlannedItem};
use crate::policy::{ConflictPolicy, ReflinkMode, Strategy, StrategyChoice, StrategyFacts};
use crate::preflight::{Meeting, same_file};
use crate::record::Known;
use crate::report::ItemKind;
use crate::spec::CopySpec;

impl<F: FileSystem> Planner<'_, F> {
    /// Nothing is noted of an entry before it is certain that it is what it is taken for.
    pub(super) fn plan_copy(&mut self, entry: &mut Entry, kind: ItemKind) -> Result<(), Otherwise> {
        if kind == ItemKind::Symlink && !self.spec.preserve.links {
            self.leave_out_link(entry);
            return Ok(());
        }
        let target = self.root.mapping.target.join_path(&entry.path);
        let Some((parent, name)) = target.split() else {
            let error = same_file(&self.root.show_target(&target));
            self.refuse(entry, error);
            return Ok(());
        };
        if let Some(error) = self.refused_above(entry, &target) {
            self.refuse(entry, error);
            return Ok(());
        }
        if kind == ItemKind::File && nonce_of_partial(&name).is_some() {
            self.look_again(entry)?;
            self.leave_out_our_partial(entry);
            return Ok(());
        }
        let known = self.known(&entry.path);
        if known != Known::Nothing {
            self.look_again(entry)?;
        }
        if let Known::Done(done) = &known
            && self.stays(done, entry, kind, &parent, &name)
        {
            return Ok(());
        }
        let (existing, place) = match self.existing(&parent, &name) {
            Ok(found) => found,
            Err(error) => {
                self.refuse(entry, error);
                return Ok(());
            }
        };
        if existing.is_some() {
            self.look_again(entry)?;
        }
        let mut objection = self.objection(entry, existing.as_ref(), &target, &place, &name);
        if objection.is_some() && entry.origin == Origin::Remembered {
            self.look_again(entry)?;
            objection = self.objection(entry, existing.as_ref(), &target, &place, &name);
        }
        let is_taken = self.state.names.note(&place, &name) == Meeting::Collision;
        if is_taken && self.spec.conflict != ConflictPolicy::KeepBoth {
            objection = Some(self.collision(&target, &place.volume));
        }
        if let Some(error) = objection {
            self.refuse(entry, error);
            return Ok(());
        }
        let known_to_be = self.may_have_been_copied(&known, entry, &parent, &name);
        let is_ours = matches!(known_to_be, Some((Action::Replace(_), _)));
        let decision = if let Some(action) = known_to_be {
            Ok(action)
        } else if is_taken {
            self.free_name(&target, &place).map(|name| (Action::Create, Some(name)))
        } else {
            self.decide(entry, existing.as_ref(), &target, &place)
        };
        match decision {
            Ok((Action::Skip(reason), target_name))
                if known == Known::Skipped { reason, target_name: target_name.clone() } =>
            {
                self.keep(entry, kind, &parent);
                self.keep_first_name(entry, kind, KeptFirstName::Skipped { target_name });
            }
            Ok(decided) => {
                self.plan_decided(entry, decided, existing.as_ref(), &target, &place, is_ours);
            }
            Err(error) => self.refuse(entry, error),
        }
        Ok(())
    }

    /// Plans what was decided, unless something speaks against doing that.
    fn plan_decided(
        &mut self,
        entry: &Entry,
        (action, target_name): (Action, Option<OsString>),
        existing: Option<&Metadata>,
        target: &RelPath,
        place: &Place,
        is_ours: bool,
    ) {
        let is_written = matches!(action, Action::Create | Action::Replace(_));
        if is_written && self.denial(entry, target, place).is_some() {
            return;
        }
        if let (Action::Replace(_), Some(existing)) = (&action, existing)
            && let Some(error) = self.protection(existing, target, place, is_ours)
        {
            return self.refuse(entry, error);
        }
        let mut item = self.new_item(entry, kind_of(entry.metadata.kind), action);
        item.target_name = target_name;
        self.set_link_role(&mut item, entry);
        let may_be_written =
            is_written || matches!(item.action, Action::ReplaceIfContentDiffers(_));
        if may_be_written && item.link_role == LinkRole::First {
            self.state.planned_first_names.insert(entry.metadata.id);
        }
        self.plan_kept_first_name(&item, entry);
        item.strategy = self.strategy(&item, &place.volume);
        self.count(entry, item, existing, &place.volume);
    }

    fn strategy(&self, item: &PlannedItem, volume: &Volume) -> Option<Strategy> {
        if item.kind != ItemKind::File || matches!(item.action, Action::Skip(_)) {
            return None;
        }
        Some(choose_strategy(self.spec, item.source.size_bytes, &self.source_volume, volume))
    }
}

/// The strategy for a file of this size between these volumes.
pub(crate) fn choose_strategy(
    spec: &CopySpec,
    size_bytes: u64,
    source: &Volume,
    destination: &Volume,
) -> Strategy {
    // Only DIRECT can share blocks, so asking for that is asking for DIRECT.
    let choice = match spec.reflink {
        ReflinkMode::Always => StrategyChoice::Direct,
        ReflinkMode::Auto | ReflinkMode::Never => spec.strategy,
    };
    let facts = StrategyFacts {
        size_bytes,
        source: source.kind,
        destination: destination.kind,
        destinations: 1,
    };
    Strategy::choose(facts, choice, spec.limits.copy_strategy_threshold_bytes)
}
