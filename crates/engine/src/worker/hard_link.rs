//! A further name of a file that the job has copied already.

use std::sync::Arc;

use surecopy_fs::{FileSystem, FsError, Support};

use super::attempt::{source_failed, target_failed};
use super::checks::planned_expectation;
use super::member::{Attempted, Claim, Setback, Work};
use super::take::Worker;
use crate::commit::{Expected, Written};
use crate::links::LinkTarget;
use crate::plan::{Action, LinkRole};
use crate::policy::{Mechanism, SkipReason};
use crate::report::{ItemKind, LossCause, MetadataLoss, MetadataWarning};

impl<F: FileSystem> Worker<'_, '_, F> {
    /// Links the first name; copies the file anew when that is not in place or cannot be linked.
    pub(super) fn attempt_hard_link(&mut self, work: &mut Work) -> Result<Attempted<F>, Setback> {
        let first = match &work.item.link_role {
            LinkRole::Further(first) => first.as_ref().clone(),
            LinkRole::Single | LinkRole::First => {
                return Err(Setback::Failed(self.internal(work, "a link without a first name")));
            }
        };
        // An attempt that copied it may have been held up.
        work.report.kind = ItemKind::HardLink;
        if self.grouped().any(|work| work.stands_in_for(&first)) {
            // Once that is in place, this is a name of it.
            self.commit();
        }
        let Some(target) = self.context.links.get(&first) else {
            return self.copy_instead(work, None);
        };
        let planned = planned_expectation(work);
        if let Expected::File(seen) = planned
            && seen.id == target.id
        {
            return Err(Setback::Skip(SkipReason::Identical));
        }
        let expected = match work.item.action {
            Action::ReplaceIfContentDiffers(_) => self.compared(work)?,
            _ => planned,
        };
        match self.link_partial(work, first.0, &target)? {
            Linked::Done(written, ends_volume, parent) => {
                work.report.mechanism = Some(Mechanism::HardLink);
                work.report.evidence = target.evidence;
                work.report.digest = target.digest;
                let claim = Claim {
                    expected,
                    digest: None,
                    source: None,
                    origin: None,
                    source_seen: work.item.source,
                    source_metadata: None,
                    failed_flushes: self.handles.failed_flushes(&ends_volume),
                    volume: ends_volume,
                    parent,
                };
                Ok((written, claim))
            }
            Linked::NotPossible(why) => self.copy_instead(work, Some(why)),
        }
    }

    /// Comparing by content decides here, as for any other file, whether the target goes.
    fn compared(&mut self, work: &mut Work) -> Result<Expected, Setback> {
        let ends = self.ends(work)?;
        let source = self
            .context
            .fs()
            .open_source(&ends.source_dir, &ends.source_name)
            .map_err(|error| source_failed(&error, &work.report.source))?;
        self.expected(work, &ends, &source)
    }

    fn link_partial(
        &mut self,
        work: &mut Work,
        first_mapping: usize,
        target: &LinkTarget,
    ) -> Result<Linked<F>, Setback> {
        let fs = self.context.fs();
        let at_target = |error: FsError, work: &Work| target_failed(&error, &work.report.target);
        let first_root = &self.context.roots[first_mapping].destination;
        let first_dir =
            fs.open_dir(first_root, &target.dir).map_err(|error| at_target(error, work))?;
        let ends = self.ends(work)?;
        let name = self.stage(work);
        let dir = &ends.destination.dir;
        match fs.hard_link(&first_dir, &target.name, dir, &name) {
            Ok(Support::Done(())) => {}
            Ok(Support::Unsupported) => {
                let kind = ends.destination.volume.filesystem.name;
                return Ok(Linked::NotPossible(format!("{kind} does not link these two names")));
            }
            // Another volume below the same root, or too many names already.
            Err(error) => return Ok(Linked::NotPossible(error.to_string())),
        }
        let written = Written::linked(self.target(&ends), name);
        match fs.metadata_at(dir, written.partial_name()) {
            Ok(linked) if linked.id == target.id => {}
            Ok(_) => {
                self.drop_partial(written.discard(), work);
                return Ok(Linked::NotPossible("the first name was changed meanwhile".to_owned()));
            }
            Err(error) => {
                self.drop_partial(written.discard(), work);
                return Err(at_target(error, work));
            }
        }
        Ok(Linked::Done(written, Arc::clone(&ends.destination.volume), ends.target_parent))
    }

    fn copy_instead(
        &mut self,
        work: &mut Work,
        why: Option<String>,
    ) -> Result<Attempted<F>, Setback> {
        // Only what is told of it: if it is begun again, it is tried as a link again.
        work.report.kind = ItemKind::File;
        let attempted = self.attempt_file(work)?;
        if let Some(message) = why {
            work.note_lost_link(message);
        }
        Ok(attempted)
    }
}

impl Work {
    /// A further name that could not be linked to the first is copied, and stands in for it.
    pub(super) fn was_further_name(&self) -> bool {
        matches!(self.item.link_role, LinkRole::Further(_)) && self.report.kind == ItemKind::File
    }

    /// Whether it is copied in place of this first name.
    pub(super) fn stands_in_for(&self, first: &(usize, surecopy_fs::RelPath)) -> bool {
        self.was_further_name() && self.first_name() == *first
    }

    /// The key under which names of the same file look for it.
    pub(super) fn first_name(&self) -> (usize, surecopy_fs::RelPath) {
        match &self.item.link_role {
            LinkRole::Further(first) => first.as_ref().clone(),
            LinkRole::Single | LinkRole::First => (self.item.mapping, self.item.path.clone()),
        }
    }

    /// It was copied in place of the first name; `other` is what others were to be linked to until
    /// now. Two workers may copy a name each, because neither could see the other's.
    pub(super) fn note_other_copy(&mut self, other: Option<&LinkTarget>) {
        if other.is_some() && !self.report.has_lost_link() {
            self.note_lost_link("another name of it was copied at the same time".to_owned());
        }
    }

    fn note_lost_link(&mut self, message: String) {
        let loss = MetadataLoss::HardLink;
        let cause = LossCause::NotPossible;
        self.report.metadata_warnings.push(MetadataWarning { loss, message, cause });
    }
}

enum Linked<F: FileSystem> {
    Done(Written<F>, Arc<surecopy_fs::Volume>, surecopy_fs::RelPath),
    NotPossible(String),
}
