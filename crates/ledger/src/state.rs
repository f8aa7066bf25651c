//! The states of items and jobs, and which may follow which: one table each.

/// How far an item has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemState {
    /// It is to be done. When its run has ended, it was not begun.
    Planned,
    /// It is published and durable.
    Ok,
    /// It was left alone, and nothing is wrong.
    Skipped,
    /// It failed.
    Failed,
    /// The job was cancelled before it was published.
    Cancelled,
    /// Its run did not come to its end, and may have begun it.
    Interrupted,
    /// It was published, and is not any more what was written.
    Damaged,
    /// What it replaced is back, or what was new is gone.
    Undone,
}

impl ItemState {
    /// Every state.
    pub const ALL: [ItemState; 8] = [
        ItemState::Planned,
        ItemState::Ok,
        ItemState::Skipped,
        ItemState::Failed,
        ItemState::Cancelled,
        ItemState::Interrupted,
        ItemState::Damaged,
        ItemState::Undone,
    ];

    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            ItemState::Planned => "planned",
            ItemState::Ok => "ok",
            ItemState::Skipped => "skipped",
            ItemState::Failed => "failed",
            ItemState::Cancelled => "cancelled",
            ItemState::Interrupted => "interrupted",
            ItemState::Damaged => "damaged",
            ItemState::Undone => "undone",
        }
    }

    /// Reads its stable text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }

    /// Whether the other state may follow this one.
    pub(crate) fn may_become(self, next: ItemState) -> bool {
        use ItemState::{Cancelled, Damaged, Failed, Interrupted, Ok, Planned, Skipped, Undone};
        match self {
            Planned => matches!(next, Ok | Skipped | Failed | Cancelled | Interrupted),
            // What a dead run had published is found by the next one.
            Interrupted => matches!(next, Ok | Failed | Cancelled),
            Ok => matches!(next, Damaged | Undone),
            // It could not be read for a while.
            Damaged => matches!(next, Ok | Undone),
            // It was announced, and a later run finds it published.
            Failed | Cancelled => next == Ok,
            Skipped | Undone => false,
        }
    }

    /// The states that may come before this one, as a list in SQL.
    pub(crate) fn may_come_after(self) -> String {
        let before = Self::ALL.into_iter().filter(|state| state.may_become(self));
        before.map(|state| format!("'{}'", state.as_str())).collect::<Vec<_>>().join(", ")
    }
}

/// How far a job has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobState {
    /// No run has begun.
    Created,
    /// A run finds out what is to be done.
    Planning,
    /// A run is at work.
    Running,
    /// Everything was dealt with.
    Finished,
    /// Everything was dealt with, and some of it failed.
    Incomplete,
    /// The user ended it.
    Cancelled,
    /// Preflight refused it.
    Refused,
    /// A failure ended it: of an item, when that was asked for, or of the ledger.
    Stopped,
    /// Its last run did not come to an end of its own.
    Interrupted,
    /// What it had copied is gone, and what it had replaced is back.
    Undone,
}

impl JobState {
    /// Every state.
    pub const ALL: [JobState; 10] = [
        JobState::Created,
        JobState::Planning,
        JobState::Running,
        JobState::Finished,
        JobState::Incomplete,
        JobState::Cancelled,
        JobState::Refused,
        JobState::Stopped,
        JobState::Interrupted,
        JobState::Undone,
    ];

    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            JobState::Created => "created",
            JobState::Planning => "planning",
            JobState::Running => "running",
            JobState::Finished => "finished",
            JobState::Incomplete => "incomplete",
            JobState::Cancelled => "cancelled",
            JobState::Refused => "refused",
            JobState::Stopped => "stopped",
            JobState::Interrupted => "interrupted",
            JobState::Undone => "undone",
        }
    }

    /// Reads its stable text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }

    /// Whether it is as somebody left it who is at work on it, or has died.
    pub fn is_open(self) -> bool {
        matches!(self, JobState::Created | JobState::Planning | JobState::Running)
    }

    /// Whether there is nothing left to resume.
    pub fn is_complete(self) -> bool {
        matches!(self, JobState::Finished | JobState::Incomplete | JobState::Undone)
    }

    /// What it is again after a run that has not changed what was left.
    pub(crate) fn as_left(self) -> Self {
        if self.is_open() { JobState::Interrupted } else { self }
    }

    /// Whether the other state may follow this one.
    pub(crate) fn may_become(self, next: JobState) -> bool {
        use JobState::{
            Cancelled, Created, Finished, Incomplete, Interrupted, Planning, Refused, Running,
            Stopped, Undone,
        };
        match self {
            Created => matches!(next, Planning | Interrupted),
            // A run that was refused leaves the job as it was before.
            Planning => !matches!(next, Created | Planning),
            // A retry leaves undone what is.
            Running => {
                matches!(next, Finished | Incomplete | Cancelled | Stopped | Interrupted | Undone)
            }
            Finished | Incomplete | Cancelled | Stopped | Interrupted => {
                matches!(next, Planning | Undone)
            }
            Refused => matches!(next, Planning | Undone),
            Undone => matches!(next, Planning),
        }
    }

    /// The states that may come before this one, as a list in SQL.
    pub(crate) fn may_come_after(self) -> String {
        let before = Self::ALL.into_iter().filter(|state| state.may_become(self));
        before.map(|state| format!("'{}'", state.as_str())).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_item_states() {
        use ItemState::{Cancelled, Damaged, Failed, Interrupted, Ok, Planned, Skipped, Undone};
        let allowed = [
            (Planned, Ok),
            (Planned, Skipped),
            (Planned, Failed),
            (Planned, Cancelled),
            (Planned, Interrupted),
            (Interrupted, Ok),
            (Interrupted, Failed),
            (Interrupted, Cancelled),
            (Ok, Damaged),
            (Ok, Undone),
            (Damaged, Ok),
            (Damaged, Undone),
            (Failed, Ok),
            (Cancelled, Ok),
        ];
        for from in ItemState::ALL {
            assert_eq!(ItemState::from_text(from.as_str()), Some(from));
            for to in ItemState::ALL {
                assert_eq!(from.may_become(to), allowed.contains(&(from, to)), "{from:?} {to:?}");
            }
        }
        let before_ok = "'planned', 'failed', 'cancelled', 'interrupted', 'damaged'";
        assert_eq!(ItemState::Ok.may_come_after(), before_ok);
    }

    #[test]
    fn every_pair_of_job_states() {
        use JobState::{
            Cancelled, Created, Finished, Incomplete, Interrupted, Planning, Refused, Running,
            Stopped, Undone,
        };
        let allowed = [
            (Created, Planning),
            (Created, Interrupted),
            (Planning, Running),
            (Planning, Finished),
            (Planning, Incomplete),
            (Planning, Cancelled),
            (Planning, Refused),
            (Planning, Stopped),
            (Planning, Interrupted),
            (Planning, Undone),
            (Running, Finished),
            (Running, Incomplete),
            (Running, Cancelled),
            (Running, Stopped),
            (Running, Interrupted),
            (Running, Undone),
            (Refused, Planning),
            (Refused, Undone),
            (Undone, Planning),
        ];
        let ended = [Finished, Incomplete, Cancelled, Stopped, Interrupted];
        for from in JobState::ALL {
            assert_eq!(JobState::from_text(from.as_str()), Some(from));
            for to in JobState::ALL {
                let again = ended.contains(&from) && matches!(to, Planning | Undone);
                let expected = again || allowed.contains(&(from, to));
                assert_eq!(from.may_become(to), expected, "{from:?} {to:?}");
            }
        }
    }
}
