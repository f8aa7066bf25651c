//! Making a group visible.

use std::ffi::OsString;

use surecopy_fs::{FileSystem, Node, RelPath};

use super::attempt::{beside, target_failed};
use super::group::Fallen;
use super::member::{Member, Setback, Work};
use super::take::Worker;
use crate::commit::{Expected, Proved, PublishError, Published, Unpublished};
use crate::error::{ErrorCode, ItemError};
use crate::journal::{Fact, Publication};
use crate::report::Step;

impl<F: FileSystem> Worker<'_, '_, F> {
    pub(super) fn publish_all(
        &mut self,
        proved: Vec<Member<F, Proved<F>>>,
        fallen: &mut Fallen,
    ) -> Vec<Member<F, Published<F>>> {
        if proved.is_empty() {
            return Vec::new();
        }
        let proved = self.still_in_place(proved, fallen);
        let backups: Vec<OsString> = proved.iter().map(|_| self.context.names.backup()).collect();
        let items = proved.iter().zip(&backups).map(|(member, backup)| publication(member, backup));
        if self.context.record(vec![Fact::Publishing { items: items.collect() }]).is_err() {
            for member in proved {
                let error = self.context.journal_error(member.work.report.target.clone());
                self.drop_partial(member.stage.discard(), &member.work);
                fallen.push((member.work, Setback::Failed(error)));
            }
            return Vec::new();
        }
        self.progress.step(Step::Publishing);
        let mut published = Vec::with_capacity(proved.len());
        for (member, backup) in proved.into_iter().zip(backups) {
            let Member { mut work, stage, claim } = member;
            let begun = self.context.outside.clock.now();
            let outcome = stage.publish(claim.expected, backup);
            work.report.times.backup += self.context.outside.clock.now().saturating_sub(begun);
            match outcome {
                Ok(stage) => {
                    work.report.backup =
                        stage.backup_name().map(|name| beside(&work.report.target, name));
                    published.push(Member { work, stage, claim });
                }
                Err(Unpublished { why, left_behind }) => {
                    for (left, error) in left_behind {
                        self.warn_left_behind(beside(&work.report.target, &left), &error);
                    }
                    let setback = publish_failed(&why, &mut work);
                    fallen.push((work, setback));
                }
            }
        }
        published
    }

    /// Sorts out members whose directory no longer stands where its path says: what would be
    /// published there would not be found under the name that is reported.
    fn still_in_place(
        &self,
        proved: Vec<Member<F, Proved<F>>>,
        fallen: &mut Fallen,
    ) -> Vec<Member<F, Proved<F>>> {
        let mut looked_at: Option<((usize, RelPath), bool)> = None;
        let mut kept = Vec::with_capacity(proved.len());
        for member in proved {
            let key = (member.work.item.mapping, member.claim.parent.clone());
            let is_there = match &looked_at {
                Some((known, is_there)) if *known == key => *is_there,
                _ => self.is_in_place(&key, member.stage.directory()),
            };
            looked_at = Some((key, is_there));
            if is_there {
                kept.push(member);
                continue;
            }
            let target = member.work.report.target.clone();
            let message = "the directory was moved or replaced meanwhile";
            let error = ItemError::new(ErrorCode::TargetChanged, target, message);
            self.drop_partial(member.stage.discard(), &member.work);
            fallen.push((member.work, Setback::Failed(error)));
        }
        kept
    }

    fn is_in_place(&self, (mapping, parent): &(usize, RelPath), open: &F::Dir) -> bool {
        let (fs, root) = (self.context.fs(), &self.context.roots[*mapping]);
        let found = fs
            .open_root(&root.mapping.destination_root)
            .and_then(|root| fs.open_dir(&root, parent))
            .and_then(|dir| fs.metadata(Node::Dir(&dir)));
        match (found, fs.metadata(Node::Dir(open))) {
            (Ok(found), Ok(open)) => found.id == open.id,
            _ => false,
        }
    }
}

fn publication<F: FileSystem>(member: &Member<F, Proved<F>>, backup: &OsString) -> Publication {
    let target = member.work.report.target.clone();
    Publication {
        item: member.work.item.id,
        partial: member.work.report.partial.clone().unwrap_or_else(|| target.clone()),
        backup: beside(&target, backup),
        replaces: match member.claim.expected {
            Expected::File(seen) => Some(seen),
            Expected::Nothing => None,
        },
        target,
    }
}

fn publish_failed(error: &PublishError, work: &mut Work) -> Setback {
    match error {
        PublishError::Unknown { kept_as, error } => {
            let kept = beside(&work.report.target, kept_as);
            let message = format!("it is not known which file is visible: {error}");
            let details = format!("the other one is kept as {}", kept.display());
            work.report.backup = Some(kept);
            let target = work.report.target.clone();
            let mut reason =
                ItemError::new(ErrorCode::DurabilityUnknown, target, message).with_details(details);
            reason.os_error = error.os_error();
            Setback::Failed(reason)
        }
        PublishError::Fs(error) => target_failed(error, &work.report.target),
        PublishError::Displaced { kept_as, error } => {
            let message = "published over a file that another program put there meanwhile";
            let kept = beside(&work.report.target, kept_as);
            let target = work.report.target.clone();
            work.report.backup = Some(kept.clone());
            Setback::Failed(
                ItemError::new(ErrorCode::DurabilityUnknown, target, message)
                    .with_details(format!("that file is kept as {}: {error}", kept.display())),
            )
        }
        PublishError::TargetChanged => Setback::Failed(ItemError::new(
            ErrorCode::TargetChanged,
            work.report.target.clone(),
            "another program changed the target meanwhile; its file was kept",
        )),
    }
}
