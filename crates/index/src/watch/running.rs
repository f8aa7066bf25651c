//! Running a watch: one thread that takes in what is told, writes marks and sets watches, and one beside
//! it that looks at directories and takes its time.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Builder;
use std::time::Duration;

use surecopy_engine::Control;
use surecopy_fs::{FileSystem, Moment, VolumeKind};

use super::checking::{Finding, Order, look_through};
use super::facts::{LostReason, WatchFact};
use super::gathered::{Gathered, News};
use super::own_files::OwnFiles;
use super::pace::WatchPace;
use super::place::{Place, Standing, ToArm};
use super::root::Root;
use super::source::{EventSource, NotWatched};
use crate::error::IndexError;
use crate::index::Index;
use crate::location::LocationId;

/// Who wants it to end waits for this long, at most.
const TICK: Duration = Duration::from_millis(200);

/// The name of the thread that looks at directories.
const LOOKING: &str = "index-looks";

/// A rest grows to so many times what it was at first, and is short again after that long without a loss.
const MOST_RESTS: u32 = 64;
const LONG_HELD: Duration = Duration::from_secs(60);

/// Locations that are kept fresh from what the system tells.
///
/// What happens in one marks exactly the directories concerned. What could not be seen, before it was
/// watched or in between, makes the location unknown until every directory in it was looked at. Three
/// things are told by no system: a file that is written to by another of its names, which stands in
/// another directory; one that is written to through a map of it in memory; and, on a network volume,
/// what other machines do. The first two cannot hide that names came or went.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// What is remembered.
    pub index: &'a Index,
    /// The locations.
    pub locations: &'a [LocationId],
    /// What the clocks show.
    pub clock: &'a dyn Fn() -> Moment,
    /// The switch that ends it.
    pub control: &'a Control,
    /// Whoever wants to know what happens. It is waited for.
    pub observer: &'a dyn Fn(&WatchFact),
    /// How often things are done.
    pub pace: WatchPace,
}

impl std::fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("locations", &self.locations).finish_non_exhaustive()
    }
}

impl Watch<'_> {
    /// Watches until it is cancelled, or until none of the locations is one any more. Only an index that
    /// cannot be used ends it with an error.
    pub fn run<F: FileSystem, S: EventSource>(&self, fs: &F, source: &S) -> Result<(), IndexError> {
        let mut places: Vec<Place<S::Watches>> = Vec::new();
        for id in self.locations {
            let location = self.index.location(*id)?;
            if !places.iter().any(|place| place.id == *id) {
                places.push(Place::new(*id, location.path));
            }
        }
        let own = OwnFiles::of(fs, self.index.path());
        let roots = places.iter().map(|place| place.path.as_path());
        let gathered = Arc::new(Gathered::new(roots, own.clone()));
        // Of each location there is one at most.
        let (orders, ordered) = sync_channel(places.len());
        let (finds, findings) = sync_channel(places.len());
        let looking = Control::new();
        let (index, looking) = (self.index, &looking);
        std::thread::scope(|scope| {
            let look = move || look_through(index, fs, looking, &ordered, &finds);
            let looking_thread = Builder::new().name(LOOKING.to_owned()).spawn_scoped(scope, look);
            looking_thread.map_err(|error| IndexError::Io {
                path: index.path().to_owned(),
                message: error.to_string(),
            })?;
            let mut session = Session {
                watch: *self,
                fs,
                source,
                own,
                gathered,
                places,
                orders,
                findings,
                now: (self.clock)(),
                next_look: Duration::ZERO,
                is_delayed: false,
            };
            let ended = session.run();
            looking.cancel();
            ended
        })
    }
}

/// A watch that is going on.
pub(super) struct Session<'a, F, S: EventSource> {
    pub(super) watch: Watch<'a>,
    pub(super) fs: &'a F,
    source: &'a S,
    pub(super) own: OwnFiles,
    pub(super) gathered: Arc<Gathered>,
    pub(super) places: Vec<Place<S::Watches>>,
    pub(super) orders: SyncSender<Order>,
    pub(super) findings: Receiver<Finding>,
    pub(super) now: Moment,
    next_look: Duration,
    pub(super) is_delayed: bool,
}

