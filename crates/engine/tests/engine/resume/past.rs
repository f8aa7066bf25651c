//! What the lines of a ledger come to, for the next run.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

use surecopy_engine::{
    Action, Done, Fact, History, InFlight, ItemId, ItemReport, ItemStatus, JournalError, Known,
    Landed, PlannedItem, RecordedEnd, RootIdentity, Unsettled,
};
use surecopy_fs::RelPath;

use super::remembered::{Line, Over, Remembered};

pub(super) type Place = (usize, RelPath);

/// What is known when a run begins.
#[derive(Debug, Default)]
pub(super) struct Past {
    rows: BTreeMap<ItemId, Row>,
    /// The rows that were planned for each entry, in order.
    planned: HashMap<Place, Vec<ItemId>>,
    roots: Vec<RootIdentity>,
    unfinished_directories: Vec<Place>,
    pub(super) in_flight: InFlight,
    is_finished: bool,
}

#[derive(Debug)]
struct Row {
    item: PlannedItem,
    end: Option<ItemReport>,
}

impl Past {
    pub(super) fn of(remembered: &Remembered, target: &dyn Fn(&PlannedItem) -> Place) -> Self {
        let mut past = Self::default();
        let mut settled = BTreeSet::new();
        let mut directories = BTreeSet::new();
        let mut publications = Vec::new();
        // The run at hand: its number, the items it planned, and how far it got with them.
        let (mut nonce, mut own, mut claimed) = (None, Vec::new(), None);
        let mut dead = Vec::new();
        for line in remembered.lines() {
            match line {
                Line::Begun(number) => {
                    if let Some(nonce) = nonce.replace(number) {
                        past.in_flight.nonces.push(nonce);
                        dead.push((std::mem::take(&mut own), claimed));
                    }
                    (claimed, past.is_finished) = (None, false);
                }
                Line::Planned(items) => {
                    for item in items {
                        own.push(item.id);
                        let place = (item.mapping, item.path.clone());
                        past.planned.entry(place).or_default().push(item.id);
                        past.rows.insert(item.id, Row { item, end: None });
                    }
                }
                Line::Claimed(item) => claimed = claimed.max(Some(item)),
                Line::Over(Over { are_directories_finished, has_cleared }) => {
                    past.is_finished = are_directories_finished;
                    if has_cleared {
                        nonce = None;
                        own.clear();
                        dead.clear();
                        past.in_flight.nonces.clear();
                    }
                    if are_directories_finished {
                        directories.clear();
                    }
                }
                Line::Fact(Fact::Opened { roots }) => past.roots = roots,
                Line::Fact(Fact::DirectoryMade { mapping, path }) => {
                    directories.insert((mapping, path));
                }
                Line::Fact(Fact::Publishing { items }) => publications.extend(items),
                Line::Fact(Fact::Ended { item, report }) => {
                    let row = past.rows.get_mut(&item).expect("what ends was planned");
                    // What has failed may be found to be published.
                    let before = row.end.replace(*report);
                    let has_failed = |end: &ItemReport| {
                        matches!(end.status, ItemStatus::Error(_) | ItemStatus::Cancelled)
                    };
                    let is_ok = row.end.as_ref().is_some_and(|end| end.status == ItemStatus::Ok);
                    let may_end = before.as_ref().is_none_or(|end| has_failed(end) && is_ok);
                    assert!(may_end, "{item:?} ends twice: {before:?} {:?}", row.end);
                }
                Line::Fact(Fact::Settled { items }) => settled.extend(items),
                Line::Fact(_) => {}
            }
        }
        if let Some(nonce) = nonce {
            past.in_flight.nonces.push(nonce);
            dead.push((own, claimed));
        }
        for (items, claimed) in dead {
            for item in items.into_iter().filter(|item| Some(*item) <= claimed) {
                let row = &past.rows[&item];
                let place = target(&row.item);
                let end = row.end.as_ref().map(|end| &end.status);
                let is_bad =
                    matches!(end, None | Some(ItemStatus::Error(_) | ItemStatus::Cancelled));
                if is_bad && !past.in_flight.directories.contains(&place) {
                    past.in_flight.directories.push(place);
                }
            }
        }
        publications.retain(|publication| !settled.contains(&publication.item));
        let unsettled = publications.into_iter().map(|publication| {
            let row = &past.rows[&publication.item];
            let status = |row: &Row| row.end.as_ref().map(|report| report.status.clone());
            let place = (row.item.mapping, row.item.path.clone());
            let later = past.planned[&place].iter().filter(|item| **item > publication.item);
            let is_ok_later =
                later.map(|item| status(&past.rows[item])).any(|end| end == Some(ItemStatus::Ok));
            let end = match status(row) {
                None => RecordedEnd::None,
                Some(ItemStatus::Ok) => RecordedEnd::Ok,
                Some(_) if is_ok_later => RecordedEnd::Ok,
                Some(_) => RecordedEnd::InDoubt,
            };
            Unsettled { publication, end }
        });
        past.in_flight.publications = unsettled.collect();
        past.unfinished_directories = directories.into_iter().collect();
        past
    }
}

