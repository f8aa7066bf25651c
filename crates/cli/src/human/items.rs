//! One line for what goes where, and one for each item (`-v`).

use std::fmt::Write as _;
use std::path::Path;

use surecopy::{
    Action, Digest, Evidence, ItemError, ItemKind, ItemReport, ItemStatus, Mapping, PlannedItem,
    Undone, Warning, WarningKind,
};

use super::failures::fragment;
use crate::amounts::{Bytes, Span};
use crate::shown::{Plain, Shown};

/// What one source becomes.
pub(crate) fn mapping_line(mapping: &Mapping) -> String {
    format!("{} -> {}", Shown(&mapping.source_path()), Shown(&mapping.target_path()))
}

/// Status, way, evidence and path of an item that has ended.
pub(super) fn item_line(item: &ItemReport) -> String {
    let status = match &item.status {
        ItemStatus::Ok => "copied",
        ItemStatus::Skipped(_) => "skipped",
        ItemStatus::Cancelled => "cancelled",
        ItemStatus::Error(_) => "failed",
    };
    let way = match (&item.status, item.strategy, item.mechanism) {
        (ItemStatus::Skipped(reason), ..) => reason.as_str().to_owned(),
        (_, Some(strategy), Some(mechanism)) => format!("{strategy}/{mechanism}"),
        (_, Some(strategy), None) => strategy.to_string(),
        (_, None, Some(mechanism)) => mechanism.to_string(),
        (_, None, None) => item.kind.as_str().to_owned(),
    };
    let evidence = item.evidence.as_str();
    let mut line = format!("{status:<9} {way:<22} {evidence:<6} {}", Shown(&item.target));
    if let ItemStatus::Error(error) = &item.status {
        write!(line, ": {}", fragment(error)).expect("writing to a string does not fail");
    }
    line
}

/// How a copied item was undone.
pub(super) fn undone_line(target: &Path, how: Undone) -> String {
    let how = match how {
        Undone::Restored => "restored",
        Undone::Removed => "removed",
        Undone::Already => "gone already",
    };
    format!("{how:<13} {}", Shown(target))
}

/// A copied item that nothing speaks against, and how it was read; without evidence, it was not.
pub(super) fn same_line(target: &Path, evidence: Option<Evidence>) -> String {
    let (same, evidence) = match evidence {
        Some(evidence) => ("same", evidence.as_str()),
        None => ("as old", "none"),
    };
    format!("{same:<9} {evidence:<6} {}", Shown(target))
}

/// A copied item that is not what was copied, and why.
pub(super) fn damaged_line(error: &ItemError) -> String {
    format!("{:<9} {:<6} {}: {}", "damaged", "", Shown(&error.path), fragment(error))
}

/// A digest beneath its item.
pub(super) fn digest_line(digest: &Digest) -> String {
    format!("          {} {}", digest.algorithm, digest.to_hex())
}

/// What would be done with an item.
pub(super) fn planned_line(item: &PlannedItem, target: &Path) -> String {
    let action = match item.action {
        Action::Create => "create",
        Action::Merge => "merge",
        Action::Replace(_) => "replace",
        Action::ReplaceIfContentDiffers(_) => "compare",
        Action::Skip(_) => "skip",
    };
    let way = match (item.action, item.strategy) {
        (Action::Skip(reason), _) => reason.as_str(),
        (_, Some(strategy)) if item.kind == ItemKind::File => strategy.as_str(),
        _ => item.kind.as_str(),
    };
    let size = match item.kind {
        ItemKind::File => Bytes(item.source.size_bytes).to_string(),
        _ => String::new(),
    };
    format!("{action:<8} {way:<9} {size:>10}  {}", Shown(target))
}

/// The rest of what is known of an item (`-vv`), as lines beneath it.
pub(super) fn item_details(item: &ItemReport) -> Vec<String> {
    let mut lines = Vec::new();
    let total = item.times.total();
    if item.status == ItemStatus::Ok && !total.is_zero() {
        let times = &item.times;
        lines.push(format!(
            "          {} in {} (copy {}, verify {})",
            Bytes(item.size_bytes),
            Span(total),
            Span(times.copy),
            Span(times.verify)
        ));
    }
    if let Some(digest) = &item.digest {
        lines.push(digest_line(digest));
    }
    for error in &item.retries {
        lines.push(format!("          begun again: {}", fragment(error)));
    }
    lines
}

/// A warning, as talk.
pub(crate) fn warning_line(warning: &Warning) -> String {
    match warning.kind {
        // What is said of an index names it.
        WarningKind::Index => Plain(&warning.message).to_string(),
        _ => format!("{}: {}", Shown(&warning.path), Plain(&warning.message)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use surecopy::{ErrorCode, Evidence, ItemError, Mechanism, SkipReason, Strategy};

    use super::*;

    fn item() -> ItemReport {
        let mut item =
            ItemReport::new(ItemKind::File, PathBuf::from("a"), PathBuf::from("to/a b"), 3);
        item.strategy = Some(Strategy::Direct);
        item.mechanism = Some(Mechanism::CopyFileRange);
        item.evidence = Evidence::Device;
        item
    }

    #[test]
    fn a_line_says_how_and_how_well() {
        let line = item_line(&item());
        assert_eq!(line, "copied    direct/copy_file_range device \"to/a b\"");
    }

    #[test]
    fn skips_and_failures_say_why() {
        let mut skipped = item();
        skipped.status = ItemStatus::Skipped(SkipReason::Identical);
        skipped.evidence = Evidence::None;
        assert_eq!(item_line(&skipped), "skipped   identical              none   \"to/a b\"");
        let mut failed = skipped;
        let error = ItemError::new(ErrorCode::DestinationFull, PathBuf::from("x"), "write: full");
        failed.status = ItemStatus::Error(error);
        let line = item_line(&failed);
        assert!(line.starts_with("failed ") && line.ends_with(": write: full (DESTINATION_FULL)"));
    }
}
