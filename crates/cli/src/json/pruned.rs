//! `pruned`: the jobs that were removed from the ledger, or would be.

use serde::Serialize;
use surecopy::jobs::JobId;

use super::job::SCHEMA;

/// The `pruned` object.
#[derive(Debug, Serialize)]
pub(crate) struct PrunedLine {
    r#type: &'static str,
    schema: u32,
    dry_run: bool,
    older_than_days: u64,
    jobs: Vec<i64>,
}

impl PrunedLine {
    pub(crate) fn new(jobs: &[JobId], older_than_days: u64, dry_run: bool) -> Self {
        let jobs = jobs.iter().map(|job| job.0).collect();
        Self { r#type: "pruned", schema: SCHEMA, dry_run, older_than_days, jobs }
    }
}
