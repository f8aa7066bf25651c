//! `plan`: what would be done with one item, in a dry run.

use std::path::Path;

use serde::Serialize;
use surecopy::{Action, PlannedItem, Strategy};

use super::path::SourceAndTarget;

/// The `plan` object.
#[derive(Debug, Serialize)]
pub(super) struct PlanLine {
    r#type: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    paths: SourceAndTarget,
    action: &'static str,
    skip_reason: Option<&'static str>,
    strategy: Option<&'static str>,
    size_bytes: u64,
}

impl PlanLine {
    pub(super) fn new(source: &Path, target: &Path, item: &PlannedItem) -> Self {
        let skip_reason = match item.action {
            Action::Skip(reason) => Some(reason.as_str()),
            Action::Create
            | Action::Merge
            | Action::Replace(_)
            | Action::ReplaceIfContentDiffers(_) => None,
        };
        Self {
            r#type: "plan",
            kind: item.kind.as_str(),
            paths: SourceAndTarget::new(source, target),
            action: item.action.as_str(),
            skip_reason,
            strategy: item.strategy.map(Strategy::as_str),
            size_bytes: item.source.size_bytes,
        }
    }
}
