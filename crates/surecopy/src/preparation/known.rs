//! What is known of one source.

use surecopy_fs::RelPath;
use surecopy_index::{Estimate, Validated};

/// A source that lies in a location.
pub(super) struct Known {
    /// Which place.
    pub(super) place: usize,
    /// Its path there.
    pub(super) beneath: RelPath,
    pub(super) estimate: Option<Estimate>,
    /// The same after it was found out what is fresh: others may have listed something in between.
    pub(super) sums: Option<Estimate>,
    /// Which of its directories are fresh, once that was found out.
    pub(super) validated: Option<Validated>,
}

impl Known {
    /// Whether everything about it is remembered and nothing has changed.
    pub(super) fn is_all_fresh(&self) -> bool {
        self.sums.is_some_and(|sums| sums.is_complete()) && self.has_not_changed()
    }

    /// Whether nothing was found that is not as it is remembered.
    pub(super) fn has_not_changed(&self) -> bool {
        let is_fresh = |validated: &Validated| validated.stale == 0 && validated.gone == 0;
        self.validated.as_ref().is_some_and(is_fresh)
    }
}

/// Why nothing is known of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unlocated {
    /// It is no directory, or is not there.
    NoDirectory,
    /// It lies in no location.
    NoLocation,
}
