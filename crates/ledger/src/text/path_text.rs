//! Paths in JSON: readable where they can be, exact always. The same rule as in `--json`.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use surecopy_fs::RelPath;

use crate::error::{Fault, Result};

/// A path as two members: text, and the exact bytes in hexadecimal where the text cannot say them.
pub(crate) fn to_members(path: &Path) -> (Cow<'_, str>, Option<String>) {
    match path.to_str() {
        Some(text) => (Cow::Borrowed(text), None),
        None => (path.to_string_lossy(), Some(to_hex(path.as_os_str().as_encoded_bytes()))),
    }
}

/// Text in JSON.
pub(crate) type Text<'a> = Cow<'a, str>;

/// The bytes of a path, or of a part of one, as two members.
pub(crate) fn bytes_to_members(bytes: &[u8]) -> (Text<'_>, Option<String>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), None),
        Err(_) => (String::from_utf8_lossy(bytes).into_owned().into(), Some(to_hex(bytes))),
    }
}

/// The bytes that two members say.
pub(crate) fn bytes_from_members(text: &str, bytes: Option<&str>) -> Result<Vec<u8>> {
    let Some(bytes) = bytes else { return Ok(text.as_bytes().to_vec()) };
    from_hex(bytes).ok_or_else(|| Fault::content(format!("no bytes: {bytes:?}")))
}

/// The path that two members say.
pub(crate) fn from_members(text: &str, bytes: Option<&str>) -> Result<PathBuf> {
    from_bytes(bytes_from_members(text, bytes)?)
}

/// The path that these bytes spell.
pub(crate) fn from_bytes(bytes: Vec<u8>) -> Result<PathBuf> {
    let bytes = Some(bytes).filter(|bytes| !bytes.contains(&0));
    let path = bytes.and_then(surecopy_fs::path_from_bytes);
    path.ok_or_else(|| Fault::content("bytes that are no path"))
}

/// A name that stands in a directory: it leads nowhere else.
pub(crate) fn plain_name(name: OsString) -> Result<OsString> {
    RelPath::plain_name(name).ok_or_else(|| Fault::content("a name that is none"))
}

/// The path beneath a root that these bytes spell.
pub(crate) fn rel_from_bytes(bytes: Vec<u8>) -> Result<RelPath> {
    rel(&from_bytes(bytes)?)
}

/// The path beneath a root.
pub(crate) fn rel(path: &Path) -> Result<RelPath> {
    RelPath::new(path).map_err(|error| Fault::content(error.to_string()))
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// The bytes that lower-case hexadecimal says.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn every_path_is_the_same_after_it_was_written() {
        for bytes in [&b"plain"[..], "gr\u{fc}n\n".as_bytes(), b"a\xff/b", b"", b"\xff\xfe"] {
            let path = Path::new(OsStr::from_bytes(bytes));
            let (text, exact) = to_members(path);
            assert_eq!(exact.is_some(), std::str::from_utf8(bytes).is_err());
            assert_eq!(from_members(&text, exact.as_deref()).unwrap(), path);
        }
    }

    #[test]
    fn what_is_no_hexadecimal_is_refused() {
        for text in ["0", "0G", "AB", "é"] {
            assert_eq!(from_hex(text), None, "{text}");
        }
        assert_eq!(from_hex("00ff"), Some(vec![0, 255]));
    }
}
