//! Making a group's content durable: with one flush of the volume, or each file by itself.

use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use surecopy_fs::{FileSystem, FsError, FsErrorKind, Operation, Support};

use super::group::Fallen;
use super::member::{Member, Setback, Work};
use super::take::Worker;
use crate::commit::{Flushed, Written};
use crate::error::ItemError;
use crate::report::Step;

/// Files that are better flushed one by one than with everything else on the volume.
const FEW_FILES: usize = 2;

/// What a common flush came to.
enum Common {
    /// Everything is on the device.
    Done,
    /// There is none here; each file is flushed by itself.
    Unsupported,
    /// Something is lost, and nobody knows what.
    Failed(FsError),
    /// The job was cancelled meanwhile.
    Cancelled,
}

impl Common {
    fn of(flushed: Result<Support<()>, FsError>) -> Self {
        match flushed {
            Ok(Support::Done(())) => Common::Done,
            Ok(Support::Unsupported) => Common::Unsupported,
            Err(error) => Common::Failed(error),
        }
    }
}

impl<F: FileSystem> Worker<'_, '_, F> {
    /// Flushes every member, and shares the time it took out among them.
    pub(super) fn flush_all(
        &mut self,
        members: Vec<Member<F, Written<F>>>,
        fallen: &mut Fallen,
    ) -> Vec<Member<F, Flushed<F>>> {
        self.progress.step(Step::Flushing);
        let begun = self.context.outside.clock.now();
        let mut flushed = match self.common_flush(&members) {
            Common::Done => {
                let flushed = |Member { work, stage, claim }: Member<F, Written<F>>| Member {
                    work,
                    stage: stage.flushed_with_volume(),
                    claim,
                };
                members.into_iter().map(flushed).collect()
            }
            Common::Unsupported => self.flush_each(members, fallen),
            Common::Cancelled => {
                self.abandon(members, fallen);
                Vec::new()
            }
            Common::Failed(error) => {
                for member in members {
                    let reason = flush_failed(&error, &member.work);
                    self.drop_partial(member.stage.discard(), &member.work);
                    fallen.push((member.work, Setback::Failed(reason)));
                }
                Vec::new()
            }
        };
        let spent = self.context.outside.clock.now().saturating_sub(begun);
        let share = spent / u32::try_from(flushed.len().max(1)).unwrap_or(u32::MAX);
        flushed.iter_mut().for_each(|member| member.work.report.times.verify += share);
        flushed
    }

    fn common_flush(&self, members: &[Member<F, Written<F>>]) -> Common {
        if members.len() <= FEW_FILES {
            return Common::Unsupported;
        }
        let Some(volume) = members.first().map(|first| &first.claim.volume) else {
            return Common::Unsupported;
        };
        let failed = self.handles.failed_flushes(volume);
        if members.iter().any(|member| member.claim.failed_flushes != failed) {
            // Names of the group before could not be flushed when these were being written. What was
            // lost then is not reported again.
            return Common::Failed(FsError::of_kind(Operation::FlushVolume, FsErrorKind::Io));
        }
        match self.handles.flush_point(volume) {
            Some(point) => self.flush_volume_unless_cancelled(point),
            None => Common::Unsupported,
        }
    }

    fn flush_each(
        &self,
        members: Vec<Member<F, Written<F>>>,
        fallen: &mut Fallen,
    ) -> Vec<Member<F, Flushed<F>>> {
        let mut flushed = Vec::with_capacity(members.len());
        for Member { work, stage, claim } in members {
            match stage.flush() {
                Ok(stage) => flushed.push(Member { work, stage, claim }),
                Err((unflushed, error)) => {
                    let reason = flush_failed(&error, &work);
                    self.drop_partial(unflushed.discard(), &work);
                    fallen.push((work, Setback::Failed(reason)));
                }
            }
        }
        flushed
    }

    /// The job was cancelled before anything of these members could be seen.
    pub(super) fn abandon(&self, members: Vec<Member<F, Written<F>>>, fallen: &mut Fallen) {
        for member in members {
            self.drop_partial(member.stage.discard(), &member.work);
            fallen.push((member.work, Setback::Cancelled));
        }
    }

    /// Flushes the volume on a thread of its own, because it may have much to write for other
    /// programs, or hang: whoever cancels does not wait for that.
    fn flush_volume_unless_cancelled(&self, point: Arc<F::Dir>) -> Common {
        const LOOK: Duration = Duration::from_millis(20);
        let (fs, on_thread) = (Arc::clone(&self.context.outside.fs), Arc::clone(&point));
        let (done, wait) = std::sync::mpsc::sync_channel(1);
        let flusher = std::thread::Builder::new().spawn(move || {
            let flushed = fs.flush_volume(&on_thread);
            drop((fs, on_thread));
            // Nobody may be listening any more.
            done.send(flushed).ok();
        });
        if flusher.is_err() {
            return Common::of(self.context.fs().flush_volume(&point));
        }
        loop {
            match wait.recv_timeout(LOOK) {
                Ok(flushed) => return Common::of(flushed),
                Err(RecvTimeoutError::Timeout) if self.context.outside.control.is_cancelled() => {
                    return Common::Cancelled;
                }
                Err(RecvTimeoutError::Timeout) => {}
                // It ended without an answer, so nothing is known to be durable.
                Err(RecvTimeoutError::Disconnected) => {
                    let error = FsError::of_kind(Operation::FlushVolume, FsErrorKind::Io);
                    return Common::Failed(error);
                }
            }
        }
    }
}

fn flush_failed(error: &FsError, work: &Work) -> ItemError {
    let target = work.report.target.clone();
    ItemError::from_fs(error, crate::error::Side::Destination, target)
        .with_details("written data may be lost; it is copied again from the source")
}
