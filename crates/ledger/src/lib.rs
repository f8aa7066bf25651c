//! The ledger of surecopy: what was asked for, what happened to each file, and what is left to do, in
//! one SQLite database that survives power cuts and killed programs.
//!
//! A [`Ledger`] holds jobs. [`Ledger::create_job`] gives a [`NewJob`] to begin; that, and
//! [`Ledger::begin_run`], gives a [`JobRun`], which implements the engine's seams for truth:
//! [`Journal`](surecopy_engine::Journal), [`WorkList`](surecopy_engine::WorkList) and
//! [`History`](surecopy_engine::History). The database is described in `docs/formats/ledger.md`.
//!
//! The crate copies nothing and looks at no file that is copied; it only remembers.

mod audit;
mod begin;
mod error;
mod job;
mod ledger;
mod lines;
mod new_job;
mod prune;
mod read;
mod rows;
mod run;
mod state;
mod store;
mod text;
mod undoing;
mod work_list;
mod write;

pub use audit::log::{AuditBreak, AuditCheck, AuditRecord, ExportError};
pub use error::LedgerError;
pub use job::{JobId, JobRecord, ProgressRecord, RunKind, RunRecord, Sums};
pub use ledger::Ledger;
pub use new_job::NewJob;
pub use read::done::DoneOrder;
pub use read::items::ItemRecord;
pub use read::refused::Refusal;
pub use run::JobRun;
pub use state::{ItemState, JobState};
pub use undoing::Undoing;
