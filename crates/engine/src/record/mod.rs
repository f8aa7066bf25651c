//! The seam for truth: what a run writes down for later runs, and what it is told of earlier ones.
//!
//! The ledger implements all of it durably; [`NoJournal`] and [`MemoryWorkList`] are a run that
//! leaves no record.

mod fact;
mod history;
mod journal;
mod work_list;

pub use fact::{
    Check, DoneItem, Fact, InFlight, Landed, Publication, RecordedEnd, RootIdentity, Unsettled,
};
pub use history::{Done, DoneItems, History, Known};
pub use journal::{Journal, JournalError, NoJournal, Recording};
pub use work_list::{BATCH, MemoryWorkList, Queue, Rest, WorkList};
