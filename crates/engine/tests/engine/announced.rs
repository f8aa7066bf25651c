//! Ends that say no more than that they were as announced, with all that was announced.

use std::collections::BTreeMap;

use surecopy_engine::{Fact, ItemId, ItemReport};

/// What was announced to a journal.
#[derive(Debug, Default)]
pub(crate) struct Announced(BTreeMap<ItemId, Box<ItemReport>>);

impl Announced {
    /// The same facts, of which each end says everything.
    pub(crate) fn in_full(&mut self, facts: Vec<Fact>) -> Vec<Fact> {
        let mut full = Vec::new();
        for fact in facts {
            match fact {
                Fact::Publishing { items } => {
                    let reports = items.iter().map(|item| (item.item, item.report.clone()));
                    self.0.extend(reports);
                    full.push(Fact::Publishing { items });
                }
                Fact::EndedAsAnnounced { items } => full.extend(items.into_iter().map(|item| {
                    let report = self.0.remove(&item).expect("it was announced, and ends once");
                    Fact::Ended { item, report }
                })),
                other => full.push(other),
            }
        }
        full
    }
}
