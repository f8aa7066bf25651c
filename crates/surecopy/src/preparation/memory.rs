//! What is remembered of the sources of one run: from the first look into the index until what was found
//! is written there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use surecopy_engine::{Cancelled, Control, Progress};
use surecopy_fs::{FileSystem, Moment};
use surecopy_index::{
    Estimate, Index, IndexError, LocationId, ScanEnd, State, Stopped, Validation,
    ValidationProgress,
};

use super::asked::{Asked, PrepareMode, SourceRoot, Unknown};
use super::known::{Known, Unlocated};
use super::located::{Located, locate};
use super::otherwise::Otherwise;
use super::place::Place;
use super::troubles::{Notices, Troubles, unused};

/// Tells the time.
pub(crate) type Clock = Arc<dyn Fn() -> Moment + Send + Sync>;

/// What is remembered of the sources of one run. It is the run's catalog.
pub(crate) struct Memory<F: FileSystem> {
    pub(super) fs: Arc<F>,
    pub(super) clock: Clock,
    pub(super) asked: Asked,
    pub(super) index: Index,
    pub(super) places: Vec<Place<F>>,
    /// Of each source, what is known.
    pub(super) known: Vec<Result<Known, Unlocated>>,
    /// Directories that were remembered and not listed.
    pub(super) served: AtomicU64,
    /// Directories that were listed.
    pub(super) listed: AtomicU64,
    /// What turned out to be other than it is remembered.
    pub(super) otherwise: Otherwise,
    /// What went wrong with the index; the run goes on without it.
    pub(super) troubles: Troubles,
}