impl<F: FileSystem, S: EventSource> Session<'_, F, S> {
    fn run(&mut self) -> Result<(), IndexError> {
        while !self.watch.control.is_cancelled() {
            let is_arming = self.places.iter().any(|place| !place.to_arm.is_empty());
            self.turn(if is_arming { Duration::ZERO } else { TICK })?;
            if self.places.iter().all(|place| place.standing == Standing::Forgotten) {
                return Ok(());
            }
        }
        // What has happened by now is still written, if that can be.
        let news = self.gathered.wait(self.watch.pace.gather, self.watch.pace.gather);
        self.now = (self.watch.clock)();
        self.take_in(news);
        self.write()?;
        self.note(Duration::ZERO)
    }

    fn turn(&mut self, longest: Duration) -> Result<(), IndexError> {
        let news = self.gathered.wait(longest, self.watch.pace.gather);
        // After that: a scan that began before this moment may have been too early.
        self.now = (self.watch.clock)();
        self.take_in(news);
        self.write()?;
        if self.now.since_boot >= self.next_look {
            self.next_look = self.now.since_boot + self.watch.pace.look;
            self.look()?;
            self.retry_unmatched()?;
        }
        for place in 0..self.places.len() {
            self.arm(place);
        }
        self.check()?;
        self.note(self.watch.pace.note)
    }

    pub(super) fn tell(&self, fact: WatchFact) {
        (self.watch.observer)(&fact);
    }

    fn take_in(&mut self, news: Vec<News>) {
        for (number, news) in news.into_iter().enumerate() {
            let place = &mut self.places[number];
            place.was_marked |= !news.changed.is_empty() || news.has_spilled;
            place.changed.extend(news.changed);
            let to_arm = |path| ToArm { path, has_come: true };
            place.to_arm.extend(news.came.into_iter().map(to_arm));
            if news.is_root_in_doubt {
                self.next_look = Duration::ZERO;
            }
            if news.has_spilled {
                place.must_mark_all = true;
                place.must_check = true;
                place.to_arm = vec![ToArm { path: surecopy_fs::RelPath::root(), has_come: true }];
                let location = place.id;
                let reason = LostReason::TooMuch;
                self.tell(WatchFact::Lost { location, reason, rest: None });
            }
            if news.has_overflowed {
                self.lose(number, LostReason::Overflow);
            }
            if let Some(message) = news.failure {
                self.lose(number, LostReason::Failed(message));
            }
        }
    }

    /// Looks whether each location is still the one that is watched, and begins those that rest or were
    /// away.
    fn look(&mut self) -> Result<(), IndexError> {
        for number in 0..self.places.len() {
            match self.places[number].standing {
                Standing::Forgotten => {}
                Standing::Resting { until } if self.now.since_boot < until => {}
                Standing::Away | Standing::Resting { .. } => self.begin(number)?,
                Standing::Arming | Standing::Watched | Standing::Held { .. } => {
                    self.look_at(number);
                    let id = self.places[number].id;
                    if self.watch.index.location(id) == Err(IndexError::NoSuchLocation) {
                        self.forget(number);
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether a location is still the one that is watched.
    pub(super) fn look_at(&mut self, number: usize) -> bool {
        let place = &self.places[number];
        let lost = match Root::look(self.fs, self.source, &place.path) {
            Ok((now, _)) => place.root.as_ref().and_then(|root| root.difference(&now)),
            Err(error) => Some(LostReason::Missing(error.source.to_string())),
        };
        let is_lost = lost.is_some();
        if let Some(reason) = lost {
            self.lose(number, reason);
        }
        !is_lost
    }

    /// Begins to watch a location, if it is there.
    fn begin(&mut self, number: usize) -> Result<(), IndexError> {
        let place = &mut self.places[number];
        let (root, volume) = match Root::look(self.fs, self.source, &place.path) {
            Ok(found) => found,
            Err(error) => {
                self.lose(number, LostReason::Missing(error.source.to_string()));
                return Ok(());
            }
        };
        let location = match self.watch.index.location(place.id) {
            Ok(location) => location,
            Err(IndexError::NoSuchLocation) => {
                self.forget(number);
                return Ok(());
            }
            Err(error) => return self.later(error),
        };
        if !location.is_on(&volume, self.now.boot) {
            self.lose(number, LostReason::OtherVolume);
            return Ok(());
        }
        let place = &mut self.places[number];
        // First what was watched before: it counts against the limit.
        place.watches = None;
        place.generation += 1;
        let generation = place.generation;
        self.gathered.begin(number, generation);
        let gathered = Arc::clone(&self.gathered);
        let hear = move |happening| gathered.hear(number, generation, happening);
        let opened = self.source.open(Box::new(hear));
        let was_lost = place.told.take().is_some();
        let id = place.id;
        match opened {
            Ok(watches) => place.watches = Some(watches),
            Err(NotWatched::Limit) => {
                self.lose(number, LostReason::TooManyDirectories);
                return Ok(());
            }
            Err(error) => {
                self.lose(number, LostReason::Failed(error.to_string()));
                return Ok(());
            }
        }
        place.root = Some(root);
        place.is_network = volume.kind == VolumeKind::Network;
        place.standing = Standing::Arming;
        place.directories = 0;
        place.closed = 0;
        place.to_arm = vec![ToArm { path: surecopy_fs::RelPath::root(), has_come: false }];
        if was_lost {
            self.tell(WatchFact::Returned { location: id });
        }
        Ok(())
    }

    /// Changes in a location are not seen from now on, or were not.
    pub(super) fn lose(&mut self, number: usize, reason: LostReason) {
        let now = self.now.since_boot;
        let pace = self.watch.pace;
        let place = &mut self.places[number];
        let is_resting = matches!(place.standing, Standing::Resting { .. });
        let rest = match &reason {
            LostReason::Forgotten => None,
            LostReason::Missing(_) | LostReason::Replaced | LostReason::OtherVolume => None,
            LostReason::TooManyDirectories => Some(pace.check),
            // One rest is for all that is missed in it.
            _ if is_resting => Some(place.rest),
            LostReason::Overflow
            | LostReason::Mounts
            | LostReason::TooMuch
            | LostReason::Failed(_) => {
                let held_long = matches!(place.standing, Standing::Held { since_boot, .. }
                    if now.saturating_sub(since_boot) >= LONG_HELD);
                let is_first = held_long || place.rest.is_zero();
                let longer = (place.rest * 2).min(pace.rest * MOST_RESTS);
                place.rest = if is_first { pace.rest } else { longer };
                Some(place.rest)
            }
        };
        place.standing = match (rest, place.standing) {
            (Some(_), resting @ Standing::Resting { .. }) => resting,
            (Some(rest), _) => Standing::Resting { until: now + rest },
            (None, _) => Standing::Away,
        };
        // What is watched tells of more while a location rests. What cannot be watched as a whole is let
        // go of: others need the watches.
        if rest.is_none() || reason == LostReason::TooManyDirectories {
            place.watches = None;
            place.to_arm.clear();
        }
        place.must_check = false;
        place.losses += 1;
        // Only what is new: it may be away for long.
        if place.told.as_ref() != Some(&reason) {
            place.told = Some(reason.clone());
            let location = place.id;
            // If that is not possible now, it is tried again before anything else is written.
            place.must_note_gap = self.watch.index.note_gap(location).is_err();
            self.tell(WatchFact::Lost { location, reason, rest });
        }
    }

    /// A location is none any more.
    pub(super) fn forget(&mut self, number: usize) {
        self.lose(number, LostReason::Forgotten);
        let place = &mut self.places[number];
        place.standing = Standing::Forgotten;
        place.must_note_gap = false;
        place.changed.clear();
        place.come.clear();
    }

    /// What to do about an index that failed: nothing, when that may pass.
    pub(super) fn later(&mut self, error: IndexError) -> Result<(), IndexError> {
        match error {
            IndexError::Locked { .. } | IndexError::Full { .. } => {
                if !std::mem::replace(&mut self.is_delayed, true) {
                    self.tell(WatchFact::Delayed { message: error.to_string() });
                }
                Ok(())
            }
            error => Err(error),
        }
    }
}
