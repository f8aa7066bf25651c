//! `plan`: what would be done with one item, in a dry run.

use std::path::Path;

use serde::Serialize;
use surecopy::{Action, PlannedItem, Strategy};

use super::path::JsonPath;

/// The `plan` object.
#[derive(Debug, Serialize)]
pub(super) struct PlanLine {
    r#type: &'static str,
    kind: &'static str,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_bytes: Option<String>,
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_bytes: Option<String>,
    action: &'static str,
    skip_reason: Option<&'static str>,
    strategy: Option<&'static str>,
    size_bytes: u64,
}

impl PlanLine {
    pub(super) fn new(source: &Path, target: &Path, item: &PlannedItem) -> Self {
        let (source, target) = (JsonPath::new(source), JsonPath::new(target));
        let skip_reason = match item.action {
            Action::Skip(reason) => Some(reason.as_str()),
            Action::Create | Action::Replace(_) | Action::ReplaceIfContentDiffers(_) => None,
        };
        Self {
            r#type: "plan",
            kind: item.kind.as_str(),
            source: source.text,
            source_bytes: source.bytes,
            target: target.text,
            target_bytes: target.bytes,
            action: item.action.as_str(),
            skip_reason,
            strategy: item.strategy.map(Strategy::as_str),
            size_bytes: item.source.size_bytes,
        }
    }
}
