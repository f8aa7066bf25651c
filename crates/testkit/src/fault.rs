//! A file system that fails at a chosen call.
//!
//! A call that is made to fail does nothing at all, except that what a flush was to write is lost, as
//! with a kernel: it takes the pages for written, and the next flush succeeds. Every call counts, so the same work gives the
//! same numbers, and a test can fail each of them in turn: the first, the second, to the last.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use surecopy_fs::{FileSystem, FsError, FsErrorKind, Operation};

use crate::intercept::{Gate, Intercepted, Verdict};

/// What a chosen call answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An error of this kind.
    Error(FsErrorKind),
    /// "Unsupported". Calls that cannot answer so go through, and the fault has not fired.
    Unsupported,
}

/// How long a fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persistence {
    /// For one call.
    Once,
    /// For that call and all later ones.
    FromThenOn,
}

/// Which call fails, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultPlan {
    /// The number of the call, from 1: among calls of `operation` if that is given, else among
    /// all.
    pub at: u64,
    /// The only operation that fails, if not all do.
    pub operation: Option<Operation>,
    /// What the call answers.
    pub fault: Fault,
    /// How long it lasts.
    pub persistence: Persistence,
}

impl FaultPlan {
    /// The call with this number fails.
    pub fn once(at: u64, kind: FsErrorKind) -> Self {
        let (operation, persistence) = (None, Persistence::Once);
        Self { at, operation, fault: Fault::Error(kind), persistence }
    }

    /// The call with this number and all later ones fail.
    pub fn from_then_on(at: u64, kind: FsErrorKind) -> Self {
        Self { persistence: Persistence::FromThenOn, ..Self::once(at, kind) }
    }

    /// The call with this number answers "unsupported".
    pub fn unsupported(at: u64) -> Self {
        Self { fault: Fault::Unsupported, ..Self::once(at, FsErrorKind::NotSupported) }
    }

    /// The same for one operation only; the number counts its calls.
    pub fn only(mut self, operation: Operation) -> Self {
        self.operation = Some(operation);
        self
    }
}

/// One call that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Its number among all, from 1.
    pub ordinal: u64,
    /// What was asked for.
    pub operation: Operation,
    /// It was made to fail.
    pub has_failed: bool,
}

/// Counts calls and lets some fail.
#[derive(Debug)]
pub struct Faults {
    plan: Option<FaultPlan>,
    exempt: Vec<Operation>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    calls: Vec<Call>,
    counts: BTreeMap<Operation, u64>,
}

/// A file system that fails as planned.
pub type FaultFs<F> = Intercepted<F, Faults>;

impl<F: FileSystem> Intercepted<F, Faults> {
    /// Counts calls to `inner` and lets none fail.
    pub fn counting(inner: F) -> Self {
        Self { inner, gate: Faults { plan: None, exempt: Vec::new(), seen: Mutex::default() } }
    }

    /// Lets calls to `inner` fail as planned.
    pub fn new(inner: F, plan: FaultPlan) -> Self {
        let mut this = Self::counting(inner);
        this.gate.plan = Some(plan);
        this
    }

    /// These operations never fail, though they count. When everything fails for ever, nothing
    /// can be cleaned up; a test that looks for leftovers exempts removals.
    pub fn exempt(mut self, operations: &[Operation]) -> Self {
        self.gate.exempt.extend_from_slice(operations);
        self
    }

    /// The file system behind the faults.
    pub fn inner(&self) -> &F {
        &self.inner
    }

    /// Whether any call was made to fail. A test that does not ask may have tested nothing.
    pub fn fired(&self) -> bool {
        self.gate.seen().calls.iter().any(|call| call.has_failed)
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.gate.seen().calls.len() as u64
    }

    /// How many calls of one operation there were.
    pub fn count(&self, operation: Operation) -> u64 {
        self.gate.seen().counts.get(&operation).copied().unwrap_or(0)
    }

    /// Every call, in order.
    pub fn log(&self) -> Vec<Call> {
        self.gate.seen().calls.clone()
    }
}

impl Faults {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("a test that panicked has failed already")
    }

    /// The fault for the call with these numbers, if there is one.
    fn fault_for(&self, operation: Operation, ordinal: u64, nth: u64) -> Option<Fault> {
        let plan = self.plan?;
        let number = match plan.operation {
            None => ordinal,
            Some(only) if only == operation => nth,
            Some(_) => return None,
        };
        let is_hit = match plan.persistence {
            Persistence::Once => number == plan.at,
            Persistence::FromThenOn => number >= plan.at,
        };
        (is_hit && !self.exempt.contains(&operation)).then_some(plan.fault)
    }
}

impl Gate for Faults {
    const FAILED_FLUSH_LOSES: bool = true;

    fn decide(&self, operation: Operation, can_decline: bool) -> Verdict {
        let mut seen = self.seen();
        let ordinal = seen.calls.len() as u64 + 1;
        let count = seen.counts.entry(operation).or_default();
        *count += 1;
        let nth = *count;
        let verdict = match self.fault_for(operation, ordinal, nth) {
            Some(Fault::Error(kind)) => Verdict::Fail(FsError::of_kind(operation, kind)),
            Some(Fault::Unsupported) if can_decline => Verdict::Decline,
            Some(Fault::Unsupported) | None => Verdict::Pass,
        };
        let has_failed = !matches!(verdict, Verdict::Pass);
        seen.calls.push(Call { ordinal, operation, has_failed });
        verdict
    }
}
