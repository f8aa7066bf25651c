//! Making a symbolic link.

use std::sync::Arc;

use surecopy_fs::{FileSystem, FsError, FsResult, Metadata, Support, Times, Volume};

use super::attempt::{source_failed, target_failed};
use super::checks::planned_expectation;
use super::member::{Attempted, Claim, Setback, Work};
use super::take::Worker;
use crate::commit::Written;
use crate::metadata::{OwnerKeeping, failed};
use crate::plan::Seen;
use crate::policy::Mechanism;
use crate::report::{LossCause, MetadataLoss, MetadataWarning};

impl<F: FileSystem> Worker<'_, '_, F> {
    pub(super) fn attempt_symlink(&mut self, work: &mut Work) -> Result<Attempted<F>, Setback> {
        let fs = self.context.fs();
        let ends = self.ends(work)?;
        let at_source = |error: FsError| source_failed(&error, &work.report.source);
        let metadata = fs.metadata_at(&ends.source_dir, &ends.source_name).map_err(at_source)?;
        let text = fs.read_link(&ends.source_dir, &ends.source_name).map_err(at_source)?;
        let expected = planned_expectation(work);
        let name = self.stage(work);
        let target = self.target(&ends);
        let written = Written::symlink(target, name, &text)
            .map_err(|error| target_failed(&error, &work.report.target))?;
        let volume = &ends.destination.volume;
        work.report.metadata_warnings = self.apply_to_link(&written, &metadata, volume);
        work.report.mechanism = Some(Mechanism::Symlink);
        let claim = Claim {
            expected,
            digest: None,
            source: None,
            origin: None,
            source_seen: Seen::of(&metadata),
            source_metadata: None,
            failed_flushes: self.handles.failed_flushes(&ends.destination.volume),
            volume: Arc::clone(&ends.destination.volume),
            parent: ends.target_parent,
        };
        Ok((written, claim))
    }

    pub(super) fn apply_to_link(
        &self,
        written: &Written<F>,
        metadata: &Metadata,
        volume: &Volume,
    ) -> Vec<MetadataWarning> {
        let (fs, spec) = (self.context.fs(), self.context.spec);
        let (dir, name) = (&written.target().dir, written.partial_name());
        let mut warnings = Vec::new();
        let (preserve, is_privileged) = (spec.preserve, spec.is_privileged);
        let keeping = OwnerKeeping { preserve, is_privileged, volume };
        let owner = keeping.wanted(metadata, || fs.metadata_at(dir, name), &mut warnings);
        let mut note = |loss, answer: FsResult<Support<()>>| {
            warnings.push(match answer {
                Ok(Support::Done(())) => return,
                Ok(Support::Unsupported) => MetadataWarning {
                    loss,
                    message: "links have none of their own here".to_owned(),
                    cause: LossCause::NotPossible,
                },
                Err(error) => failed(loss, &error, is_privileged, volume),
            });
        };
        if let Some((uid, gid)) = owner {
            note(MetadataLoss::Owner, fs.set_link_owner(dir, name, uid, gid));
        }
        if spec.preserve.timestamps {
            let times = Times {
                accessed: Some(metadata.accessed),
                modified: metadata.modified,
                created: metadata.created,
            };
            note(MetadataLoss::Timestamps, fs.set_link_times(dir, name, times));
        }
        warnings
    }
}
