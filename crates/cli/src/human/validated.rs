//! How much of what the index has still holds, in words.

/// How many directories are as the index has them.
pub(crate) fn validated(fresh: u64, stale: u64, gone: u64, confidence: &str) -> String {
    let as_was = format!("{} as the index has them (confidence {confidence})", directories(fresh));
    match (stale, gone) {
        (0, 0) => format!("all {as_was}"),
        (stale, 0) => format!("{as_was}, {stale} changed, new or never listed"),
        (stale, gone) => format!("{as_was}, {stale} changed, new or never listed, {gone} gone"),
    }
}

/// A number of directories.
pub(crate) fn directories(count: u64) -> String {
    if count == 1 { "1 directory".to_owned() } else { format!("{count} directories") }
}
