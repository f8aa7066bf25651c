//! Targets that a job has copied to more than once. Where a later copy has replaced nothing, the earlier
//! one was gone by then: undoing it does nothing, and it is not to be counted as well.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use surecopy::ItemId;
use surecopy::jobs::{ItemRecord, ItemState, JobRecord, Ledger, LedgerError};

/// Items that are read at once.
const PAGE: usize = 1000;

/// States of what there is to undo.
pub(super) const COPIED: [ItemState; 2] = [ItemState::Ok, ItemState::Damaged];

/// Hands on every item of a job in one of these states, in the order of planning for each of them.
pub(super) fn each<E: From<LedgerError>>(
    ledger: &Ledger,
    job: &JobRecord,
    mut take: impl FnMut(&ItemRecord) -> Result<(), E>,
) -> Result<(), E> {
    for state in COPIED {
        let mut after = None;
        loop {
            let page = ledger.items(job.id, Some(state), after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.item);
            page.iter().try_for_each(&mut take)?;
        }
    }
    Ok(())
}

/// The copies that were gone when their targets were copied to again.
pub(super) fn gone_before(
    ledger: &Ledger,
    job: &JobRecord,
) -> Result<HashSet<ItemId>, LedgerError> {
    // Of a job that was never gone on with, no target was copied to twice.
    if job.runs.iter().filter(|run| run.kind.copies()).count() < 2 {
        return Ok(HashSet::new());
    }
    let mut copies: HashMap<PathBuf, Vec<(ItemId, bool)>> = HashMap::new();
    each::<LedgerError>(ledger, job, |item| {
        if item.is_superseded && has_replaced(item) == Some(false) {
            copies.entry(item.target.clone()).or_default();
        }
        Ok(())
    })?;
    if copies.is_empty() {
        return Ok(HashSet::new());
    }
    each::<LedgerError>(ledger, job, |item| {
        if let (Some(copies), Some(has_replaced)) =
            (copies.get_mut(&item.target), has_replaced(item))
        {
            copies.push((item.item, has_replaced));
        }
        Ok(())
    })?;
    Ok(copies.into_values().flat_map(without_effect).collect())
}

/// Whether it has replaced something; `None` when it is not known what has landed.
fn has_replaced(item: &ItemRecord) -> Option<bool> {
    Some(item.report.as_ref()?.landed?.replaced.is_some())
}

/// Of the copies to one target, those that replaced nothing, and the next one neither.
fn without_effect(mut copies: Vec<(ItemId, bool)>) -> Vec<ItemId> {
    copies.sort_unstable_by_key(|(item, _)| item.0);
    let pairs = copies.windows(2).filter(|pair| !pair[0].1 && !pair[1].1);
    pairs.map(|pair| pair[0].0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_later_copy_has_replaced_comes_back_before_it_goes() {
        let of = |replaced: &[bool]| {
            let copies = (0..).map(ItemId).zip(replaced.iter().copied());
            without_effect(copies.collect())
        };
        assert_eq!(of(&[false]), []);
        assert_eq!(of(&[false, false]), [ItemId(0)]);
        assert_eq!(of(&[false, true]), []);
        assert_eq!(of(&[true, false, false]), [ItemId(1)]);
    }
}
