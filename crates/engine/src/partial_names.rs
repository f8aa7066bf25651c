//! Names for partial files and backups: recognisable, of one fixed length, never used twice.

use std::ffi::{OsStr, OsString};
use std::sync::atomic::{AtomicU64, Ordering};

const PREFIX: &str = ".surecopy-";
const PARTIAL: &str = ".partial";
const BACKUP: &str = ".backup";
const NONCE_DIGITS: usize = 16;
const COUNTER_DIGITS: usize = 10;

/// The names of one run.
#[derive(Debug)]
pub(crate) struct PartialNames {
    nonce: u64,
    next: AtomicU64,
}

impl PartialNames {
    /// Names that carry this run's nonce.
    pub(crate) fn new(nonce: u64) -> Self {
        Self { nonce, next: AtomicU64::new(0) }
    }

    /// A name for a partial file.
    pub(crate) fn partial(&self) -> OsString {
        self.next_name(PARTIAL)
    }

    /// A name for a backup.
    pub(crate) fn backup(&self) -> OsString {
        self.next_name(BACKUP)
    }

    fn next_name(&self, suffix: &str) -> OsString {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{PREFIX}{:0NONCE_DIGITS$x}-{number:0COUNTER_DIGITS$x}{suffix}", self.nonce).into()
    }
}

/// Whether this is the name of a partial file of the run with this number.
pub(crate) fn is_partial_of(nonce: u64, name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    name.strip_prefix(&format!("{PREFIX}{nonce:0NONCE_DIGITS$x}-"))
        .and_then(|rest| rest.strip_suffix(PARTIAL))
        .is_some_and(|digits| {
            digits.len() == COUNTER_DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_have_one_length() {
        let names = PartialNames::new(7);
        let (first, second) = (names.partial(), names.partial());
        assert_ne!(first, second);
        assert_eq!(first.len(), second.len());
        assert_eq!(first, ".surecopy-0000000000000007-0000000000.partial");
        assert_eq!(names.backup().len(), first.len() - 1);
    }
}