impl<F: FileSystem> Memory<F> {
    /// Asks the index about sources. `None` when there is nothing to ask, or it cannot be asked.
    pub(crate) fn assess(
        fs: &Arc<F>,
        clock: &Clock,
        asked: &Asked,
        sources: &[SourceRoot<'_>],
    ) -> (Option<Self>, Notices) {
        let mut said = Vec::new();
        let located = open(asked, &mut said).and_then(|index| {
            let Some(index) = index else { return Ok(None) };
            let now = (clock)();
            match locate(fs.as_ref(), &index, asked, sources, &now) {
                Err(IndexError::Damaged { .. }) if asked.records => {
                    let index = index.replace_damaged()?;
                    said.extend(index.notice().map(ToString::to_string));
                    let located = locate(fs.as_ref(), &index, asked, sources, &now)?;
                    Ok(Some((index, located)))
                }
                located => Ok(Some((index, located?))),
            }
        });
        let found = located.unwrap_or_else(|error| {
            said.push(unused(&error, asked.mode));
            None
        });
        let notices = said.into_iter().map(|text| (asked.index.clone(), text)).collect();
        let Some((index, Located { places, known })) = found else { return (None, notices) };
        let memory = Self {
            fs: Arc::clone(fs),
            clock: Arc::clone(clock),
            asked: asked.clone(),
            index,
            places,
            known,
            served: AtomicU64::new(0),
            listed: AtomicU64::new(0),
            otherwise: Otherwise::default(),
            troubles: Troubles::default(),
        };
        (Some(memory), notices)
    }

    /// Whether there is anything to validate.
    pub(crate) fn knows_something(&self) -> bool {
        self.known.iter().flatten().any(|known| known.estimate.is_some())
    }

    /// Finds out which directories are as they are remembered.
    pub(crate) fn validate(
        &mut self,
        threads: usize,
        control: &Control,
        progress: &Arc<Progress>,
    ) -> Result<(), Cancelled> {
        let progress = ValidationProgress::shown_in(Arc::clone(progress));
        let now = (self.clock)();
        for known in self.known.iter_mut().flatten().filter(|known| known.estimate.is_some()) {
            let place = &self.places[known.place];
            let validation = Validation {
                index: &self.index,
                location: place.location.id,
                beneath: &known.beneath,
                now: &now,
                threads,
                control,
                progress: &progress,
            };
            match validation.run(self.fs.as_ref(), &place.root) {
                Ok(validated) => {
                    if self.asked.records && known.beneath.is_root() {
                        let status = validated.status();
                        let noted = self.index.note_check(place.location.id, status, now.wall);
                        // What cannot be noted is not known, and no more.
                        noted.unwrap_or_else(|error| tracing::debug!(%error, "not noted"));
                    }
                    known.validated = Some(validated);
                    match sums_now(&self.index, place.location.id, known, self.asked.records) {
                        Ok(sums) => known.sums = sums,
                        Err(error) => self.troubles.add(error),
                    }
                }
                Err(Stopped::Cancelled) => return Err(Cancelled),
                Err(Stopped::Index(error)) => self.troubles.add(error),
                // The scan will say so.
                Err(Stopped::Root(error)) => {
                    tracing::debug!(%error, "a location cannot be looked at")
                }
            }
        }
        Ok(())
    }

    /// Waits until what was found is written. `is_at_end` says whether the sources were gone through.
    pub(super) fn write_down(&self, is_at_end: bool) {
        let now = (self.clock)();
        let is_whole = is_at_end && self.asked.is_unfiltered;
        let listed_all = self.served.load(Ordering::Relaxed) == 0;
        for (number, place) in self.places.iter().enumerate() {
            let of_place = |known: &&Known| known.place == number;
            let is_root =
                self.known.iter().flatten().filter(of_place).any(|known| known.beneath.is_root());
            let end = match (is_root && is_whole, listed_all) {
                (true, true) => ScanEnd::Whole,
                (true, false) => ScanEnd::Rest,
                (false, _) => ScanEnd::Part,
            };
            place.finish(end, now).unwrap_or_else(|error| self.troubles.add(error));
        }
    }

    /// Marks what turned out to be otherwise, and says what went wrong.
    pub(crate) fn finish(self) -> Notices {
        // A scan that was not come to has told nothing.
        self.write_down(false);
        let now = (self.clock)();
        for (number, place) in self.places.iter().enumerate() {
            let otherwise = self.otherwise.take(number);
            if self.asked.records && !otherwise.is_empty() {
                let marked = self.index.mark(place.location.id, &otherwise, State::Stale, now.wall);
                marked.unwrap_or_else(|error| self.troubles.add(error));
            }
        }
        drop(self.places);
        self.troubles.settle(self.index, &self.asked)
    }
}

/// What is remembered of a source that was just validated. Where nothing has changed but the sums, because
/// somebody was killed before they were renewed, they are renewed first, so that nobody comes upon that again.
fn sums_now(
    index: &Index,
    location: LocationId,
    known: &Known,
    may_write: bool,
) -> Result<Option<Estimate>, IndexError> {
    let sums = index.estimate_in(location, &known.beneath)?;
    if sums.is_none_or(|sums| sums.is_added_up) || !known.has_not_changed() || !may_write {
        return Ok(sums);
    }
    match index.add_up() {
        Ok(()) => index.estimate_in(location, &known.beneath),
        Err(error) => {
            // The scan adds up what it finds.
            tracing::debug!(%error, "not added up");
            Ok(sums)
        }
    }
}

/// Where there is no index, one is only made for what is going to be in it; and whoever writes nothing
/// leaves one as it is that has to be mended.
fn open(asked: &Asked, said: &mut Vec<String>) -> Result<Option<Index>, IndexError> {
    let makes_one = asked.unknown == Unknown::Added && asked.mode != PrepareMode::IndexOnly;
    let index = match (asked.records, makes_one) {
        (false, _) => Index::open_unchanged(&asked.index)?,
        (true, true) => Some(Index::open(&asked.index)?),
        (true, false) => Index::open_existing(&asked.index)?,
    };
    said.extend(index.as_ref().and_then(Index::notice).map(ToString::to_string));
    Ok(index)
}
