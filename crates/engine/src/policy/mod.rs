//! What the user may choose, and the pure functions that decide by it. Nothing here does anything.

mod conflict;
mod digest;
mod evidence;
mod filter;
mod mechanism;
mod preserve;
mod properties;
mod size_class;
mod strategy;

pub use conflict::{Conflict, ConflictPolicy, ConflictResolver, SkipReason};
pub(crate) use conflict::{ConflictDecision, decide, is_same_time};
pub use digest::{Digest, DigestAlgorithm, Digester};
pub use evidence::{Evidence, ReadBack, VerifyPolicy};
pub use filter::{Filter, InvalidPattern, Rule, RuleAction};
pub(crate) use mechanism::{AfterTrial, Experience, MechanismMemory, Trial, VolumePair};
pub use mechanism::{Mechanism, ReflinkMode};
pub use preserve::Preserve;
pub(crate) use properties::has_other_properties;
pub use size_class::SizeClass;
pub(crate) use strategy::StrategyFacts;
pub use strategy::{Strategy, StrategyChoice};
