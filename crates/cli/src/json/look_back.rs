//! `verify_report`, `undo_report` and `discard_report`: the last object of what looks back at a job.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use surecopy::jobs::{DiscardReport, RecheckReport, UndoReport};
use surecopy::{Evidence, Outcome, Problem};

use super::item::ErrorMember;
use super::report::outcome;
use crate::exit::ExitStatus;
use crate::hint::Occasion;

/// How a run ended, in every one of them.
#[derive(Debug, Serialize)]
struct EndMembers {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    journal_error: Option<String>,
    exit_code: u8,
    duration_seconds: f64,
    problems: Vec<ErrorMember>,
}

/// The `verify_report` object.
#[derive(Debug, Serialize)]
pub(super) struct VerifyReportLine {
    r#type: &'static str,
    #[serde(flatten)]
    end: EndMembers,
    same: u64,
    evidence: BTreeMap<&'static str, u64>,
    no_digest: u64,
    damaged: u64,
    not_copied: Option<u64>,
    bytes_verified: u64,
}

/// The `undo_report` object.
#[derive(Debug, Serialize)]
pub(super) struct UndoReportLine {
    r#type: &'static str,
    #[serde(flatten)]
    end: EndMembers,
    restored: u64,
    removed: u64,
    already: u64,
    refused: u64,
    failed: u64,
    directories_removed: u64,
    directories_left: u64,
    warnings: u64,
}

/// The `discard_report` object.
#[derive(Debug, Serialize)]
pub(super) struct DiscardReportLine {
    r#type: &'static str,
    #[serde(flatten)]
    end: EndMembers,
    discarded: u64,
    already: u64,
    refused: u64,
    failed: u64,
}

impl EndMembers {
    fn new(
        how: &Outcome,
        status: ExitStatus,
        duration: Duration,
        problems: Vec<ErrorMember>,
    ) -> Self {
        Self {
            outcome: outcome(how),
            journal_error: match how {
                Outcome::JournalFailed(message) => Some(message.clone()),
                _ => None,
            },
            exit_code: status.code(),
            duration_seconds: duration.as_secs_f64(),
            problems,
        }
    }
}

fn problems(problems: &[Problem], occasion: Occasion) -> Vec<ErrorMember> {
    problems.iter().map(|problem| ErrorMember::of(problem, occasion)).collect()
}

impl VerifyReportLine {
    pub(super) fn new(report: &RecheckReport, not_copied: Option<u64>, status: ExitStatus) -> Self {
        let ways = [Evidence::Device, Evidence::Cache];
        Self {
            r#type: "verify_report",
            end: EndMembers::new(
                &report.outcome,
                status,
                report.duration,
                problems(&report.problems, Occasion::Verifying),
            ),
            same: report.same(),
            evidence: ways.map(|way| (way.as_str(), report.with_evidence(way))).into(),
            no_digest: report.no_digest,
            damaged: report.damaged,
            not_copied,
            bytes_verified: report.bytes_verified,
        }
    }
}

impl UndoReportLine {
    pub(super) fn new(report: &UndoReport, status: ExitStatus) -> Self {
        Self {
            r#type: "undo_report",
            end: EndMembers::new(
                &report.outcome,
                status,
                report.duration,
                problems(&report.problems, Occasion::Undoing),
            ),
            restored: report.restored,
            removed: report.removed,
            already: report.already,
            refused: report.refused,
            failed: report.failed,
            directories_removed: report.directories_removed,
            directories_left: report.directories_left,
            warnings: report.warnings,
        }
    }
}

impl DiscardReportLine {
    pub(super) fn new(report: &DiscardReport, status: ExitStatus) -> Self {
        Self {
            r#type: "discard_report",
            end: EndMembers::new(
                &report.outcome,
                status,
                report.duration,
                problems(&report.problems, Occasion::Discarding),
            ),
            discarded: report.discarded,
            already: report.already,
            refused: report.refused,
            failed: report.failed,
        }
    }
}
