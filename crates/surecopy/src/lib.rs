//! Copy files and trees, and prove what lands.
//!
//! A file appears under its name only when it is whole, flushed to the device and, as the
//! [policy](VerifyPolicy) asks, read back and found equal. Until then, and whenever anything fails,
//! what was there before stays there.
//!
//! # Copy one file
//!
//! ```
//! # let folder = tempfile::tempdir()?;
//! # let photo = folder.path().join("photo.jpg");
//! # let backup = folder.path().join("photo-backup.jpg");
//! # std::fs::write(&photo, "light")?;
//! let item = surecopy::copy_file(&photo, &backup)?;
//! println!("{} bytes, proved by reading them back: {}", item.size_bytes, item.verified());
//! # assert_eq!(std::fs::read(&backup)?, b"light");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Copy a tree
//!
//! ```
//! # let folder = tempfile::tempdir()?;
//! # let photos = folder.path().join("photos");
//! # let backup = folder.path().join("backup");
//! # std::fs::create_dir_all(photos.join("2024"))?;
//! # std::fs::write(photos.join("2024/a.jpg"), "light")?;
//! let report = surecopy::copy_tree(&photos, &backup)?;
//! println!("{} files verified", report.tally.verified());
//! # assert_eq!(std::fs::read(backup.join("2024/a.jpg"))?, b"light");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Both return `Ok` only when every file, link and directory is there; [`CopyError`] says what is
//! not, and why. Each item says how it was proved: where the volume can share blocks between files,
//! that is done, and there is nothing to read back ([`Evidence::Shared`]); [`ReflinkMode::Never`]
//! makes a second physical copy.
//!
//! # Choose how
//!
//! [`CopyRequest`] takes several sources and every choice there is, and gives a [`Job`] that
//! can be watched, paused and cancelled from other threads while it runs:
//!
//! ```
//! # let folder = tempfile::tempdir()?;
//! # let photos = folder.path().join("photos");
//! # let backup = folder.path().join("backup");
//! # std::fs::create_dir(&photos)?;
//! # std::fs::write(photos.join("a.jpg"), "light")?;
//! use surecopy::{CopyRequest, NoObserver, Outcome, VerifyPolicy};
//!
//! let job = CopyRequest::new([&photos], &backup).verify(VerifyPolicy::All).retries(5).prepare()?;
//! for mapping in job.mappings() {
//!     println!("{} -> {}", mapping.source_path().display(), mapping.target_path().display());
//! }
//! let control = job.control(); // clones of it pause, resume and cancel from any thread
//! let report = job.run(&NoObserver);
//! assert_eq!(report.outcome, Outcome::Finished);
//! # assert!(!control.is_cancelled());
//! # assert_eq!(std::fs::read(backup.join("a.jpg"))?, b"light");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! An [`Observer`] is told what happens as it happens; [`Job::progress`] has counters to poll, from
//! which [`rate::RateMeter`] makes speeds and a time left. Calls block until the job has ended.
//! There is no runtime to start and no state outside the values that you hold, and none of this
//! reads a settings file or the environment unless it is asked to, with [`config::gather`].

mod clock;
mod collector;
mod copy;
mod error;
mod job;
mod machine;
mod watching;

pub mod config;
pub mod environment;
pub mod explain;
pub mod index;
pub mod jobs;
pub mod preparation;
pub mod rate;
pub mod settings;

pub use clock::SystemClock;
pub use copy::{CopyRequest, copy_file, copy_tree};
pub use error::CopyError;
pub use job::Job;
pub use settings::Settings;

pub use surecopy_engine::{
    Action, Cancelled, Clock, Conflict, ConflictPolicy, ConflictResolver, Control, CopySpec,
    Corrected, CurrentItem, Digest, DigestAlgorithm, ErrorClass, ErrorCode, Event, Evidence,
    Expected, Filter, InvalidPattern, ItemError, ItemId, ItemKind, ItemReport, ItemStatus,
    ItemTimes, Limits, LinkRole, LossCause, Lost, MAX_WORKERS, Mapping, MappingError, Mechanism,
    MetadataLoss, MetadataWarning, NoObserver, Observer, Outcome, Phase, Planned, PlannedItem,
    Preserve, Problem, Progress, ReadBack, ReflinkMode, RefusedEntry, Report, Rule, RuleAction,
    Scope, Seen, Side, SizeClass, SkipReason, Snapshot, Step, Strategy, StrategyChoice, Tally,
    Undone, UnverifiedReason, VerifyPolicy, Warning, WarningKind,
};
pub use surecopy_fs::{
    FileId, FileKind, FsError, FsErrorKind, InvalidRelPath, Metadata, Operation, RelPath,
    Timestamp, is_signal_ignored, path_from_bytes, process_identity, publish_new_at,
    raise_open_file_limit,
};
