//! Ends that wait to be recorded: those of a group go with what the next one announces, so that each
//! group waits for the record once.
//!
//! Only ends of which nothing is left to be done wait here. Until they are recorded, a later run finds
//! by their announcement that they were published.

use std::time::Duration;

use surecopy_fs::FileSystem;

use super::take::Worker;
use crate::plan::ItemId;
use crate::record::{Fact, JournalError};
use crate::report::{ItemReport, Share};

/// An item that has ended well.
pub(super) struct Ended {
    pub(super) item: ItemId,
    pub(super) report: ItemReport,
    pub(super) share: Share,
    /// Nothing was found out about it since it was announced.
    pub(super) is_as_announced: bool,
}

impl Ended {
    pub(super) fn fact(&self) -> Fact {
        Fact::Ended { item: self.item, report: Box::new(self.report.clone()) }
    }
}

/// Published and durable items without a backup, whose ends are not recorded.
#[derive(Default)]
pub(super) struct WaitingEnds {
    items: Vec<Ended>,
    since: Duration,
}

impl WaitingEnds {
    pub(super) fn push(&mut self, ended: Ended, now: Duration) {
        if self.items.is_empty() {
            self.since = now;
        }
        self.items.push(ended);
    }

    /// For how long the first has been waiting, if there is one.
    pub(super) fn since(&self) -> Option<Duration> {
        (!self.items.is_empty()).then_some(self.since)
    }
}

impl<F: FileSystem> Worker<'_, '_, F> {
    /// Records the ends that wait.
    pub(super) fn record_ended(&mut self) {
        if !self.ended.items.is_empty() {
            // What is published stays published, whatever came of this.
            self.record_with_ended(Vec::new()).ok();
        }
    }

    /// Records the ends that wait, and these facts with them.
    pub(super) fn record_with_ended(&mut self, facts: Vec<Fact>) -> Result<(), JournalError> {
        let (ended, facts) = self.take_ended(facts);
        let recorded = self.context.record(facts);
        self.account_ended(ended, &recorded);
        recorded
    }

    /// Takes the ends that wait, and gives the facts that tell them, with these after them.
    pub(super) fn take_ended(&mut self, facts: Vec<Fact>) -> (Vec<Ended>, Vec<Fact>) {
        let ended = std::mem::take(&mut self.ended.items);
        let is_other = |ended: &&Ended| !ended.is_as_announced;
        let mut all: Vec<Fact> = ended.iter().filter(is_other).map(Ended::fact).collect();
        let as_announced = ended.iter().filter(|ended| ended.is_as_announced);
        let as_announced: Vec<ItemId> = as_announced.map(|ended| ended.item).collect();
        if !as_announced.is_empty() {
            all.push(Fact::EndedAsAnnounced { items: as_announced });
        }
        let items = ended.iter().map(|ended| ended.item);
        let items: Vec<ItemId> = items.filter(|item| !self.unsettled.contains(item)).collect();
        if !items.is_empty() {
            all.push(Fact::Settled { items });
        }
        all.extend(facts);
        (ended, all)
    }

    /// Counts and tells ends, now that it is known whether they are recorded.
    pub(super) fn account_ended(&self, ended: Vec<Ended>, recorded: &Result<(), JournalError>) {
        if let (Err(error), false) = (recorded, ended.is_empty()) {
            // What is published stays published; the outcome of the run tells.
            tracing::error!(%error, "the end of items could not be recorded");
        }
        for Ended { report, share, .. } in ended {
            self.context.account(report, share);
        }
    }
}
