//! Running a watch: one thread that takes in what is told, writes marks and sets watches, and one beside
//! it that looks at directories and takes its time.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Builder;
use std::time::Duration;

use surecopy_engine::Control;
use surecopy_fs::{FileSystem, Moment, RelPath};

use super::checking::{Finding, Order, look_through};
use super::delay::{Delay, Work};
use super::facts::{LostReason, WatchFact};
use super::gathered::{Gathered, MOST_DIRECTORIES, News};
use super::own_files::OwnFiles;
use super::pace::WatchPace;
use super::place::{Place, Standing, ToArm};
use super::source::EventSource;
use crate::error::IndexError;
use crate::index::Index;
use crate::location::LocationId;

/// Who wants it to end waits for this long, at most.
const TICK: Duration = Duration::from_millis(200);

/// So many locations wait to be looked at, or to be heard of; others are ordered later.
const MOST_ORDERS: usize = 64;

/// The name of the thread that looks at directories.
const LOOKING: &str = "index-looks";

/// Which locations are watched.
#[derive(Debug, Clone, Copy)]
pub enum Watched<'a> {
    /// These, as long as they are locations.
    These(&'a [LocationId]),
    /// All that the index has, whenever they are added.
    All,
}

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
    pub locations: Watched<'a>,
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
    /// Watches until it is cancelled, or until there is no location to watch any more. Only an index that
    /// cannot be used, or is not in its place any more, ends it with an error.
    pub fn run<F: FileSystem, S: EventSource>(&self, fs: &F, source: &S) -> Result<(), IndexError> {
        let locations = match self.locations {
            Watched::All => self.index.locations()?,
            Watched::These(ids) => {
                ids.iter().map(|id| self.index.location(*id)).collect::<Result<_, _>>()?
            }
        };
        let own = OwnFiles::of(fs, self.index.path());
        let gathered = Arc::new(Gathered::new(own.clone()));
        let (orders, ordered) = sync_channel(MOST_ORDERS);
        let (finds, findings) = sync_channel(MOST_ORDERS);
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
                places: Vec::new(),
                orders,
                findings,
                now: (self.clock)(),
                next_look: Duration::ZERO,
                delay: Delay::default(),
                is_waiting: false,
            };
            session.take_up(locations);
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
    pub(super) source: &'a S,
    pub(super) own: OwnFiles,
    pub(super) gathered: Arc<Gathered>,
    pub(super) places: Vec<Place<S::Watches>>,
    pub(super) orders: SyncSender<Order>,
    pub(super) findings: Receiver<Finding>,
    pub(super) now: Moment,
    next_look: Duration,
    pub(super) delay: Delay,
    /// In this turn, the index is not asked to take what it would not take before.
    pub(super) is_waiting: bool,
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
        self.is_waiting = false;
        self.take_in(news);
        self.write()?;
        self.note(Duration::ZERO)
    }

    fn turn(&mut self, longest: Duration) -> Result<(), IndexError> {
        let news = self.gathered.wait(longest, self.watch.pace.gather);
        // After that: a scan that began before this moment may have been too early.
        self.now = (self.watch.clock)();
        self.is_waiting = self.now.since_boot < self.delay.until();
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
            if !place.must_mark_all {
                place.changed.extend(news.changed);
            }
            // The index may take nothing for a long time, in which as much happens as may be.
            let is_too_much = news.has_spilled || place.changed.len() > MOST_DIRECTORIES;
            let to_arm = |path| ToArm { path, has_come: true };
            place.to_arm.extend(news.came.into_iter().map(to_arm));
            if news.is_root_in_doubt {
                self.next_look = Duration::ZERO;
            }
            if is_too_much {
                place.must_mark_all = true;
                place.changed.clear();
                place.must_check = true;
                place.to_arm = vec![ToArm { path: RelPath::root(), has_come: true }];
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

    /// What to do about an index that failed: nothing but to try again, when that may pass.
    pub(super) fn later(&mut self, work: Work, error: IndexError) -> Result<(), IndexError> {
        if !matches!(error, IndexError::Locked { .. } | IndexError::Full { .. }) {
            return Err(error);
        }
        if self.delay.begin(work, self.now.since_boot) {
            self.tell(WatchFact::Delayed { message: error.to_string() });
        }
        Ok(())
    }
}
