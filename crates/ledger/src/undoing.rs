//! What an undo has made of a job. One rule for what a job is shown to be in, for what is gone on with
//! unasked, and for what may be forgotten.

use crate::job::{JobRecord, RunKind, RunRecord};
use crate::state::JobState;

/// What an undo has made of a job. It stands until all of the job is to be copied again: to verify it,
/// to give up what is kept, or to try again what had failed brings nothing back that was undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undoing {
    /// It is at work, or has died.
    Open,
    /// Some of the job is undone, and some is not.
    InPart,
    /// Nothing of the job is in place.
    Whole,
}

impl JobRecord {
    /// What an undo has made of it; `None` when nothing of it is undone, or all of it was to be copied
    /// again since.
    pub fn undoing(&self) -> Option<Undoing> {
        let undo = self.standing_undo()?;
        if has_not_ended(undo) {
            return Some(Undoing::Open);
        }
        match self.state {
            JobState::Undone if self.has_retried_since() => Some(Undoing::InPart),
            JobState::Undone => Some(Undoing::Whole),
            _ => (self.undone > 0).then_some(Undoing::InPart),
        }
    }

    /// Somebody wanted nothing more of it, and has not asked for all of it again.
    pub(crate) fn is_given_up(&self) -> bool {
        self.undoing().is_some() || self.standing_undo().is_some_and(is_whole)
    }

    /// The last undo, if all of the job was not to be copied again since. One that was refused has
    /// touched nothing.
    fn standing_undo(&self) -> Option<&RunRecord> {
        let decides = |run: &&RunRecord| match run.kind {
            RunKind::Undo => run.outcome.as_deref() != Some("refused"),
            RunKind::Copy | RunKind::Resume => run.planned.is_some(),
            RunKind::Retry | RunKind::Verify | RunKind::Discard => false,
        };
        self.runs.iter().rev().find(decides).filter(|run| run.kind == RunKind::Undo)
    }

    /// Something that had failed was copied since all that there was had been undone.
    fn has_retried_since(&self) -> bool {
        let since = self.runs.iter().rev().take_while(|run| !is_whole(run));
        since.into_iter().any(|run| run.kind == RunKind::Retry && run.sums.ok > 0)
    }
}

/// It is at work, or has died, whether or not a later run has taken note of that.
fn has_not_ended(run: &RunRecord) -> bool {
    run.ended_ms.is_none() || run.outcome.as_deref() == Some("interrupted")
}

/// It has undone all that there was.
fn is_whole(run: &RunRecord) -> bool {
    run.kind == RunKind::Undo && run.outcome.as_deref() == Some("finished") && run.sums.failed == 0
}
