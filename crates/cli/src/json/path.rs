//! Paths in JSON: readable where they can be, exact always.

use std::path::Path;

use serde::Serialize;

/// A path as two members: text, and the exact bytes where the text cannot say them.
pub(super) struct JsonPath {
    /// The path; parts that are not UTF-8 are replaced by U+FFFD.
    pub(super) text: String,
    /// The exact bytes in hexadecimal; `None` when `text` is exact.
    pub(super) bytes: Option<String>,
}

impl JsonPath {
    pub(super) fn new(path: &Path) -> Self {
        match path.to_str() {
            Some(text) => Self { text: text.to_owned(), bytes: None },
            None => Self {
                text: path.to_string_lossy().into_owned(),
                bytes: Some(hex(path.as_os_str().as_encoded_bytes())),
            },
        }
    }

    pub(super) fn optional(path: Option<&Path>) -> (Option<String>, Option<String>) {
        path.map_or((None, None), |path| {
            let path = Self::new(path);
            (Some(path.text), path.bytes)
        })
    }
}

/// Where an item comes from and where it goes, as members of an object.
#[derive(Debug, Serialize)]
pub(super) struct SourceAndTarget {
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_bytes: Option<String>,
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_bytes: Option<String>,
}

impl SourceAndTarget {
    pub(super) fn new(source: &Path, target: &Path) -> Self {
        let (source, target) = (JsonPath::new(source), JsonPath::new(target));
        Self {
            source: source.text,
            source_bytes: source.bytes,
            target: target.text,
            target_bytes: target.bytes,
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn what_is_utf8_is_exact_as_text() {
        let path = JsonPath::new(Path::new("grün\n"));
        assert_eq!((path.text.as_str(), path.bytes), ("grün\n", None));
    }

    #[test]
    fn what_is_not_utf8_comes_with_its_bytes() {
        let path = JsonPath::new(Path::new(OsStr::from_bytes(b"a\xff\x00b")));
        assert_eq!(path.text, "a\u{fffd}\0b");
        assert_eq!(path.bytes.as_deref(), Some("61ff0062"));
    }
}
