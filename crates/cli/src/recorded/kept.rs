//! Where what an item replaced is.

use std::path::PathBuf;

use surecopy::jobs::ItemRecord;

/// The path of what an item replaced, where that is kept.
pub(crate) fn kept_path(item: &ItemRecord) -> Option<PathBuf> {
    let backup = item.report.as_ref().filter(|_| item.is_kept)?.backup.as_ref()?;
    // The report has the path as it was typed, the item has it whole.
    Some(item.target.with_file_name(backup.file_name()?))
}
