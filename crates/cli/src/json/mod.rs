//! The machine's view of a job: one JSON object a line. `docs/formats/events.md` is the contract.
//!
//! The structs here are the format and nothing else; no type of the library is serialised, so that
//! neither binds the other.

mod again;
mod audit;
mod index;
mod item;
mod job;
mod lines;
mod look_back;
mod path;
mod plan;
mod preparation;
mod progress;
mod pruned;
mod refusal;
mod report;
mod status;
mod undo_plan;
mod watch;

pub(crate) use audit::{AuditCheckLine, AuditItemLine, AuditSummaryLine};
pub(crate) use index::{
    IndexStatusLine, LocationAddedLine, LocationLine, LocationRemovedLine, LocationStatusLine,
};
pub(crate) use job::JobLine;
pub(crate) use lines::{JsonLines, line};
pub(crate) use preparation::PreparationLine;
pub(crate) use pruned::PrunedLine;
pub(crate) use refusal::{RefusedLine, reason};
pub(crate) use status::JobStatus;
pub(crate) use undo_plan::{UndoPlanLine, UndoPlanReportLine};
pub(crate) use watch::WatchLine;
