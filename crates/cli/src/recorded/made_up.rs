//! Jobs and runs as they could stand in a ledger, for tests.

use surecopy::jobs::{JobId, JobRecord, JobState, RunKind, RunRecord, Sums};

/// A run that has ended.
pub(crate) fn ended(run: u64, kind: RunKind, outcome: &str) -> RunRecord {
    RunRecord {
        run,
        kind,
        nonce: 1,
        host: "here".to_owned(),
        pid: 1,
        started_ms: 0,
        ended_ms: Some(1),
        outcome: Some(outcome.to_owned()),
        planned: None,
        refused: 0,
        sums: Sums::default(),
        progress: None,
    }
}

/// A job that nobody is at work on.
pub(crate) fn record(state: JobState, runs: Vec<RunRecord>) -> JobRecord {
    JobRecord {
        id: JobId(1),
        state,
        is_running: false,
        created_ms: 0,
        changed_ms: 0,
        request: Ok(surecopy::CopySpec::new(Vec::new())),
        runs,
        damaged: 0,
        incomplete: 0,
        undone: 0,
        undone_bytes: 0,
        unreadable_record: None,
        kept_backups: 0,
        audit_records: 0,
    }
}
