//! What is told of what is remembered.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use surecopy_engine::Expected;
use surecopy_fs::FileSystem;
use surecopy_index::{Confidence, Estimate, Subtrees, Validated};

use super::known::{Known, Unlocated};
use super::memory::Memory;
use super::report::Estimated;

impl<F: FileSystem> Memory<F> {
    /// What is known of a source.
    pub(super) fn known_of(&self, source: usize) -> Option<&Known> {
        self.known.get(source)?.as_ref().ok()
    }

    /// What there will be, if all of it is known and nothing has changed.
    pub(crate) fn expected(&self) -> Option<Expected> {
        let is_complete = |known: &Result<Known, Unlocated>| {
            let estimate = known.as_ref().ok().and_then(|known| known.estimate);
            estimate.is_some_and(|estimate| estimate.is_complete())
        };
        self.estimate().filter(|_| self.known.iter().all(is_complete)).map(|sum| sum.expected())
    }

    /// What is remembered of all sources; `None` when that is nothing.
    pub(crate) fn estimate(&self) -> Option<Estimated> {
        self.added(|known| known.estimate)
    }

    /// The same once it is known what has changed.
    pub(super) fn sums(&self) -> Option<Estimated> {
        self.added(|known| known.sums)
    }

    fn added(&self, of: impl Fn(&Known) -> Option<Estimate>) -> Option<Estimated> {
        let mut sum = None;
        for one in self.known.iter().flatten().filter_map(of) {
            sum.get_or_insert_with(Estimated::default).add(&one);
        }
        sum
    }

    /// The location that a source lies in.
    pub(super) fn location(&self, source: usize) -> Option<PathBuf> {
        let known = self.known_of(source)?;
        Some(self.places[known.place].location.path.clone())
    }

    /// Which parts of a source are as they are remembered.
    pub(super) fn subtrees(&self, source: usize, limit: usize) -> Option<Subtrees> {
        let known = self.known_of(source)?;
        let location = self.places[known.place].location.id;
        let validated = known.validated.as_ref()?;
        match validated.subtrees(&self.index, location, &known.beneath, limit) {
            Ok(subtrees) => Some(subtrees),
            Err(error) => {
                self.troubles.add(error);
                None
            }
        }
    }

    /// Directories that were listed in this run.
    pub(super) fn listed_directories(&self) -> u64 {
        self.listed.load(Ordering::Relaxed)
    }

    /// What validation has found, all told; `None` when nothing was validated.
    pub(crate) fn validated(&self) -> Option<Found> {
        let mut found = None;
        for validated in self.known.iter().flatten().filter_map(|known| known.validated.as_ref()) {
            found.get_or_insert_with(Found::default).add(validated);
        }
        found
    }

    /// Whether everything about all sources is remembered and nothing has changed.
    pub(crate) fn is_all_fresh(&self) -> bool {
        let is_fresh =
            |known: &Result<Known, Unlocated>| known.as_ref().is_ok_and(Known::is_all_fresh);
        !self.known.is_empty() && self.known.iter().all(is_fresh)
    }

    /// Whether nothing was taken for unchanged that may have changed unseen.
    pub(super) fn is_told_of_changes(&self) -> bool {
        let is_told = |found: Found| found.fresh == 0 || found.confidence > Confidence::Low;
        self.validated().is_none_or(is_told)
    }

    /// Why a source cannot be told of without listing anything; `None` when it can be.
    pub(super) fn obstacle(&self, source: usize) -> Option<String> {
        if let Some(Err(Unlocated::NoDirectory)) = self.known.get(source) {
            return Some("it is no directory, and only directories are in the index".to_owned());
        }
        let known = self.known_of(source);
        let Some((known, estimate)) = known.and_then(|known| Some((known, known.estimate?))) else {
            return Some("nothing is known of it".to_owned());
        };
        let unknown = estimate.unknown_directories;
        match &known.validated {
            _ if unknown > 0 => Some(format!("directories in it were never listed: {unknown}")),
            None => Some("it is not known what has changed in it".to_owned()),
            Some(validated) if !self.is_believed(validated) => {
                Some("its file system does not tell whether a directory has changed".to_owned())
            }
            Some(Validated { stale: 0, gone: 0, .. }) => None,
            Some(validated) => {
                let changed = validated.stale + validated.gone;
                Some(format!("directories in it have changed since they were listed: {changed}"))
            }
        }
    }

    /// Whether what is remembered of a source is to be believed.
    pub(super) fn is_believed(&self, validated: &Validated) -> bool {
        !self.asked.distrusts_low_confidence || validated.confidence > Confidence::Low
    }

    /// Sources of which nothing is known.
    pub(super) fn unknown_sources(&self) -> u64 {
        let is_unknown = |known: &&Result<Known, Unlocated>| {
            known.as_ref().is_ok_and(|known| known.estimate.is_none()) || known.is_err()
        };
        self.known.iter().filter(is_unknown).count() as u64
    }
}

/// Sums over all sources.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) fresh: u64,
    pub(crate) stale: u64,
    pub(crate) gone: u64,
    pub(crate) confidence: Confidence,
}

impl Default for Found {
    fn default() -> Self {
        Self { fresh: 0, stale: 0, gone: 0, confidence: Confidence::High }
    }
}

impl Found {
    fn add(&mut self, validated: &Validated) {
        self.fresh += validated.fresh;
        self.stale += validated.stale;
        self.gone += validated.gone;
        self.confidence = self.confidence.min(validated.confidence);
    }
}
