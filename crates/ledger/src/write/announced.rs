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
    items: HashMap<ItemId, (Place, Option<Box<ItemReport>>)>,
    groups: HashMap<u64, Group>,
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
            // It may have been announced before, and did not come to be published.
            self.settle(item);
            self.items.insert(item, (Place { record, position }, Some(report)));
        }
    }

    /// Where an end was announced just as it is; `None` when it differs.
    pub(crate) fn as_announced(&mut self, item: ItemId, report: &ItemReport) -> Option<Place> {
        let (place, mut announced) = self.take(item)?;
        // How long it took to be published was not known yet.
        announced.times.backup = report.times.backup;
        let is_same = report.status == ItemStatus::Ok && *announced == *report;
        is_same.then_some(place)
    }

    /// Where an end was announced that came to be just so, and how; `None` when it was not announced,
    /// or has ended already.
    pub(crate) fn take(&mut self, item: ItemId) -> Option<(Place, Box<ItemReport>)> {
        let (place, announced) = self.items.get_mut(&item)?;
        Some((*place, announced.take()?))
    }

    /// Nothing is left of an item.
    pub(crate) fn settle(&mut self, item: ItemId) {
        let Some((place, _)) = self.items.remove(&item) else { return };
        let Some(group) = self.groups.get_mut(&place.record) else { return };
        if let Some(is_settled) = group.is_settled.get_mut(place.position)
            && !std::mem::replace(is_settled, true)
        {
            group.unsettled -= 1;
            group.has_changed = true;
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
                    let report = Some(Box::new(read.report.clone()));
                    self.items.insert(ItemId(item), (place, report));
                }
            }
        }
        Ok(())
    }
}
