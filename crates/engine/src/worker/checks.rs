//! What is looked at again just before an item is copied: its size, the room, and the target.

use surecopy_fs::{FileKind, FileSystem, Metadata, Volume};

use super::attempt::{Ends, target_failed};
use super::handles::DestinationDir;
use super::member::{Setback, Work};
use super::take::Worker;
use crate::commit::Expected;
use crate::error::{ErrorCode, ItemError};
use crate::plan::Action;
use crate::policy::{ConflictPolicy, ReflinkMode, SkipReason};
use crate::preflight::check_replacement;
use crate::report::{ItemKind, Warning, WarningKind};
use crate::transfer::{TransferError, digest_source};

impl<F: FileSystem> Worker<'_, '_, F> {
    /// The size found may differ from the size planned; totals follow what is found.
    pub(super) fn correct_totals(
        &self,
        work: &mut Work,
        metadata: &Metadata,
    ) -> Result<(), Setback> {
        let is = metadata.size;
        self.tell_correction(work, is);
        self.context.outside.progress.resize(&mut work.share, self.context.spec, is);
        work.report.size_bytes = is;
        match self.context.spec.limits.maximum_copy_file_size_bytes {
            Some(limit) if is > limit => Err(Setback::Failed(ItemError::new(
                ErrorCode::FileTooLarge,
                work.report.source.clone(),
                format!("the file has grown to {is} bytes, beyond the limit of {limit}"),
            ))),
            _ => Ok(()),
        }
    }

    /// Where sources were remembered, the user has heard of another size. Once for each: what is counted
    /// for the file is from then on what was found.
    fn tell_correction(&self, work: &Work, is: u64) {
        let known = work.share.size_bytes();
        if work.item.kind == ItemKind::File
            && let Some(Some(message)) = self.context.correct(|all| all.resize(known, is))
        {
            let path = work.report.source.clone();
            self.context.warn(Warning { kind: WarningKind::Corrected, path, message });
            if let Some(catalog) = self.context.outside.catalog {
                catalog.was_otherwise(work.item.mapping, &work.item.path);
            }
        }
    }

    /// The permissions of the file that is replaced.
    pub(super) fn former_mode(&self, ends: &Ends<F>, expected: Expected) -> Option<u32> {
        let (fs, spec) = (self.context.fs(), self.context.spec);
        if spec.preserve.permissions || expected == Expected::Nothing {
            return None;
        }
        let former = fs.metadata_at(&ends.destination.dir, &ends.target_name).ok()?;
        (former.kind == FileKind::File).then_some(former.mode)
    }

    /// Looks at free space again before a file that is worth the question.
    pub(super) fn check_room(
        &self,
        work: &Work,
        metadata: &Metadata,
        source_volume: &Volume,
        destination: &DestinationDir<F>,
    ) -> Result<(), Setback> {
        let spec = self.context.spec;
        let may_share = destination.volume.filesystem.can_share_blocks
            && destination.volume.id == source_volume.id
            && spec.reflink != ReflinkMode::Never;
        if metadata.size < spec.limits.medium_file_limit_bytes || may_share {
            return Ok(());
        }
        let needed = metadata.size.min(metadata.allocated_bytes.max(1));
        let free = self
            .context
            .fs()
            .volume(&destination.dir)
            .map_err(|error| target_failed(&error, &work.report.target))?
            .space
            .free_bytes;
        match free {
            Some(free) if free < needed => Err(Setback::Failed(ItemError::new(
                ErrorCode::DestinationFull,
                work.report.target.clone(),
                format!("{needed} bytes are needed, {free} bytes are free"),
            ))),
            _ => Ok(()),
        }
    }

    /// What must stand under the target's name when publishing; may find that there is nothing to
    /// do because the content is the same.
    pub(super) fn expected(
        &mut self,
        work: &mut Work,
        ends: &Ends<F>,
        source: &F::File,
    ) -> Result<Expected, Setback> {
        if matches!(work.item.action, Action::ReplaceIfContentDiffers(_)) {
            if self.has_same_content(work, ends, source)? {
                return Err(Setback::Skip(SkipReason::IdenticalContent));
            }
            match self.context.spec.conflict {
                ConflictPolicy::Update | ConflictPolicy::Replace | ConflictPolicy::Ask => {}
                // Not what an interrupted run had copied, so the policy holds.
                ConflictPolicy::KeepBoth | ConflictPolicy::Fail => {
                    return Err(Setback::Failed(not_ours(work)));
                }
                ConflictPolicy::Skip => return Err(Setback::Skip(SkipReason::TargetExists)),
                ConflictPolicy::Newer => return Err(Setback::Skip(SkipReason::TargetNewer)),
            }
            self.check_replacement(work, ends)?;
        }
        Ok(planned_expectation(work))
    }

    /// Planning could not tell whether the target would be replaced; now it is known.
    pub(super) fn check_replacement(&self, work: &Work, ends: &Ends<F>) -> Result<(), Setback> {
        let path = &work.report.target;
        let found = self.context.fs().metadata_at(&ends.destination.dir, &ends.target_name);
        let found = found.map_err(|error| target_failed(&error, path))?;
        check_replacement(self.context.spec, &found, path)
            .map_or(Ok(()), |error| Err(Setback::Failed(error)))
    }

    pub(super) fn has_same_content(
        &mut self,
        work: &mut Work,
        ends: &Ends<F>,
        source: &F::File,
    ) -> Result<bool, Setback> {
        let context = self.context;
        let (fs, control) = (context.fs(), &self.control);
        let algorithm = context.spec.digest;
        let target = fs
            .open_source(&ends.destination.dir, &ends.target_name)
            .map_err(|error| target_failed(&error, &work.report.target))?;
        let scratch = &mut self.scratch.0;
        let path = &work.report.target;
        let (ours, read) =
            digest_source(fs, source, scratch, algorithm, control).map_err(|error| {
                Setback::of_transfer(error, work.report.source.clone(), path.clone())
            })?;
        let (theirs, _) = digest_source(fs, &target, scratch, algorithm, control).map_err(
            |error| match error {
                // It is read in the same way, but it is the destination.
                TransferError::Fs(_, error) => target_failed(&error, path),
                other => Setback::of_transfer(other, path.clone(), path.clone()),
            },
        )?;
        work.report.source_bytes_read += read;
        let is_same = ours == theirs;
        if is_same {
            work.report.digest = Some(ours);
        }
        Ok(is_same)
    }
}

/// An interrupted run may have put its file there, but did not.
fn not_ours(work: &Work) -> ItemError {
    let message = "another program's file has the name under which an interrupted run was to copy \
                   this one; it was kept";
    ItemError::new(ErrorCode::TargetExists, work.report.target.clone(), message)
}

pub(super) fn planned_expectation(work: &Work) -> Expected {
    match work.item.action {
        Action::Replace(seen) | Action::ReplaceIfContentDiffers(seen) => Expected::File(seen),
        Action::Create | Action::Merge | Action::Skip(_) => Expected::Nothing,
    }
}
