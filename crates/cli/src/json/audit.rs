//! `audit_item`, `audit_summary` and `audit_check`: what the ledger knows of the files of a job.

use std::collections::BTreeMap;

use serde::Serialize;
use surecopy::ItemStatus;
use surecopy::jobs::{AuditBreak, AuditCheck, ItemRecord, JobId, LedgerError};

use super::item::ErrorMember;
use super::job::SCHEMA;
use super::path::{JsonPath, SourceAndTarget};
use crate::recorded::kept_path;

/// The `audit_item` object.
#[derive(Debug, Serialize)]
pub(crate) struct AuditItemLine {
    r#type: &'static str,
    item: u64,
    run: u64,
    state: &'static str,
    is_superseded: bool,
    skip_reason: Option<&'static str>,
    kind: &'static str,
    #[serde(flatten)]
    paths: SourceAndTarget,
    size_bytes: u64,
    strategy: Option<&'static str>,
    mechanism: Option<&'static str>,
    evidence: Option<&'static str>,
    verified: bool,
    unverified_reason: Option<&'static str>,
    digest_algorithm: Option<&'static str>,
    digest: Option<String>,
    is_replaced_kept: bool,
    kept_as: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_as_bytes: Option<String>,
    error: Option<ErrorMember>,
}

/// The `audit_summary` object.
#[derive(Debug, Serialize)]
pub(crate) struct AuditSummaryLine {
    r#type: &'static str,
    job: i64,
    states: BTreeMap<&'static str, u64>,
    refused: u64,
}

/// The `audit_check` object.
#[derive(Debug, Serialize)]
pub(crate) struct AuditCheckLine {
    r#type: &'static str,
    schema: u32,
    job: i64,
    is_intact: bool,
    records: u64,
    digest: String,
    broken_record: Option<u64>,
    message: Option<String>,
}

impl AuditItemLine {
    pub(crate) fn new(record: &ItemRecord) -> Self {
        let report = record.report.as_ref();
        let (skip_reason, error) = match report.map(|report| &report.status) {
            Some(ItemStatus::Skipped(reason)) => (Some(reason.as_str()), None),
            Some(ItemStatus::Error(error)) => (None, Some(ErrorMember::new(error))),
            Some(ItemStatus::Ok | ItemStatus::Cancelled) | None => (None, None),
        };
        let digest = report.and_then(|report| report.digest.as_ref());
        let (kept_as, kept_as_bytes) = JsonPath::optional(kept_path(record).as_deref());
        Self {
            r#type: "audit_item",
            item: record.item.0,
            run: record.run,
            state: record.state.as_str(),
            is_superseded: record.is_superseded,
            skip_reason,
            kind: record.kind.as_str(),
            paths: SourceAndTarget::new(&record.source, &record.target),
            size_bytes: record.size_bytes,
            strategy: report.and_then(|it| it.strategy).map(|strategy| strategy.as_str()),
            mechanism: report.and_then(|it| it.mechanism).map(|mechanism| mechanism.as_str()),
            evidence: report.map(|report| report.evidence.as_str()),
            verified: report.is_some_and(|report| report.verified()),
            unverified_reason: report.and_then(|it| it.unverified).map(|reason| reason.as_str()),
            digest_algorithm: digest.map(|digest| digest.algorithm.as_str()),
            digest: digest.map(|digest| digest.to_hex()),
            is_replaced_kept: record.is_kept,
            kept_as,
            kept_as_bytes,
            error,
        }
    }
}

impl AuditSummaryLine {
    pub(crate) fn new(job: JobId, states: BTreeMap<&'static str, u64>, refused: u64) -> Self {
        Self { r#type: "audit_summary", job: job.0, states, refused }
    }
}

impl AuditCheckLine {
    pub(crate) fn new(job: JobId, check: &AuditCheck, damage: Option<&LedgerError>) -> Self {
        let broken = check.broken.map(|broken| broken.to_string());
        Self {
            r#type: "audit_check",
            schema: SCHEMA,
            job: job.0,
            is_intact: check.broken.is_none() && damage.is_none(),
            records: check.records,
            digest: check.digest.clone(),
            broken_record: check.broken.and_then(record_of),
            message: broken.or_else(|| damage.map(LedgerError::to_string)),
        }
    }
}

fn record_of(broken: AuditBreak) -> Option<u64> {
    match broken {
        AuditBreak::Altered { record }
        | AuditBreak::Missing { record }
        | AuditBreak::Added { record } => Some(record),
        // The log fits.
        AuditBreak::End { .. } | AuditBreak::Ends { .. } => None,
    }
}
