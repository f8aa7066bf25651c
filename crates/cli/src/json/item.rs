//! `item`: everything about one item, when it has ended.

use serde::Serialize;
use surecopy::{ItemError, ItemReport, ItemStatus, ItemTimes, LossCause, Problem};

use super::path::{JsonPath, SourceAndTarget};
use crate::hint::{self, Occasion};

/// The `item` object.
#[derive(Debug, Serialize)]
pub(super) struct ItemLine {
    r#type: &'static str,
    status: &'static str,
    skip_reason: Option<&'static str>,
    kind: &'static str,
    #[serde(flatten)]
    paths: SourceAndTarget,
    strategy: Option<&'static str>,
    mechanism: Option<&'static str>,
    size_bytes: u64,
    bytes_copied: u64,
    source_bytes_read: u64,
    duration_seconds: f64,
    throughput_bytes_per_second: Option<f64>,
    policy: &'static str,
    evidence: &'static str,
    verified: bool,
    unverified_reason: Option<&'static str>,
    digest_algorithm: Option<&'static str>,
    digest: Option<String>,
    retries: Vec<ErrorMember>,
    partial: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partial_bytes: Option<String>,
    backup: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup_bytes: Option<String>,
    rollback_performed: bool,
    rollback_succeeded: bool,
    sparse_detected: bool,
    mapped_fallbacks: u64,
    metadata_warnings: Vec<LossMember>,
    times: TimesMember,
    error: Option<ErrorMember>,
}

/// What could not be kept.
#[derive(Debug, Serialize)]
struct LossMember {
    loss: &'static str,
    message: String,
    failed: bool,
}

/// Time by phase, in seconds.
#[derive(Debug, Serialize)]
pub(super) struct TimesMember {
    backup: f64,
    copy: f64,
    verify: f64,
    cleanup: f64,
}

/// An error, as it stands in `item`, in `retries` and in `problem`.
#[derive(Debug, Serialize)]
pub(super) struct ErrorMember {
    code: &'static str,
    class: &'static str,
    os_error: Option<i32>,
    message: String,
    details: Option<String>,
    suggestion: &'static str,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
}

impl ItemLine {
    pub(super) fn new(item: &ItemReport) -> Self {
        let (partial, partial_bytes) = JsonPath::optional(item.partial.as_deref());
        let (backup, backup_bytes) = JsonPath::optional(item.backup.as_deref());
        let (skip_reason, error) = match &item.status {
            ItemStatus::Ok | ItemStatus::Cancelled => (None, None),
            ItemStatus::Skipped(reason) => (Some(reason.as_str()), None),
            ItemStatus::Error(error) => (None, Some(ErrorMember::new(error))),
        };
        Self {
            r#type: "item",
            status: item.status.as_str(),
            skip_reason,
            kind: item.kind.as_str(),
            paths: SourceAndTarget::new(&item.source, &item.target),
            strategy: item.strategy.map(|strategy| strategy.as_str()),
            mechanism: item.mechanism.map(|mechanism| mechanism.as_str()),
            size_bytes: item.size_bytes,
            bytes_copied: item.bytes_copied,
            source_bytes_read: item.source_bytes_read,
            duration_seconds: item.times.total().as_secs_f64(),
            throughput_bytes_per_second: item.throughput_bytes_per_second(),
            policy: item.policy.as_str(),
            evidence: item.evidence.as_str(),
            verified: item.verified(),
            unverified_reason: item.unverified.map(|reason| reason.as_str()),
            digest_algorithm: item.digest.as_ref().map(|digest| digest.algorithm.as_str()),
            digest: item.digest.as_ref().map(|digest| digest.to_hex()),
            retries: item.retries.iter().map(ErrorMember::new).collect(),
            partial,
            partial_bytes,
            backup,
            backup_bytes,
            rollback_performed: item.rollback_performed,
            rollback_succeeded: item.rollback_succeeded,
            sparse_detected: item.sparse_detected,
            mapped_fallbacks: item.mapped_fallbacks,
            metadata_warnings: losses(item),
            times: TimesMember::new(&item.times),
            error,
        }
    }
}

fn losses(item: &ItemReport) -> Vec<LossMember> {
    item.metadata_warnings
        .iter()
        .map(|warning| LossMember {
            loss: warning.loss.as_str(),
            message: warning.message.clone(),
            failed: warning.cause == LossCause::Failed,
        })
        .collect()
}

impl TimesMember {
    pub(super) fn new(times: &ItemTimes) -> Self {
        Self {
            backup: times.backup.as_secs_f64(),
            copy: times.copy.as_secs_f64(),
            verify: times.verify.as_secs_f64(),
            cleanup: times.cleanup.as_secs_f64(),
        }
    }
}

impl ErrorMember {
    /// An error of a copy.
    pub(super) fn new(error: &ItemError) -> Self {
        Self::on(error, Occasion::Copying)
    }

    /// An error that came up then.
    pub(super) fn on(error: &ItemError, occasion: Occasion) -> Self {
        Self::with(error, hint::advice_on(error, occasion))
    }

    /// What stood in the way then.
    pub(super) fn of(problem: &Problem, occasion: Occasion) -> Self {
        Self::with(&problem.error, hint::advice_on_problem(problem, occasion))
    }

    fn with(error: &ItemError, suggestion: &'static str) -> Self {
        let path = JsonPath::new(&error.path);
        Self {
            code: error.code.as_str(),
            class: error.class().as_str(),
            os_error: error.os_error,
            message: error.message.clone(),
            details: error.details.clone(),
            suggestion,
            path: path.text,
            path_bytes: path.bytes,
        }
    }
}