/// What a run may ask: what was in flight when it began, and what is known of entries when it asks
/// for the first one, which is after putting in order what was in flight.
pub(super) struct Asking<'a> {
    past: Past,
    remembered: &'a Remembered,
    target: &'a (dyn Fn(&PlannedItem) -> Place + Sync),
    recovered: OnceLock<Past>,
}

impl<'a> Asking<'a> {
    pub(super) fn of(
        remembered: &'a Remembered,
        target: &'a (dyn Fn(&PlannedItem) -> Place + Sync),
    ) -> Self {
        let past = Past::of(remembered, target);
        Self { past, remembered, target, recovered: OnceLock::new() }
    }
}

impl History for Asking<'_> {
    fn known(&self, mapping: usize, path: &RelPath) -> Result<Known, JournalError> {
        let recovered = self.recovered.get_or_init(|| Past::of(self.remembered, self.target));
        Ok(match recovered.known(mapping, path)? {
            Known::Done(done) if self.remembered.damaged.contains(path) => Known::DoneBadly(done),
            known => known,
        })
    }

    fn roots(&self) -> &[RootIdentity] {
        &self.past.roots
    }

    fn unfinished_directories(&self) -> &[(usize, RelPath)] {
        &self.past.unfinished_directories
    }

    fn in_flight(&self) -> &InFlight {
        &self.past.in_flight
    }

    fn is_finished(&self) -> bool {
        self.past.is_finished
    }
}

impl Past {
    fn known(&self, mapping: usize, path: &RelPath) -> Result<Known, JournalError> {
        let planned = self.planned.get(&(mapping, path.clone())).into_iter().flatten().rev();
        // What was to be left alone, and was not come to, is as it was known before.
        let is_known =
            |row: &&Row| row.end.is_some() || !matches!(row.item.action, Action::Skip(_));
        let Some(Row { item, end }) = planned.map(|id| &self.rows[id]).find(is_known) else {
            return Ok(Known::Nothing);
        };
        let target_name = item.target_name.clone();
        let Some(report) = end else { return Ok(unfinished(item)) };
        Ok(match (&report.status, report.landed) {
            (ItemStatus::Error(_), _) => Known::Nothing,
            (ItemStatus::Cancelled, _) => unfinished(item),
            (ItemStatus::Ok | ItemStatus::Skipped(_), Some(Landed { source, target, .. })) => {
                let (is_incomplete, evidence) = (report.is_metadata_incomplete(), report.evidence);
                let digest = report.digest.clone();
                Known::Done(Done {
                    source,
                    target,
                    target_name,
                    is_incomplete,
                    has_lost_link: report.has_lost_link(),
                    evidence,
                    digest,
                })
            }
            (ItemStatus::Skipped(reason), None) => Known::Skipped { reason: *reason, target_name },
            (ItemStatus::Ok, None) => panic!("what was copied is not known again: {report:?}"),
        })
    }
}

fn unfinished(item: &PlannedItem) -> Known {
    Known::Unfinished { target_name: item.target_name.clone() }
}
