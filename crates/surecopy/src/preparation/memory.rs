//! What is remembered of the sources of one run: from the first look into the index until what was found
//! is written there.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use surecopy_engine::{Cancelled, Control, Expected, Progress};
use surecopy_fs::{FileSystem, Moment, RelPath};
use surecopy_index::{
    Confidence, Estimate, Index, IndexError, Location, LocationId, ScanEnd, State, Stopped,
    Subtrees, Validated, Validation, ValidationProgress,
};

use super::asked::{Asked, PrepareMode, SourceRoot, Unknown};
use super::otherwise::Otherwise;
use super::place::{Known, Place, directory_of};
use super::report::Estimated;
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
    pub(super) known: Vec<Option<Known>>,
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
        let mut notices = Vec::new();
        let note = |text: String| (asked.index.clone(), text);
        let mut index = match open(asked) {
            Ok(Some(index)) => index,
            Ok(None) => return (None, notices),
            Err(error) => {
                notices.push(note(unused(&error)));
                return (None, notices);
            }
        };
        notices.extend(index.notice().map(|notice| note(notice.to_string())));
        let mut found = look_up(fs.as_ref(), &index, asked, sources, &(clock)());
        if let Err(IndexError::Damaged { .. }) = found {
            index = match index.replace_damaged() {
                Ok(index) => index,
                Err(error) => {
                    notices.push(note(unused(&error)));
                    return (None, notices);
                }
            };
            notices.extend(index.notice().map(|notice| note(notice.to_string())));
            found = look_up(fs.as_ref(), &index, asked, sources, &(clock)());
        }
        let (places, known) = match found {
            Ok(found) => found,
            Err(error) => {
                notices.push(note(unused(&error)));
                return (None, notices);
            }
        };
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

    /// What there will be, if all of it is known and nothing has changed.
    pub(crate) fn expected(&self) -> Option<Expected> {
        let is_complete = |known: &Option<Known>| {
            let estimate = known.as_ref().and_then(|known| known.estimate);
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
        let known = self.known.get(source)?.as_ref()?;
        Some(self.places[known.place].location.path.clone())
    }

    /// Which parts of a source are as they are remembered.
    pub(super) fn subtrees(&self, source: usize, limit: usize) -> Option<Subtrees> {
        let known = self.known.get(source)?.as_ref()?;
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
        let is_fresh = |known: &Option<Known>| known.as_ref().is_some_and(Known::is_all_fresh);
        !self.known.is_empty() && self.known.iter().all(is_fresh)
    }

    /// Why a source cannot be told of without listing anything; `None` when it can be.
    pub(super) fn obstacle(&self, source: usize) -> Option<String> {
        let known = self.known.get(source).and_then(Option::as_ref);
        let Some((known, estimate)) = known.and_then(|known| Some((known, known.estimate?))) else {
            return Some("nothing is known of it".to_owned());
        };
        let unknown = estimate.unknown_directories;
        match &known.validated {
            _ if unknown > 0 => Some(format!("{unknown} directories in it were never listed")),
            None => Some("it is not known what has changed in it".to_owned()),
            Some(validated) if !self.is_believed(validated) => {
                Some("its file system does not tell whether a directory has changed".to_owned())
            }
            Some(Validated { stale: 0, gone: 0, .. }) => None,
            Some(validated) => {
                let changed = validated.stale + validated.gone;
                Some(format!("{changed} directories in it have changed since they were listed"))
            }
        }
    }

    /// Whether what is remembered of a source is to be believed.
    pub(super) fn is_believed(&self, validated: &Validated) -> bool {
        !self.asked.distrusts_low_confidence || validated.confidence > Confidence::Low
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
        self.troubles.settle(self.index, &self.asked.index)
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

/// Where there is no index, one is only made for what is going to be in it.
fn open(asked: &Asked) -> Result<Option<Index>, IndexError> {
    match asked.unknown {
        Unknown::Added => Index::open(&asked.index).map(Some),
        Unknown::LeftOut => Index::open_existing(&asked.index),
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

type Looked<F> = (Vec<Place<F>>, Vec<Option<Known>>);

fn look_up<F: FileSystem>(
    fs: &F,
    index: &Index,
    asked: &Asked,
    sources: &[SourceRoot<'_>],
    now: &Moment,
) -> Result<Looked<F>, IndexError> {
    let (mut places, mut known): Looked<F> = (Vec::new(), Vec::new());
    for source in sources {
        // What cannot be looked at is what the scan will say.
        let Ok(Some((path, id))) = directory_of(fs, *source) else {
            known.push(None);
            continue;
        };
        let Some((location, beneath)) = location_of(fs, index, asked, &path, now)? else {
            known.push(None);
            continue;
        };
        let place = match places.iter().position(|place| place.location.id == location.id) {
            Some(place) => place,
            None => {
                let Some(place) = Place::open(fs, location) else {
                    known.push(None);
                    continue;
                };
                places.push(place);
                places.len() - 1
            }
        };
        // The path may lead through links, and those of a location do not.
        if places[place].directory(fs, &beneath) != Some(id) {
            known.push(None);
            continue;
        }
        let estimate = match asked.mode {
            PrepareMode::Scan => None,
            PrepareMode::Auto | PrepareMode::IndexOnly => {
                index.estimate_in(places[place].location.id, &beneath)?
            }
        };
        known.push(Some(Known { place, beneath, estimate, sums: None, validated: None }));
    }
    Ok((places, known))
}

/// The location that a directory lies in, which may be made for it.
fn location_of<F: FileSystem>(
    fs: &F,
    index: &Index,
    asked: &Asked,
    path: &Path,
    now: &Moment,
) -> Result<Option<(Location, RelPath)>, IndexError> {
    if let Some(found) = index.location_of(path)? {
        return Ok(Some(found));
    }
    if asked.unknown == Unknown::LeftOut {
        return Ok(None);
    }
    let Ok(volume) = fs.open_root(path).and_then(|root| fs.volume(&root)) else { return Ok(None) };
    match index.add_location(path, &volume, now) {
        Ok(location) => Ok(Some((location, RelPath::root()))),
        Err(IndexError::NotALocation { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
