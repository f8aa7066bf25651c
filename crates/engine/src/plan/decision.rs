//! What is to be done about an entry: what the conflict policy says of the target that exists.

use std::ffi::{OsStr, OsString};

use surecopy_fs::{FileKind, FileSystem, Metadata, RelPath, Volume};

use super::destination::Place;
use super::item::{Action, Seen};
use super::planner::Planner;
use super::scan::Entry;
use crate::error::{ErrorCode, ItemError};
use crate::policy::{
    Conflict, ConflictDecision, ConflictPolicy, SkipReason, decide, has_other_properties,
    is_same_time,
};

impl<F: FileSystem> Planner<'_, F> {
    /// What is to be done about an entry, and under which name if not its own.
    pub(super) fn decide(
        &mut self,
        entry: &Entry,
        existing: Option<&Metadata>,
        target: &RelPath,
        place: &Place,
    ) -> Result<(Action, Option<OsString>), ItemError> {
        let Some(existing) = existing else { return Ok((Action::Create, None)) };
        let policy = match (self.spec.conflict, self.resolver) {
            (ConflictPolicy::Ask, Some(resolver)) => resolver.resolve(&Conflict {
                source: self.root.show_source(&self.root.source_below(&entry.path)),
                target: self.root.show_target(target),
                source_metadata: entry.metadata.clone(),
                target_metadata: existing.clone(),
            }),
            (policy, _) => policy,
        };
        let decision = if existing.id == entry.metadata.id {
            // Two names of one file: nothing could be copied.
            ConflictDecision::Skip(SkipReason::Identical)
        } else {
            let name = target.name().unwrap_or_default();
            self.judge(policy, entry, existing, name, &place.volume)
        };
        match decision {
            ConflictDecision::Replace => Ok((Action::Replace(Seen::of(existing)), None)),
            ConflictDecision::ReplaceIfContentDiffers => {
                Ok((Action::ReplaceIfContentDiffers(Seen::of(existing)), None))
            }
            ConflictDecision::Skip(reason) => Ok((Action::Skip(reason), None)),
            ConflictDecision::Ask => Ok((Action::Skip(SkipReason::TargetExists), None)),
            ConflictDecision::KeepBoth => {
                Ok((Action::Create, Some(self.free_name(target, place)?)))
            }
            ConflictDecision::Fail => Err(ItemError::new(
                ErrorCode::TargetExists,
                self.root.show_target(target),
                "the target exists",
            )),
        }
    }

    /// What the policy says, and whether what it takes for identical is so in other ways too.
    fn judge(
        &self,
        policy: ConflictPolicy,
        entry: &Entry,
        existing: &Metadata,
        name: &OsStr,
        volume: &Volume,
    ) -> ConflictDecision {
        let (spec, source) = (self.spec, &entry.metadata);
        let step = volume.filesystem.time_step_nanos;
        let decision = decide(policy, spec.by_content, source, existing, step);
        let is_differing =
            || has_other_properties(spec.preserve, spec.is_privileged, source, existing, volume);
        match decision {
            ConflictDecision::Skip(SkipReason::Identical)
            | ConflictDecision::ReplaceIfContentDiffers
                if is_differing() =>
            {
                ConflictDecision::Replace
            }
            ConflictDecision::Replace
                if policy == ConflictPolicy::Update
                    && self.is_same_link(entry, existing, name, step) =>
            {
                ConflictDecision::Skip(SkipReason::Identical)
            }
            decision => decision,
        }
    }

    /// Whether both are links that say the same, and neither is older where times are kept. The
    /// target's directory is the one looked at last.
    pub(super) fn is_same_link(
        &self,
        entry: &Entry,
        existing: &Metadata,
        target_name: &OsStr,
        step_nanos: u32,
    ) -> bool {
        let source = &entry.metadata;
        let both_links = source.kind == FileKind::Symlink && existing.kind == FileKind::Symlink;
        let same_time = is_same_time(source.modified, existing.modified, step_nanos)
            || !self.spec.preserve.timestamps;
        if !both_links || !same_time {
            return false;
        }
        let below = self.root.source_below(&entry.path);
        let Some((parent, name)) = below.split() else { return false };
        let text = self
            .fs
            .open_dir(&self.root.source, &parent)
            .and_then(|dir| self.fs.read_link(&dir, &name));
        text.is_ok_and(|text| self.link_text(target_name).is_some_and(|found| found == text))
    }
}
