//! Jobs that are in the ledger: where that is, which job is meant, and what is said of one, in figures
//! and in words. It changes nothing in a ledger.

mod condition;
mod figures;
mod gone;
mod incomplete;
mod kept;
#[cfg(test)]
pub(crate) mod made_up;
mod moment;
mod next;
mod not_copied;
mod place;
mod speed;

pub(crate) use condition::Condition;
pub(crate) use figures::Figures;
pub(crate) use incomplete::Incomplete;
pub(crate) use kept::kept_path;
pub(crate) use moment::{Moment, rfc3339};
pub(crate) use next::{NextStep, next_after, next_for_people, next_of_state, next_step};
pub(crate) use not_copied::NotCopied;
pub(crate) use place::{Found, LedgerArgs, job_number, no_jobs};
pub(crate) use speed::{Pace, Speedometer};
