//! `preparation`, `validated` and `prepare_report`: what there is, without anything being done with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use surecopy::Outcome;
use surecopy::preparation::{Estimated, PrepareMode, Prepared, PreparedSource};

use super::item::ErrorMember;
use super::job::SCHEMA;
use super::path::JsonPath;
use crate::exit::ExitStatus;
use crate::hint::Occasion;

/// The `preparation` object.
#[derive(Debug, Serialize)]
pub(crate) struct PreparationLine {
    r#type: &'static str,
    schema: u32,
    version: &'static str,
    started: String,
    sources: Vec<PathMember>,
    mode: &'static str,
    index: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index_bytes: Option<String>,
}

impl PreparationLine {
    pub(crate) fn new(sources: &[PathBuf], index: Option<&Path>, mode: PrepareMode) -> Self {
        let (index, index_bytes) = JsonPath::optional(index);
        Self {
            r#type: "preparation",
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            started: jiff::Timestamp::now().to_string(),
            sources: sources.iter().map(|path| PathMember::new(path)).collect(),
            mode: mode.as_str(),
            index,
            index_bytes,
        }
    }
}

/// The `validated` object.
#[derive(Debug, Serialize)]
pub(super) struct ValidatedLine {
    r#type: &'static str,
    fresh: u64,
    stale: u64,
    gone: u64,
    confidence: &'static str,
}

impl ValidatedLine {
    pub(super) fn new((fresh, stale, gone): (u64, u64, u64), confidence: &'static str) -> Self {
        Self { r#type: "validated", fresh, stale, gone, confidence }
    }
}

/// The `prepare_report` object.
#[derive(Debug, Serialize)]
pub(super) struct PrepareReportLine {
    r#type: &'static str,
    outcome: &'static str,
    exit_code: u8,
    duration_seconds: f64,
    files: u64,
    bytes: u64,
    directories: u64,
    others: u64,
    is_exact: bool,
    estimate: Option<EstimateMember>,
    unknown_sources: u64,
    fresh_directories: u64,
    stale_directories: u64,
    gone_directories: u64,
    listed_directories: u64,
    confidence: Option<&'static str>,
    phase_seconds: BTreeMap<&'static str, f64>,
    sources: Vec<SourceMember>,
    warnings: u64,
    problems: u64,
    errors: Vec<ErrorMember>,
}

#[derive(Debug, Serialize)]
struct EstimateMember {
    files: u64,
    bytes: u64,
    directories: u64,
    others: u64,
    unknown_directories: u64,
}

/// A path by itself.
#[derive(Debug, Serialize)]
pub(super) struct PathMember {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
}

#[derive(Debug, Serialize)]
struct SourceMember {
    #[serde(flatten)]
    path: PathMember,
    location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location_bytes: Option<String>,
    stale: Vec<PathMember>,
    fresh: Vec<PathMember>,
    has_more: bool,
}

impl PathMember {
    pub(super) fn new(path: &Path) -> Self {
        let JsonPath { text, bytes } = JsonPath::new(path);
        Self { path: text, path_bytes: bytes }
    }
}

impl SourceMember {
    fn new(source: &PreparedSource) -> Self {
        let (location, location_bytes) = JsonPath::optional(source.location.as_deref());
        let found = source.subtrees.clone().unwrap_or_default();
        let members = |paths: &[surecopy::RelPath]| -> Vec<PathMember> {
            paths.iter().map(|path| PathMember::new(path.as_path())).collect()
        };
        Self {
            path: PathMember::new(&source.path),
            location,
            location_bytes,
            stale: members(&found.stale),
            fresh: members(&found.fresh),
            has_more: found.has_more,
        }
    }
}

impl PrepareReportLine {
    pub(super) fn new(prepared: &Prepared, status: ExitStatus) -> Self {
        let seconds = prepared.phases.iter();
        Self {
            r#type: "prepare_report",
            outcome: if prepared.outcome == Outcome::Cancelled { "cancelled" } else { "finished" },
            exit_code: status.code(),
            duration_seconds: prepared.duration.as_secs_f64(),
            files: prepared.files,
            bytes: prepared.bytes,
            directories: prepared.directories,
            others: prepared.others,
            is_exact: prepared.is_exact,
            estimate: prepared.estimate.map(|estimate| {
                let Estimated { files, bytes, directories, others, unknown_directories } = estimate;
                EstimateMember { files, bytes, directories, others, unknown_directories }
            }),
            unknown_sources: prepared.unknown_sources,
            fresh_directories: prepared.fresh_directories,
            stale_directories: prepared.stale_directories,
            gone_directories: prepared.gone_directories,
            listed_directories: prepared.listed_directories,
            confidence: prepared.confidence.map(|confidence| confidence.as_str()),
            phase_seconds: seconds
                .map(|(phase, duration)| (phase.as_str(), duration.as_secs_f64()))
                .collect(),
            sources: prepared.sources.iter().map(SourceMember::new).collect(),
            warnings: prepared.warnings,
            problems: prepared.problem_count,
            errors: prepared
                .problems
                .iter()
                .map(|error| ErrorMember::on(error, Occasion::Preparing))
                .collect(),
        }
    }
}
