//! Whether each location is there, and what is done when it goes and when it comes.

use std::sync::Arc;
use std::time::Duration;

use surecopy_fs::{FileSystem, RelPath, VolumeKind};

use super::delay::Work;
use super::facts::{LostReason, WatchFact};
use super::place::{Place, Standing, ToArm};
use super::root::Root;
use super::running::{Session, Watched};
use super::source::{EventSource, NotWatched};
use crate::error::IndexError;
use crate::location::Location;

/// A rest grows to so many times what it was at first, and is short again after that long without a loss.
const MOST_RESTS: u32 = 64;
const LONG_HELD: Duration = Duration::from_secs(60);

impl<F: FileSystem, S: EventSource> Session<'_, F, S> {
    /// Looks whether the index and each location are still those that are used and watched, and begins
    /// the locations that rest or were away.
    pub(super) fn look(&mut self) -> Result<(), IndexError> {
        self.watch.index.ensure_in_place()?;
        self.take_up_new()?;
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

    /// Takes up what was added to the index, if all of it is watched.
    fn take_up_new(&mut self) -> Result<(), IndexError> {
        let Watched::All = self.watch.locations else { return Ok(()) };
        match self.watch.index.locations() {
            Ok(locations) => {
                self.delay.end(Work::Locations);
                self.take_up(locations);
                Ok(())
            }
            Err(error) => self.later(Work::Locations, error),
        }
    }

    /// Takes up locations that are not watched yet. They are begun by the next look.
    pub(super) fn take_up(&mut self, locations: Vec<Location>) {
        for Location { id, path, .. } in locations {
            if !self.places.iter().any(|place| place.id == id) {
                self.gathered.add(path.clone());
                self.places.push(Place::new(id, path));
            }
        }
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
        let id = self.places[number].id;
        let location = match self.watch.index.location(id) {
            Ok(location) => {
                self.delay.end(Work::Begin(number));
                location
            }
            Err(IndexError::NoSuchLocation) => {
                self.forget(number);
                return Ok(());
            }
            Err(error) => return self.later(Work::Begin(number), error),
        };
        let place = &mut self.places[number];
        let (root, volume) = match Root::look(self.fs, self.source, &place.path) {
            Ok(found) => found,
            Err(error) => {
                self.lose(number, LostReason::Missing(error.source.to_string()));
                return Ok(());
            }
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
        place.to_arm = vec![ToArm { path: RelPath::root(), has_come: false }];
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
        // None of that is tried again before the location is begun again.
        for work in [Work::Look(number), Work::Note(number)] {
            self.delay.end(work);
        }
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
        for work in [Work::Begin(number), Work::Marks(number), Work::Unmatched(number)] {
            self.delay.end(work);
        }
    }
}
