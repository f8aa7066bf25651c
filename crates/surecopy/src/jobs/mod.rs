//! Jobs that are in a ledger: going on with them, and trying again what failed.
//!
//! A [`CopyRequest`](crate::CopyRequest) with a [`ledger`](crate::CopyRequest::ledger) leaves a job
//! there, which survives its process:
//!
//! ```
//! # let folder = tempfile::tempdir()?;
//! # let photos = folder.path().join("photos");
//! # let backup = folder.path().join("backup");
//! # std::fs::create_dir(&photos)?;
//! # std::fs::write(photos.join("a.jpg"), "light")?;
//! use std::sync::Arc;
//!
//! use surecopy::jobs::{Ledger, ResumeOptions, resume};
//! use surecopy::{CopyRequest, NoObserver};
//!
//! let ledger = Arc::new(Ledger::open(&folder.path().join("ledger.db"))?);
//! let job = CopyRequest::new([&photos], &backup).ledger(Arc::clone(&ledger)).prepare()?;
//! let id = job.id().expect("it is in the ledger");
//! job.run(&NoObserver);
//!
//! // Whatever became of it, this goes on with it; of what is done, it makes sure and no more.
//! let report = resume(&ledger, id, &ResumeOptions::default())?.run(&NoObserver);
//! assert_eq!((report.planned.kept, report.planned.items), (1, 0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod look_back;
pub(crate) mod pruning;
pub(crate) mod recorded;
mod resume;

pub use look_back::{
    LookBack, LookBackReport, can_be_undone, discard_replaced, undo_job, verify_job,
};
pub use resume::{ResumeOptions, resume, retry};

pub use surecopy_engine::{DiscardReport, RecheckReport, UndoReport};
pub use surecopy_ledger::{
    AuditBreak, AuditCheck, AuditRecord, ExportError, ItemRecord, ItemState, JobId, JobRecord,
    JobState, Ledger, LedgerError, ProgressRecord, Refusal, RunKind, RunRecord, Sums, Undoing,
};
