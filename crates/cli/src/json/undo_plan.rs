//! `undo_plan` and `undo_plan_report`: what undoing a job would come to, by what is recorded.

use std::path::Path;

use serde::Serialize;

use super::path::JsonPath;

/// The `undo_plan` object.
#[derive(Debug, Serialize)]
pub(crate) struct UndoPlanLine {
    r#type: &'static str,
    action: &'static str,
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_bytes: Option<String>,
}

/// The `undo_plan_report` object.
#[derive(Debug, Serialize)]
pub(crate) struct UndoPlanReportLine {
    pub(crate) r#type: &'static str,
    pub(crate) restore: u64,
    pub(crate) remove: u64,
    pub(crate) remove_if_empty: u64,
    pub(crate) discard: u64,
}

impl UndoPlanLine {
    pub(crate) fn new(action: &'static str, target: &Path) -> Self {
        let target = JsonPath::new(target);
        Self { r#type: "undo_plan", action, target: target.text, target_bytes: target.bytes }
    }
}
