//! Taking back what a job did, and giving up the means to.
//!
//! A job that was run with `keep_replaced` has left what it replaced beside its targets. Here that
//! gets its name back, and what was new goes. Everything is known again by number, size and time,
//! never by its name alone: what is neither what was copied nor what was replaced has been changed
//! since, and is left as it is.
//!
//! Items go in rounds: names are exchanged or removed, the directories flushed, what was undone
//! recorded, and only then what was exchanged out is removed. So what is recorded is durable, and at
//! every instant the target shows the copy or what it replaced. Whatever cuts that short, doing it
//! again comes to the same end.

mod act;
mod discard;
mod made;
mod report;
mod round;
mod standing;
mod whole;

pub use discard::discard;
pub use report::{DiscardReport, UndoReport};
pub use whole::undo;
