//! The copy engine: moving bytes, proving them, publishing them.
//!
//! The engine takes a resolved [`CopySpec`] and the things of the outside world it may use (an
//! [`Environment`]), and returns a [`Report`]. It knows no terminal, no settings file, no
//! environment variable, no database and no operating system: those are the business of the crates
//! above and below.

mod buffers;
mod clock;
mod commit;
mod context;
mod control;
mod destinations;
mod directories;
mod environment;
mod error;
mod finish;
mod links;
mod loss;
mod metadata;
mod opened;
mod partial_names;
mod plan;
mod policy;
mod preflight;
mod recheck;
mod record;
mod recover;
mod report;
mod roots;
mod run;
mod spec;
mod survey;
mod sweep;
mod transfer;
mod undo;
mod verify;
mod volumes;
mod worker;

pub use clock::Clock;
pub use control::{Cancelled, Control};
pub use environment::Environment;
pub use error::{ErrorClass, ErrorCode, ItemError, Side};
pub use plan::{
    Action, Catalog, ItemId, LinkRole, ListedPart, MOST_REMEMBERED_ENTRIES, MappingError,
    PlannedItem, Request, Seen, Sums, resolve_mappings,
};
pub use policy::{
    Conflict, ConflictPolicy, ConflictResolver, Digest, DigestAlgorithm, Digester, Evidence,
    Filter, InvalidPattern, Mechanism, Preserve, ReadBack, ReflinkMode, Rule, RuleAction,
    SizeClass, SkipReason, Strategy, StrategyChoice, VerifyPolicy,
};
pub use preflight::{Problem, RefusedEntry, Scope};
pub use recheck::{RecheckReport, recheck};
pub use record::{
    BATCH, Check, Done, DoneItem, DoneItems, Fact, History, InFlight, Journal, JournalError, Known,
    Landed, MemoryWorkList, NoJournal, Publication, Queue, RecordedEnd, Recording, Rest,
    RootIdentity, Unsettled, WorkList,
};
pub use report::{
    Corrected, CurrentItem, Event, Expected, ItemKind, ItemReport, ItemStatus, ItemTimes,
    LossCause, Lost, MAX_WORKERS, MetadataLoss, MetadataWarning, NoObserver, Observer, Outcome,
    Phase, Planned, Progress, Report, Snapshot, Step, Tally, Undone, UnverifiedReason, Warning,
    WarningKind,
};
pub use run::run;
pub use spec::{CopySpec, Limits, Mapping};
pub use survey::{SurveyReport, SurveySink, SurveySource, SurveySpec, Surveyed, survey};
pub use undo::{DiscardReport, UndoReport, discard, undo};
