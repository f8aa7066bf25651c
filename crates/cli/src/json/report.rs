//! `report`: the last object, with the sums.

use std::collections::BTreeMap;

use serde::Serialize;
use surecopy::{Evidence, Outcome, Report};

use super::item::TimesMember;
use super::path::JsonPath;
use crate::exit::ExitStatus;

/// The `report` object.
#[derive(Debug, Serialize)]
pub(super) struct ReportLine {
    r#type: &'static str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    journal_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<LostMember>,
    exit_code: u8,
    duration_seconds: f64,
    items: ItemsMember,
    bytes: BytesMember,
    evidence: BTreeMap<&'static str, u64>,
    verified: u64,
    unverified: BTreeMap<&'static str, u64>,
    size_classes: ClassesMember,
    source_bytes_read: u64,
    source_bytes_saved: u64,
    retries: u64,
    mapped_fallbacks: u64,
    warnings: u64,
    items_with_metadata_warnings: u64,
    metadata_incomplete: u64,
    directories_incomplete: u64,
    problems: u64,
    times: TimesMember,
    planned: PlannedMember,
    corrected: CorrectedMember,
}

/// The end at which the file system was lost.
#[derive(Debug, Serialize)]
struct LostMember {
    end: &'static str,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
    error: String,
}

impl LostMember {
    fn of(outcome: &Outcome) -> Option<Self> {
        let Outcome::Lost(lost) = outcome else { return None };
        let JsonPath { text, bytes } = JsonPath::new(&lost.root);
        Some(Self {
            end: lost.side.as_str(),
            path: text,
            path_bytes: bytes,
            error: lost.message.clone(),
        })
    }
}

#[derive(Debug, Serialize)]
struct ItemsMember {
    ok: u64,
    skipped: u64,
    cancelled: u64,
    failed: u64,
    mismatched: u64,
}

#[derive(Debug, Serialize)]
struct BytesMember {
    copied: u64,
    ok: u64,
    failed: u64,
}

#[derive(Debug, Serialize)]
struct ClassesMember {
    small: u64,
    medium: u64,
    large: u64,
}

#[derive(Debug, Serialize)]
struct CorrectedMember {
    grew: u64,
    shrank: u64,
    vanished: u64,
    replaced: u64,
}

#[derive(Debug, Serialize)]
struct PlannedMember {
    items: u64,
    to_copy: u64,
    to_replace: u64,
    to_skip: u64,
    bytes_to_copy: u64,
    to_compare: u64,
    bytes_to_compare: u64,
    kept: u64,
    bytes_kept: u64,
    kept_incomplete: u64,
}

impl ReportLine {
    pub(super) fn new(report: &Report, status: ExitStatus) -> Self {
        let tally = &report.tally;
        let planned = report.planned;
        let [small, medium, large] = tally.by_size_class;
        Self {
            r#type: "report",
            outcome: outcome(&report.outcome),
            journal_error: match &report.outcome {
                Outcome::JournalFailed(message) => Some(message.clone()),
                _ => None,
            },
            lost: LostMember::of(&report.outcome),
            exit_code: status.code(),
            duration_seconds: report.duration.as_secs_f64(),
            items: ItemsMember {
                ok: tally.ok,
                skipped: tally.skipped,
                cancelled: tally.cancelled,
                failed: tally.failed,
                mismatched: tally.mismatched,
            },
            bytes: BytesMember {
                copied: tally.bytes_copied,
                ok: tally.bytes_ok,
                failed: tally.bytes_failed,
            },
            evidence: Evidence::ALL
                .into_iter()
                .map(|evidence| (evidence.as_str(), tally.with_evidence(evidence)))
                .collect(),
            verified: tally.verified(),
            unverified: tally.unverified.iter().map(|(why, n)| (why.as_str(), *n)).collect(),
            size_classes: ClassesMember { small, medium, large },
            source_bytes_read: tally.source_bytes_read,
            source_bytes_saved: tally.source_bytes_saved,
            retries: tally.retries,
            mapped_fallbacks: tally.mapped_fallbacks,
            warnings: report.warnings,
            items_with_metadata_warnings: tally.with_metadata_warnings,
            metadata_incomplete: tally.metadata_incomplete,
            directories_incomplete: tally.unfinished_directories,
            problems: report.problems.len() as u64,
            times: TimesMember::new(&tally.times),
            planned: PlannedMember {
                items: planned.items,
                to_copy: planned.to_copy,
                to_replace: planned.to_replace,
                to_skip: planned.to_skip,
                bytes_to_copy: planned.bytes_to_copy,
                to_compare: planned.to_compare,
                bytes_to_compare: planned.bytes_to_compare,
                kept: planned.kept,
                bytes_kept: planned.bytes_kept,
                kept_incomplete: planned.kept_incomplete,
            },
            corrected: CorrectedMember {
                grew: report.corrected.grew,
                shrank: report.corrected.shrank,
                vanished: report.corrected.vanished,
                replaced: report.corrected.replaced,
            },
        }
    }
}

pub(super) fn outcome(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Finished => "finished",
        Outcome::Cancelled => "cancelled",
        Outcome::StoppedAtFailure => "stopped_at_failure",
        Outcome::Refused => "refused",
        Outcome::Planned => "planned",
        Outcome::JournalFailed(_) => "journal_failed",
        Outcome::Lost(_) => "lost",
    }
}
