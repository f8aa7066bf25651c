//! `job_status`: a job as the ledger has it, for `jobs` and `status`.

use serde::Serialize;
use surecopy::Mapping;
use surecopy::jobs::{JobRecord, Ledger, RunRecord};

use super::job::SCHEMA;
use super::path::SourceAndTarget;
use crate::recorded::{Condition, Figures, Incomplete, Pace, next_step, rfc3339};

/// The `job_status` object.
#[derive(Debug, Serialize)]
pub(crate) struct JobStatus {
    r#type: &'static str,
    schema: u32,
    job: i64,
    state: &'static str,
    is_running: bool,
    created: Option<String>,
    changed: Option<String>,
    mappings: Vec<SourceAndTarget>,
    request_error: Option<String>,
    items: ItemsMember,
    directories_incomplete: u64,
    bytes: BytesMember,
    is_total_known: bool,
    phase: Option<String>,
    bytes_per_second: Option<f64>,
    seconds_left: Option<f64>,
    kept_replaced: u64,
    audit_records: u64,
    runs: Vec<RunMember>,
    next: Option<String>,
}

#[derive(Debug, Serialize)]
struct ItemsMember {
    total: u64,
    done: u64,
    failed: u64,
    damaged: u64,
    undone: u64,
    incomplete: u64,
}

#[derive(Debug, Serialize)]
struct BytesMember {
    total: u64,
    done: u64,
}

#[derive(Debug, Serialize)]
struct RunMember {
    run: u64,
    kind: &'static str,
    host: String,
    pid: u32,
    started: Option<String>,
    ended: Option<String>,
    outcome: Option<String>,
}

impl JobStatus {
    pub(crate) fn new(ledger: &Ledger, record: &JobRecord) -> Self {
        let (figures, incomplete) = (Figures::of(record), Incomplete::of_job(record));
        let mapping = |it: &Mapping| SourceAndTarget::new(&it.source_path(), &it.target_path());
        let (mappings, request_error) = match &record.request {
            Ok(spec) => (spec.mappings.iter().map(mapping).collect(), None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let current = record.runs.last().filter(|_| record.is_running);
        let progress = current.and_then(|run| run.progress.as_ref());
        Self {
            r#type: "job_status",
            schema: SCHEMA,
            job: record.id.0,
            state: Condition::of(record).as_str(),
            is_running: record.is_running,
            created: rfc3339(record.created_ms),
            changed: rfc3339(record.changed_ms),
            mappings,
            request_error,
            items: ItemsMember {
                total: figures.items_total,
                done: figures.items_done,
                failed: figures.items_failed,
                damaged: figures.items_damaged,
                undone: figures.items_undone,
                incomplete: incomplete.items,
            },
            directories_incomplete: incomplete.directories,
            bytes: BytesMember { total: figures.bytes_total, done: figures.bytes_done },
            is_total_known: !figures.is_growing,
            phase: progress.and_then(|progress| progress.phase.clone()),
            bytes_per_second: None,
            seconds_left: None,
            kept_replaced: record.kept_backups,
            audit_records: record.audit_records,
            runs: record.runs.iter().map(RunMember::new).collect(),
            next: next_step(ledger, record).map(|(_, command)| command),
        }
    }

    /// With the speed, and the time that is left at that speed, where they are known.
    pub(crate) fn at_pace(mut self, pace: Option<Pace>) -> Self {
        self.bytes_per_second = pace.map(|pace| pace.bytes_per_second);
        self.seconds_left = pace.and_then(|pace| pace.left).map(|left| left.as_secs_f64());
        self
    }
}

impl RunMember {
    fn new(run: &RunRecord) -> Self {
        Self {
            run: run.run,
            kind: run.kind.as_str(),
            host: run.host.clone(),
            pid: run.pid,
            started: rfc3339(run.started_ms),
            ended: run.ended_ms.and_then(rfc3339),
            outcome: run.outcome.clone(),
        }
    }
}
