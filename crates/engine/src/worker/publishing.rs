//! Making a group visible.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use surecopy_fs::{FileSystem, FsError, FsErrorKind, Node, RelPath};

use super::attempt::{beside, target_failed};
use super::group::Fallen;
use super::member::{Member, Setback};
use super::take::Worker;
use crate::commit::{Expected, Proved, PublishError, Published, Unpublished};
use crate::error::{ErrorCode, ItemError};
use crate::record::{Landed, Publication};
use crate::report::{ItemReport, ItemStatus, Step};

impl<F: FileSystem> Worker<'_, '_, F> {
    pub(super) fn publish_all(
        &mut self,
        announced: Vec<(Member<F, Proved<F>>, OsString)>,
        fallen: &mut Fallen,
    ) -> Vec<Member<F, Published<F>>> {
        self.progress.step(Step::Publishing);
        let announced = self.still_in_place(announced, fallen);
        let mut published = Vec::with_capacity(announced.len());
        for (member, backup) in announced {
            let Member { mut work, stage, claim } = member;
            let begun = self.context.outside.clock.now();
            let exchanging = self.exchanging.entry(claim.volume.id).or_default();
            let outcome = stage.publish(claim.expected, backup, &self.control, exchanging);
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
                    let setback = publish_failed(&why, &mut work.report);
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
        announced: Vec<(Member<F, Proved<F>>, OsString)>,
        fallen: &mut Fallen,
    ) -> Vec<(Member<F, Proved<F>>, OsString)> {
        let mut looked_at: Option<((usize, RelPath), bool)> = None;
        let mut kept = Vec::with_capacity(announced.len());
        for (member, backup) in announced {
            let key = (member.work.item.mapping, member.claim.parent.clone());
            let found = match &looked_at {
                Some((known, is_there)) if *known == key => Ok(*is_there),
                _ => self.is_in_place(&key, &member.stage.target().dir),
            };
            let target = &member.work.report.target;
            let setback = match found {
                Ok(is_there) => {
                    looked_at = Some((key, is_there));
                    (!is_there).then(|| directory_gone(target))
                }
                Err(error) => Some(target_failed(&error, target)),
            };
            match setback {
                None => kept.push((member, backup)),
                Some(setback) => {
                    self.drop_partial(member.stage.discard(), &member.work);
                    fallen.push((member.work, setback));
                }
            }
        }
        kept
    }

    /// Takes note of what each member's ends are known by, and sorts out those that say nothing.
    pub(super) fn known_again(
        &self,
        proved: Vec<Member<F, Proved<F>>>,
        fallen: &mut Fallen,
    ) -> Vec<Member<F, Proved<F>>> {
        let mut kept = Vec::with_capacity(proved.len());
        for mut member in proved {
            match member.stage.seen() {
                Ok(target) => {
                    let replaced = match member.claim.expected {
                        Expected::File(seen) => Some(seen),
                        Expected::Nothing => None,
                    };
                    let source = member.claim.source_seen;
                    member.work.report.landed = Some(Landed { source, target, replaced });
                    kept.push(member);
                }
                Err(error) => {
                    let setback = target_failed(&error, &member.work.report.target);
                    self.drop_partial(member.stage.discard(), &member.work);
                    fallen.push((member.work, setback));
                }
            }
        }
        kept
    }

    fn is_in_place(
        &self,
        (mapping, parent): &(usize, RelPath),
        open: &F::Dir,
    ) -> Result<bool, FsError> {
        let (fs, root) = (self.context.fs(), &self.context.roots[*mapping]);
        let found = fs
            .open_root(&root.mapping.destination_root)
            .and_then(|root| fs.open_dir(&root, parent));
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                return match error.kind {
                    FsErrorKind::NotFound
                    | FsErrorKind::NotADirectory
                    | FsErrorKind::LinkInPath => Ok(false),
                    // Nothing is known of the directory, so nothing may be said of it.
                    _ => Err(error),
                };
            }
        };
        Ok(fs.metadata(Node::Dir(&found))?.id == fs.metadata(Node::Dir(open))?.id)
    }
}

