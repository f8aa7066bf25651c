//! `job`: the first object, with the version of the format and what is going to be done.

use serde::Serialize;
use surecopy::jobs::{JobId, Ledger, RunKind};
use surecopy::{CopySpec, Mapping};

use super::path::{JsonPath, SourceAndTarget};

/// The version of the format, in every object that can be the first one. It changes when a member
/// changes its meaning or goes; new members and new types do not change it.
pub(super) const SCHEMA: u32 = 1;

/// The `job` object.
#[derive(Debug, Serialize)]
pub(crate) struct JobLine {
    r#type: &'static str,
    schema: u32,
    version: &'static str,
    started: String,
    job: Option<i64>,
    run: &'static str,
    ledger: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ledger_bytes: Option<String>,
    dry_run: bool,
    mappings: Vec<SourceAndTarget>,
    verify: &'static str,
    read_back: &'static str,
    digest: &'static str,
    strategy: &'static str,
    reflink: &'static str,
    on_conflict: &'static str,
    checksum: bool,
    preserve: Vec<&'static str>,
    retries: u32,
    fail_fast: bool,
    workers: usize,
}

impl JobLine {
    /// The object for a run that is about to start.
    pub(crate) fn new(
        spec: &CopySpec,
        job: Option<JobId>,
        kind: RunKind,
        ledger: Option<&Ledger>,
    ) -> Self {
        let (ledger, ledger_bytes) = JsonPath::optional(ledger.map(Ledger::path));
        let mapping = |it: &Mapping| SourceAndTarget::new(&it.source_path(), &it.target_path());
        Self {
            r#type: "job",
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            started: jiff::Timestamp::now().to_string(),
            job: job.map(|id| id.0),
            run: kind.as_str(),
            ledger,
            ledger_bytes,
            dry_run: spec.dry_run,
            mappings: spec.mappings.iter().map(mapping).collect(),
            verify: spec.verify.as_str(),
            read_back: spec.read_back.as_str(),
            digest: spec.digest.as_str(),
            strategy: spec.strategy.as_str(),
            reflink: spec.reflink.as_str(),
            on_conflict: spec.conflict.as_str(),
            checksum: spec.by_content,
            preserve: spec.preserve.kept(),
            retries: spec.retries,
            fail_fast: spec.fail_fast,
            workers: spec.workers,
        }
    }
}
