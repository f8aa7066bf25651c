//! `phase`, `warning` and `problem`: what happens besides items.

use std::time::Duration;

use serde::Serialize;
use surecopy::{Phase, Problem, Scope, Warning};

use super::item::ErrorMember;
use super::path::JsonPath;
use crate::hint::Occasion;

/// The `phase` object.
#[derive(Debug, Serialize)]
pub(super) struct PhaseLine {
    r#type: &'static str,
    phase: &'static str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
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
    pub(super) fn started(phase: Phase) -> Self {
        Self {
            r#type: "phase",
            phase: phase.as_str(),
            state: "started",
            entries: None,
            bytes: None,
            duration_seconds: None,
        }
    }

    pub(super) fn finished(phase: Phase, entries: u64, bytes: u64, duration: Duration) -> Self {
        Self {
            state: "finished",
            entries: Some(entries),
            bytes: Some(bytes),
            duration_seconds: Some(duration.as_secs_f64()),
            ..Self::started(phase)
        }
    }
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