fn directory_gone(target: &Path) -> Setback {
    let message = "the directory was moved or replaced meanwhile";
    Setback::Failed(ItemError::new(ErrorCode::TargetChanged, target.to_owned(), message))
}

/// What is announced of a member.
pub(super) fn publication<F: FileSystem>(
    member: &Member<F, Proved<F>>,
    backup: &OsString,
) -> Publication {
    let Member { work, stage, claim } = member;
    let mut report = Box::new(work.report.clone());
    report.status = ItemStatus::Ok;
    report.backup =
        matches!(claim.expected, Expected::File(_)).then(|| beside(&report.target, backup));
    Publication {
        item: work.item.id,
        mapping: work.item.mapping,
        target: claim.parent.join(&stage.target().name),
        partial: stage.partial_name().to_owned(),
        backup: backup.clone(),
        report,
    }
}

fn publish_failed(error: &PublishError, report: &mut ItemReport) -> Setback {
    match error {
        PublishError::Cancelled => Setback::Cancelled,
        PublishError::Fs(error) => target_failed(error, &report.target),
        PublishError::Unknown { kept_as, error } => {
            let kept = beside(&report.target, kept_as);
            let message = format!("it is not known which file is visible: {error}");
            let details = format!("the other one is kept as {}", kept.display());
            both_kept(report, kept, error, message, details)
        }
        PublishError::Displaced { kept_as, error } => {
            let kept = beside(&report.target, kept_as);
            let message = match error.kind {
                FsErrorKind::AlreadyExists => "another program put a file there at the same moment",
                _ => "what was there could not be looked at after the exchange",
            };
            let details = format!(
                "nothing was removed: look at the target and at what is kept as {}: {error}",
                kept.display()
            );
            both_kept(report, kept, error, message.to_owned(), details)
        }
        PublishError::TargetChanged => Setback::Failed(ItemError::new(
            ErrorCode::TargetChanged,
            report.target.clone(),
            "another program changed the target meanwhile; its file was kept",
        )),
    }
}

fn both_kept(
    report: &mut ItemReport,
    kept: PathBuf,
    error: &FsError,
    message: String,
    details: String,
) -> Setback {
    report.backup = Some(kept);
    let target = report.target.clone();
    let mut reason =
        ItemError::new(ErrorCode::DurabilityUnknown, target, message).with_details(details);
    reason.os_error = error.os_error();
    Setback::Failed(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ItemKind;
    use surecopy_fs::Operation;

    #[test]
    fn the_number_that_the_system_gave_is_passed_on() {
        const NUMBER: i32 = 5;
        let failed =
            || FsError::new(Operation::Exchange, std::io::Error::from_raw_os_error(NUMBER));
        let kept_as = OsString::from("partial");
        for error in [
            PublishError::Fs(failed()),
            PublishError::Displaced { kept_as: kept_as.clone(), error: failed() },
            PublishError::Unknown { kept_as, error: failed() },
        ] {
            let path = PathBuf::from("file");
            let mut report = ItemReport::new(ItemKind::File, path.clone(), path, 0);
            let Setback::Failed(reason) = publish_failed(&error, &mut report) else {
                panic!("{error:?}")
            };
            assert_eq!(reason.os_error, Some(NUMBER), "{error:?}");
        }
    }

    #[test]
    fn another_program_is_named_only_when_it_was_seen() {
        let looked = FsError::new(Operation::Metadata, std::io::Error::from_raw_os_error(5));
        let seen = FsError::of_kind(Operation::Metadata, FsErrorKind::AlreadyExists);
        for (error, is_named) in [(looked, false), (seen, true)] {
            let path = PathBuf::from("file");
            let mut report = ItemReport::new(ItemKind::File, path.clone(), path, 0);
            let error = PublishError::Displaced { kept_as: OsString::from("backup"), error };
            let Setback::Failed(reason) = publish_failed(&error, &mut report) else {
                panic!("{error:?}")
            };
            assert_eq!(reason.message.contains("another program"), is_named, "{reason:?}");
        }
    }
}
