//! Damage that no resume mends: a later run through the whole job has not met the file any more.

use std::collections::HashSet;
use std::path::PathBuf;

use serde_json::Value;
use surecopy::jobs::{ItemState, JobId, JobRecord, Ledger, LedgerError, RunKind};

use super::not_copied::each_left;

/// Records that are read at once.
const PAGE: usize = 1000;

/// How many of the damaged items were no longer in the source when it was last looked through. What was
/// found to be damaged only after that may be there.
pub(super) fn damaged_and_gone(ledger: &Ledger, record: &JobRecord) -> Result<u64, LedgerError> {
    if record.damaged == 0 || record.is_running {
        return Ok(0);
    }
    let looked_through = record.runs.iter().rev().find(|run| {
        matches!(run.kind, RunKind::Copy | RunKind::Resume)
            && run.planned.is_some()
            && run.outcome.as_deref() != Some("refused")
    });
    let Some(whole) = looked_through.map(|run| run.run).filter(|run| *run > 1) else {
        return Ok(0);
    };
    let mut gone: Vec<(u64, PathBuf)> = Vec::new();
    let mut after = None;
    loop {
        let page = ledger.items(record.id, Some(ItemState::Damaged), after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = Some(last.item);
        let standing = page.into_iter().filter(|item| !item.is_superseded && item.run < whole);
        gone.extend(standing.map(|item| (item.item.0, item.source)));
    }
    if gone.is_empty() {
        return Ok(0);
    }
    // What was met and could not be copied again is there, or nobody could look.
    let mut left = HashSet::new();
    each_left(ledger, record.id, |source| {
        left.insert(source);
    })?;
    gone.retain(|(_, source)| !source.ancestors().any(|path| left.contains(path)));
    if gone.is_empty() {
        return Ok(0);
    }
    let known = damaged_before(ledger, record.id, whole)?;
    Ok(gone.iter().filter(|(item, _)| known.contains(item)).count() as u64)
}

/// Items that were found to be damaged before this run began.
fn damaged_before(ledger: &Ledger, job: JobId, run: u64) -> Result<HashSet<u64>, LedgerError> {
    let mut damaged = HashSet::new();
    let mut after = 0;
    loop {
        let page = ledger.audit_records(job, after, PAGE)?;
        let Some(last) = page.last() else { return Ok(damaged) };
        after = last.record;
        for record in &page {
            let is_wanted =
                ["\"checked\"", "\"run_began\""].iter().any(|it| record.body.contains(it));
            let Some(body) = is_wanted.then(|| serde_json::from_str::<Value>(&record.body).ok())
            else {
                continue;
            };
            let body = body.unwrap_or_default();
            match (body["event"].as_str(), body["item"].as_u64()) {
                (Some("run_began"), _) if body["run"] == run => return Ok(damaged),
                (Some("checked"), Some(item)) if body["found"] == "damaged" => {
                    damaged.insert(item);
                }
                (Some("checked"), Some(item)) => {
                    damaged.remove(&item);
                }
                _ => {}
            }
        }
    }
}
