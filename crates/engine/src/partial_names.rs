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
    nonce_of_partial(name) == Some(nonce)
}

/// The number of the run that made a partial file of this name; `None` when none did, be the name
/// ever so similar.
pub(crate) fn nonce_of_partial(name: &OsStr) -> Option<u64> {
    let digits = name.to_str()?.strip_prefix(PREFIX)?.strip_suffix(PARTIAL)?;
    let (nonce, counter) = digits.split_once('-')?;
    let is_hex = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_ours = is_hex(nonce, NONCE_DIGITS) && is_hex(counter, COUNTER_DIGITS);
    is_ours.then(|| u64::from_str_radix(nonce, 16).ok()).flatten()
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

    #[test]
    fn only_names_of_exactly_that_form_are_told_from_others() {
        let nonce = 0x0123_4567_89ab_cdef;
        let names = PartialNames::new(nonce);
        assert_eq!(nonce_of_partial(&names.partial()), Some(nonce));
        assert!(is_partial_of(nonce, &names.partial()) && !is_partial_of(7, &names.partial()));
        for other in [
            names.backup().to_str().expect("it is"),
            ".surecopy-0123456789abcdef-0000000000.partial~",
            ".surecopy-0123456789abcdef-0000000000.PARTIAL",
            ".surecopy-0123456789ABCDEF-0000000000.partial",
            ".surecopy-0123456789abcdef-00000000AA.partial",
            ".surecopy-0123456789abcde-0000000000.partial",
            ".surecopy-0123456789abcdef0-0000000000.partial",
            ".surecopy-0123456789abcdef-000000000.partial",
            ".surecopy-0123456789abcdef-00000000000.partial",
            ".surecopy-0123456789abcdeg-0000000000.partial",
            ".surecopy-+123456789abcdef-0000000000.partial",
            ".surecopy-0123456789abcdef_0000000000.partial",
            "surecopy-0123456789abcdef-0000000000.partial",
            ".surecopy-0123456789abcdef-0000000000",
            "",
        ] {
            assert_eq!(nonce_of_partial(OsStr::new(other)), None, "{other}");
        }
    }
}
