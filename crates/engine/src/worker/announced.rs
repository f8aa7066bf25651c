//! A proved group whose announcement is being recorded: it is published once that is durable, and the
//! worker gathers its next group in the meantime.
//!
//! There is one at most, and it is the first to be brought to its end: nothing else is announced, flushed
//! or waited for before.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use surecopy_fs::FileSystem;

use super::ended::Ended;
use super::group::Fallen;
use super::member::{Member, Setback};
use super::publishing::publication;
use super::take::Worker;
use crate::commit::Proved;
use crate::record::{Fact, Recording};

/// A group between its announcement and its being published.
pub(super) struct Announced<F: FileSystem> {
    /// Each with the name that what it replaces is to get.
    pub(super) members: Vec<(Member<F, Proved<F>>, OsString)>,
    pub(super) open_files: usize,
    /// When the first of them was complete.
    pub(super) since: Duration,
    recording: Box<dyn Recording>,
    /// Ends that are recorded with it, and not told before.
    ended: Vec<Ended>,
}

impl<F: FileSystem> Worker<'_, '_, F> {
    /// Announces a group, together with the ends that wait.
    pub(super) fn announce(
        &mut self,
        proved: Vec<Member<F, Proved<F>>>,
        since: Duration,
        fallen: &mut Fallen,
    ) {
        let mut known = self.known_again(proved, fallen);
        if known.is_empty() {
            return;
        }
        // They were compared with what they are copies of.
        known.iter_mut().for_each(|member| member.claim.let_go_of_source(self.context));
        let open_files = open_files(&known);
        let with_backup = |member| (member, self.context.names.backup());
        let members: Vec<_> = known.into_iter().map(with_backup).collect();
        let items = members.iter().map(|(member, backup)| publication(member, backup)).collect();
        let (ended, facts) = self.take_ended(vec![Fact::Publishing { items }]);
        let recording = self.context.begin_record(facts);
        self.announced = Some(Announced { members, open_files, since, recording, ended });
    }

    /// Whether a group was announced and is not published, and whether that can be changed at once.
    pub(super) fn is_announcement_over(&mut self) -> bool {
        self.announced.as_mut().is_some_and(|announced| announced.recording.is_over())
    }

    /// Publishes the announced group, if there is one, as soon as its announcement is durable.
    pub(super) fn publish_announced(&mut self, fallen: &mut Fallen) {
        let Some(Announced { members, recording, ended, .. }) = self.announced.take() else {
            return;
        };
        let recorded = self.context.end_record(recording);
        self.account_ended(ended, &recorded);
        // Another worker may have found out meanwhile that nothing can be recorded any more.
        if recorded.and_then(|()| self.context.unless_stopped()).is_err() {
            for (Member { work, stage, .. }, _) in members {
                let error = self.context.journal_error(work.report.target.clone());
                self.drop_partial(stage.discard(), &work);
                fallen.push((work, Setback::Failed(error)));
            }
            return;
        }
        if self.context.outside.control.is_cancelled() {
            for (Member { work, stage, .. }, _) in members {
                self.drop_partial(stage.discard(), &work);
                fallen.push((work, Setback::Cancelled));
            }
            return;
        }
        let published = self.publish_all(members, fallen);
        self.make_names_durable(published, fallen);
        self.progress.idle();
    }
}

/// What the members hold open: their files, and each directory once for those that follow each other
/// in it.
fn open_files<F: FileSystem>(members: &[Member<F, Proved<F>>]) -> usize {
    let files = members.iter().filter(|member| member.stage.is_open()).count();
    let directory = |member: &Member<F, Proved<F>>| Arc::as_ptr(&member.stage.target().dir);
    let changes = members.windows(2).filter(|two| directory(&two[0]) != directory(&two[1]));
    files + changes.count() + usize::from(!members.is_empty())
}
