//! The names of partial files and backups of an item, which stand beside its target.
//!
//! They begin alike for all items of a run, and end alike: what is between tells them apart.

use crate::error::{Fault, Result};

/// How the names of partial files end.
pub(crate) const PARTIAL: &[u8] = b".partial";

/// How the names of backups end.
pub(crate) const BACKUP: &[u8] = b".backup";

/// What is written for a path: what its name has of its own, or the name where that does not begin
/// as others do, or the path where it does not stand beside the target.
pub(crate) fn write<'a>(
    path: &'a [u8],
    target: &[u8],
    names: Option<&str>,
    suffix: &[u8],
) -> &'a [u8] {
    let name = path.strip_prefix(directory(target)).unwrap_or(b"");
    let own = names
        .and_then(|names| name.strip_prefix(names.as_bytes()))
        .and_then(|rest| rest.strip_suffix(suffix));
    match own {
        Some(own) if !own.is_empty() && own[0] != b'.' && !own.contains(&b'/') => own,
        _ if name.first() == Some(&b'.') && !name.contains(&b'/') => name,
        _ => path,
    }
}

/// The path that was written.
pub(crate) fn read(
    text: &[u8],
    target: &[u8],
    names: Option<&str>,
    suffix: &[u8],
) -> Result<Vec<u8>> {
    if text.contains(&b'/') {
        return Ok(text.to_vec());
    }
    if text.first() == Some(&b'.') {
        return Ok([directory(target), text].concat());
    }
    let names = names.ok_or_else(|| Fault::content("a part of a name without the rest"))?;
    Ok([directory(target), names.as_bytes(), text, suffix].concat())
}

/// Whether a path has this name, beside the target.
pub(crate) fn is_beside(path: &[u8], target: &[u8], name: &[u8]) -> bool {
    path.strip_prefix(directory(target)) == Some(name)
}

/// What stands before the last name of a path.
fn directory(path: &[u8]) -> &[u8] {
    let length = path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    &path[..length]
}
