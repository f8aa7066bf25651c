//! What of this job was announced to be published: which items have ended as it was announced, and of
//! which something may still be left.

use std::collections::HashMap;

use rusqlite::Connection;
use surecopy_engine::{ItemId, ItemReport, ItemStatus};

use crate::error::Result;
use crate::job::JobId;
use crate::rows::records::Place;

/// Publications that are not settled. There are never more than workers have in their groups, but for
/// those of which something could not be removed.
#[derive(Debug, Default)]
pub(crate) struct Announced {
    /// An item that is tried again is announced again: what was announced before may have been published.
    items: HashMap<ItemId, Vec<Announcement>>,
    groups: HashMap<u64, Group>,
}

/// One announcement of an item, with how it is to end, as long as it has not ended.
#[derive(Debug)]
struct Announcement {
    place: Place,
    report: Option<Box<ItemReport>>,
}

/// A record that announces items.
#[derive(Debug)]
struct Group {
    is_settled: Vec<bool>,
    unsettled: usize,
    /// It differs from what the database says.
    has_changed: bool,
}

impl Announced {
    /// Takes note of what a record announces; it stands in the database already.
    pub(crate) fn put(
        &mut self,
        record: u64,
        reports: impl ExactSizeIterator<Item = (ItemId, Box<ItemReport>)>,
    ) {
        let count = reports.len();
        let group = Group { is_settled: vec![false; count], unsettled: count, has_changed: false };
        self.groups.insert(record, group);
        for (position, (item, report)) in reports.enumerate() {
            self.announce(item, Place { record, position }, report);
        }
    }

    fn announce(&mut self, item: ItemId, place: Place, report: Box<ItemReport>) {
        let report = Some(report);
        self.items.entry(item).or_default().push(Announcement { place, report });
    }

    /// Where an end was announced just as it is; `None` when it differs.
    pub(crate) fn as_announced(&mut self, item: ItemId, report: &ItemReport) -> Option<Place> {
        let is_same = |announced: &ItemReport| {
            let mut announced = announced.clone();
            // How long it took to be published was not known yet.
            announced.times.backup = report.times.backup;
            report.status == ItemStatus::Ok && announced == *report
        };
        let ended = self.end(item).into_iter().rev();
        let mut same = ended.filter(|(_, announced)| is_same(announced));
        same.next().map(|(place, _)| place)
    }

    /// Where an end was announced that came to be just so, and how; `None` when it was not announced,
    /// or has ended already.
    pub(crate) fn take(&mut self, item: ItemId) -> Option<(Place, Box<ItemReport>)> {
        self.end(item).pop()
    }

    /// An item ends once: what was announced of it and has not ended, the last one last.
    fn end(&mut self, item: ItemId) -> Vec<(Place, Box<ItemReport>)> {
        let announced = self.items.get_mut(&item).into_iter().flatten();
        announced.filter_map(|one| Some((one.place, one.report.take()?))).collect()
    }

    /// Nothing is left of an item.
    pub(crate) fn settle(&mut self, item: ItemId) {
        for Announcement { place, .. } in self.items.remove(&item).into_iter().flatten() {
            let Some(group) = self.groups.get_mut(&place.record) else { continue };
            if let Some(is_settled) = group.is_settled.get_mut(place.position)
                && !std::mem::replace(is_settled, true)
            {
                group.unsettled -= 1;
                group.has_changed = true;
            }
        }
    }

    /// Writes down what has been settled.
    pub(crate) fn save(&mut self, connection: &Connection, job: JobId) -> Result<()> {
        let mut gone = Vec::new();
        for (record, group) in &mut self.groups {
            if !std::mem::take(&mut group.has_changed) {
                continue;
            }
            if group.unsettled == 0 {
                connection
                    .prepare_cached("DELETE FROM publications WHERE job = ? AND record = ?")?
                    .execute((job.0, record))?;
                gone.push(*record);
                continue;
            }
            let open = group.is_settled.iter().enumerate().filter(|(_, is_settled)| !**is_settled);
            let open: Vec<usize> = open.map(|(position, _)| position).collect();
            connection
                .prepare_cached(
                    "UPDATE publications SET positions = ? WHERE job = ? AND record = ?",
                )?
                .execute((serde_json::to_string(&open)?, job.0, record))?;
        }
        gone.iter().for_each(|record| drop(self.groups.remove(record)));
        Ok(())
    }

    /// Takes up what earlier runs have left.
    pub(crate) fn restore(&mut self, connection: &Connection, job: JobId) -> Result<()> {
        for found in crate::read::in_flight::announced(connection, job)? {
            let mut is_settled = vec![true; found.items.len()];
            found.positions.iter().for_each(|position| is_settled[*position] = false);
            let unsettled = found.positions.len();
            let group = Group { is_settled, unsettled, has_changed: false };
            self.groups.insert(found.record, group);
            for position in found.positions {
                let read = &found.items[position];
                if let Some(item) = read.item {
                    let place = Place { record: found.record, position };
                    self.announce(ItemId(item), place, Box::new(read.report.clone()));
                }
            }
        }
        Ok(())
    }
}
