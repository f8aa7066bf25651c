//! The ledger of surecopy: what was asked for, what happened to each file, and what is left to do, in
//! one SQLite database that survives power cuts and killed programs.
//!
//! A [`Ledger`] holds jobs. [`Ledger::create_job`] gives a [`NewJob`] to begin; that, and
//! [`Ledger::begin_run`], gives a [`JobRun`], which implements the engine's seams for truth: [`Journal`](surecopy_engine::Journal), [`WorkList`](surecopy_engine::WorkList)
//! and [`History`](surecopy_engine::History). The database is described in
//! `docs/formats/ledger.md`.
//!
//! The crate copies nothing and looks at no file that is copied; it only remembers.

mod announced;
mod apply;
mod audit;
mod begin;
mod chain;
mod change;
mod claim;
mod connection;
mod directory_ids;
mod done;
mod ended;
mod ends_check;
mod error;
mod error_text;
mod failed;
mod finish;
mod group_text;
mod how_text;
mod in_flight;
mod item_text;
mod items;
mod job;
mod jobs;
mod known;
mod ledger;
mod new_job;
mod path_text;
mod place;
mod plan;
mod prune;
mod publication_text;
mod records;
mod refused;
mod reports;
mod request;
mod run;
mod schema;
mod seen;
mod short_name;
mod slots;
mod standing;
mod state;
mod words;
mod writer;

pub use audit::{AuditBreak, AuditCheck, AuditRecord, ExportError};
pub use done::DoneOrder;
pub use error::LedgerError;
pub use items::ItemRecord;
pub use job::{JobId, JobRecord, ProgressRecord, RunKind, RunRecord, Sums};
pub use ledger::Ledger;
pub use new_job::NewJob;
pub use refused::Refusal;
pub use run::JobRun;
pub use state::{ItemState, JobState};
