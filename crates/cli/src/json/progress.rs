//! `phase`, `warning` and `problem`: what happens besides items.

use std::time::Duration;

use serde::Serialize;
use surecopy::preparation::HowFar;
use surecopy::{Phase, Problem, RelPath, Scope, Snapshot, Warning};

use super::item::ErrorMember;
use super::path::JsonPath;
use crate::hint::Occasion;

/// The `phase` object.
#[derive(Debug, Default, Serialize)]
pub(super) struct PhaseLine {
    r#type: &'static str,
    phase: &'static str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_entries: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    directories: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    directories_known: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_left: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_seconds: Option<f64>,
}

/// The `warning` object.
#[derive(Debug, Serialize)]
pub(super) struct WarningLine {
    r#type: &'static str,
    kind: &'static str,
    message: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
}

/// The `problem` object.
#[derive(Debug, Serialize)]
pub(super) struct ProblemLine {
    r#type: &'static str,
    scope: &'static str,
    error: ErrorMember,
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_bytes: Option<String>,
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_bytes: Option<String>,
    size_bytes: u64,
}

impl PhaseLine {
    fn of(phase: Phase, state: &'static str) -> Self {
        Self { r#type: "phase", phase: phase.as_str(), state, ..Self::default() }
    }

    pub(super) fn started(phase: Phase, share: f64) -> Self {
        Self { share: share_of(phase, share), ..Self::of(phase, "started") }
    }

    /// How far a phase of the preparation is.
    pub(super) fn progress(phase: Phase, snapshot: &Snapshot, how_far: HowFar) -> Self {
        let (path, path_bytes) =
            JsonPath::optional(snapshot.directory.as_ref().map(RelPath::as_path));
        Self {
            entries: Some(snapshot.items_total),
            bytes: Some(snapshot.bytes_total),
            expected_entries: snapshot.expected.map(|expected| expected.items),
            expected_bytes: snapshot.expected.map(|expected| expected.bytes),
            directories: Some(snapshot.directories_done),
            directories_known: Some(snapshot.directories_total),
            path,
            path_bytes,
            share: share_of(phase, how_far.share),
            seconds_left: how_far.time_left.map(|left| left.as_secs_f64()),
            ..Self::of(phase, "progress")
        }
    }

    pub(super) fn finished(
        phase: Phase,
        (entries, bytes): (u64, u64),
        duration: Duration,
        share: f64,
    ) -> Self {
        Self {
            entries: Some(entries),
            bytes: Some(bytes),
            share: share_of(phase, share),
            duration_seconds: Some(duration.as_secs_f64()),
            ..Self::of(phase, "finished")
        }
    }
}

/// How far the preparation is, which says nothing in other phases.
fn share_of(phase: Phase, share: f64) -> Option<f64> {
    (phase.is_preparation() || phase == Phase::Ready).then_some(share)
}

impl WarningLine {
    pub(super) fn new(warning: &Warning) -> Self {
        let path = JsonPath::new(&warning.path);
        Self {
            r#type: "warning",
            kind: warning.kind.as_str(),
            message: warning.message.clone(),
            path: path.text,
            path_bytes: path.bytes,
        }
    }
}

impl ProblemLine {
    pub(super) fn new(problem: &Problem, occasion: Occasion) -> Self {
        let (source, source_bytes) = JsonPath::optional(problem.source.as_deref());
        let (target, target_bytes) = JsonPath::optional(problem.target.as_deref());
        Self {
            r#type: "problem",
            scope: match problem.scope {
                Scope::Job => "job",
                Scope::Item => "item",
            },
            error: ErrorMember::of(problem, occasion),
            source,
            source_bytes,
            target,
            target_bytes,
            size_bytes: problem.size_bytes,
        }
    }
}
