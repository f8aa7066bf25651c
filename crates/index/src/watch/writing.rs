//! Writing what has happened into the index: marks first, and only then until when everything was seen.

use std::collections::BTreeSet;
use std::time::Duration;

use surecopy_fs::{FileSystem, RelPath, Timestamp};

use super::checking::MARKED_AT_ONCE;
use super::delay::Work;
use super::facts::WatchFact;
use super::place::Standing;
use super::running::Session;
use super::source::EventSource;
use crate::error::IndexError;
use crate::location::LocationId;
use crate::stale::State;

/// What happened longer ago than this has been told. It takes thousandths of a second.
const TOLD_WITHIN: Duration = Duration::from_secs(1);

/// Between two transactions, so that whoever waits for one of their own, by looking again every now and
/// then, gets it.
const LET_IN: Duration = Duration::from_millis(5);

impl<F: FileSystem, S: EventSource> Session<'_, F, S> {
    /// Writes down what has happened.
    pub(super) fn write(&mut self) -> Result<(), IndexError> {
        if self.is_waiting {
            return Ok(());
        }
        for number in 0..self.places.len() {
            if self.places[number].standing == Standing::Forgotten {
                continue;
            }
            match self.write_one(number) {
                Ok(()) => self.delay.end(Work::Marks(number)),
                Err(error) => self.later(Work::Marks(number), error)?,
            }
        }
        Ok(())
    }

    fn write_one(&mut self, number: usize) -> Result<(), IndexError> {
        let at = self.now.wall;
        let index = self.watch.index;
        let place = &mut self.places[number];
        let location = place.id;
        if place.must_mark_all {
            index.mark_all(location, at)?;
            place.must_mark_all = false;
            place.changed.clear();
        }
        if place.must_note_gap {
            index.note_gap(location)?;
            place.must_note_gap = false;
        }
        let marked = self.mark(number, State::Stale)? + self.mark(number, State::Unknown)?;
        if marked > 0 {
            self.tell(WatchFact::Marked { location, directories: marked });
        }
        Ok(())
    }

    /// Marks what is waiting for it; returns how many of these the index knows.
    fn mark(&mut self, number: usize, state: State) -> Result<u64, IndexError> {
        let (index, now, at) = (self.watch.index, self.now.since_boot, self.now.wall);
        let place = &mut self.places[number];
        let waiting = match state {
            State::Stale => &mut place.changed,
            _ => &mut place.come,
        };
        let mut marked = 0;
        while !waiting.is_empty() {
            let some = first(waiting, MARKED_AT_ONCE);
            let unknown = index.mark_known(place.id, &some, state, at)?;
            marked += (some.len() - unknown.len()) as u64;
            let unknown = unknown.into_iter().cloned().collect();
            place.unmatched.keep(unknown, at, now);
            some.iter().for_each(|path| {
                waiting.remove(path);
            });
            if !waiting.is_empty() {
                std::thread::sleep(LET_IN);
            }
        }
        Ok(marked)
    }

    /// Marks what the index did not know when it changed, should it know it now.
    pub(super) fn retry_unmatched(&mut self) -> Result<(), IndexError> {
        if self.is_waiting {
            return Ok(());
        }
        for number in 0..self.places.len() {
            let place = &mut self.places[number];
            let index = self.watch.index;
            let mut retried = Ok(());
            for batch in place.unmatched.still_kept(self.now.since_boot) {
                retried = index.mark_found(place.id, &batch.paths, batch.at);
                if retried.is_err() {
                    break;
                }
            }
            match retried {
                Ok(()) => self.delay.end(Work::Unmatched(number)),
                Err(error) => self.later(Work::Unmatched(number), error)?,
            }
        }
        Ok(())
    }

    /// Writes down until when everything was seen, if that was not done for a while.
    pub(super) fn note(&mut self, interval: Duration) -> Result<(), IndexError> {
        if self.is_waiting {
            return Ok(());
        }
        let now = self.now;
        let mut due: Vec<(usize, LocationId)> = Vec::new();
        let until = earlier(now.wall, TOLD_WITHIN);
        for (number, place) in self.places.iter().enumerate() {
            let Standing::Held { since, .. } = place.standing else { continue };
            let is_time = now.since_boot >= place.noted_at + interval;
            if is_time && since < until && place.is_up_to_date() {
                due.push((number, place.id));
            }
        }
        for (number, location) in due {
            match self.watch.index.note_watched(location, until) {
                Ok(()) => {
                    self.places[number].noted_at = now.since_boot;
                    self.delay.end(Work::Note(number));
                }
                Err(error) => self.later(Work::Note(number), error)?,
            }
        }
        Ok(())
    }
}

fn first(waiting: &BTreeSet<RelPath>, most: usize) -> Vec<RelPath> {
    waiting.iter().take(most).cloned().collect()
}

fn earlier(time: Timestamp, by: Duration) -> Timestamp {
    Timestamp { secs: time.secs.saturating_sub_unsigned(by.as_secs()), nanos: time.nanos }
}
