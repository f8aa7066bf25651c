//! Finding out what happened while nobody saw it: every known directory is looked at, by one thread that
//! takes what others leave over.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError};

use surecopy_engine::Control;
use surecopy_fs::{FileSystem, Moment, RelPath};

use super::delay::Work;
use super::facts::{LostReason, WatchFact};
use super::place::{Standing, ToArm};
use super::running::Session;
use super::source::EventSource;
use crate::error::IndexError;
use crate::index::Index;
use crate::location::{LocationId, ScanStatus};
use crate::stale::{Stopped, Validated, Validation, ValidationProgress};

/// So many directories are marked in one transaction, for which others may have to wait.
pub(super) const MARKED_AT_ONCE: usize = 500;

/// A location that is to be looked through.
#[derive(Debug)]
pub(super) struct Order {
    number: usize,
    location: LocationId,
    path: std::path::PathBuf,
    losses: u64,
    now: Moment,
}

/// What was found there.
#[derive(Debug)]
pub(super) struct Finding {
    order: Order,
    found: Result<Validated, Stopped>,
}

/// Looks through what is ordered until nobody orders any more.
pub(super) fn look_through<F: FileSystem>(
    index: &Index,
    fs: &F,
    control: &Control,
    ordered: &Receiver<Order>,
    finds: &SyncSender<Finding>,
) {
    if !surecopy_fs::step_back() {
        tracing::debug!("the looks at directories have the same priority as all else");
    }
    while let Ok(order) = ordered.recv() {
        let found = fs.open_root(&order.path).map_err(Stopped::from).and_then(|root| {
            let validation = Validation {
                index,
                location: order.location,
                beneath: &RelPath::root(),
                now: &order.now,
                threads: 1,
                control,
                progress: &ValidationProgress::default(),
            };
            validation.run(fs, &root)
        });
        if finds.send(Finding { order, found }).is_err() {
            return;
        }
    }
}

impl<F: FileSystem, S: EventSource> Session<'_, F, S> {
    /// Has locations looked through when it is time, and takes in what was found.
    pub(super) fn check(&mut self) -> Result<(), IndexError> {
        while let Ok(finding) = self.findings.try_recv() {
            let number = finding.order.number;
            self.places[number].finding = Some(finding);
        }
        for number in 0..self.places.len() {
            if !self.is_waiting
                && let Some(finding) = self.places[number].finding.take()
            {
                self.settle(number, finding)?;
            }
            self.order(number);
        }
        Ok(())
    }

    fn order(&mut self, number: usize) {
        let now = self.now;
        let place = &mut self.places[number];
        match place.standing {
            Standing::Watched | Standing::Held { .. } => {}
            Standing::Away | Standing::Resting { .. } | Standing::Arming | Standing::Forgotten => {
                return;
            }
        }
        if place.is_checking {
            return;
        }
        if !place.must_check && now.since_boot >= place.check_at {
            place.must_check = true;
            // What lost its watch without a word has it again after that.
            place.to_arm.push(ToArm { path: RelPath::root(), has_come: false });
        }
        if place.must_check && place.to_arm.is_empty() {
            let (location, path) = (place.id, place.path.clone());
            let order = Order { number, location, path, losses: place.losses, now };
            match self.orders.try_send(order) {
                Ok(()) => {}
                // It still must be, and is ordered in a later turn.
                Err(TrySendError::Full(_)) => return,
                Err(TrySendError::Disconnected(_)) => {
                    tracing::warn!("nobody looks at directories any more");
                }
            }
            place.must_check = false;
            place.is_checking = true;
            place.was_marked = false;
            place.check_at = now.since_boot + self.watch.pace.check;
        }
    }

    fn settle(&mut self, number: usize, finding: Finding) -> Result<(), IndexError> {
        let Finding { order, found } = finding;
        // Something was missed since it began: it will be looked through again.
        if order.losses != self.places[number].losses {
            self.places[number].is_checking = false;
            self.delay.end(Work::Findings(number));
            return Ok(());
        }
        let validated = match found {
            Ok(validated) => {
                self.delay.end(Work::Look(number));
                validated
            }
            Err(stopped) => {
                self.places[number].is_checking = false;
                return self.not_checked(number, stopped);
            }
        };
        // What was looked at may not have been what is watched.
        if !self.look_at(number) {
            self.places[number].is_checking = false;
            self.delay.end(Work::Findings(number));
            return Ok(());
        }
        match self.write_down(number, &order, &validated) {
            Ok(()) => self.delay.end(Work::Findings(number)),
            Err(error) => {
                let finding = Finding { order, found: Ok(validated) };
                self.places[number].finding = Some(finding);
                return self.later(Work::Findings(number), error);
            }
        }
        let pace = self.watch.pace;
        let place = &mut self.places[number];
        place.is_checking = false;
        place.check_at = self.now.since_boot + pace.check;
        if place.standing == Standing::Watched {
            place.standing =
                Standing::Held { since: order.now.wall, since_boot: self.now.since_boot };
        }
        let Validated { fresh, stale, gone, confidence, .. } = validated;
        self.tell(WatchFact::Checked { location: order.location, fresh, stale, gone, confidence });
        Ok(())
    }

    /// What was found counts from the moment when the looks began. What was marked or listed since then
    /// is left as it is.
    fn write_down(
        &self,
        number: usize,
        order: &Order,
        validated: &Validated,
    ) -> Result<(), IndexError> {
        let (index, at) = (self.watch.index, order.now.wall);
        let stale: Vec<_> =
            validated.stale_directories.iter().map(|stale| stale.path.clone()).collect();
        for some in stale.chunks(MARKED_AT_ONCE) {
            index.mark_found(order.location, some, at)?;
        }
        let status = match validated.status() {
            ScanStatus::Fresh | ScanStatus::Partial if self.places[number].was_marked => {
                ScanStatus::Stale
            }
            status => status,
        };
        index.note_check(order.location, status, at)
    }

    fn not_checked(&mut self, number: usize, stopped: Stopped) -> Result<(), IndexError> {
        let message = stopped.to_string();
        let location = self.places[number].id;
        match stopped {
            // Only when all is over.
            Stopped::Cancelled => return Ok(()),
            Stopped::Root(error) => {
                self.lose(number, LostReason::Missing(error.source.to_string()));
            }
            Stopped::Index(IndexError::NoSuchLocation) => self.forget(number),
            Stopped::Index(error) => {
                self.later(Work::Look(number), error)?;
                let soon = self.now.since_boot + self.watch.pace.look;
                self.places[number].check_at = soon.max(self.delay.until());
                return Ok(());
            }
        }
        self.tell(WatchFact::NotChecked { location, message });
        Ok(())
    }
}
