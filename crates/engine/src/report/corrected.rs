//! What was remembered or planned of sources, and found to be otherwise.

use surecopy_fs::{FileKind, Metadata};

/// How many entries were not what was remembered of them. Counted in runs that are told what is
/// remembered of their sources; what is copied is what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Corrected {
    /// Files that have more bytes.
    pub grew: u64,
    /// Files that have fewer bytes.
    pub shrank: u64,
    /// Entries that are gone.
    pub vanished: u64,
    /// Entries that are of another kind, such as a file that has become a directory.
    pub replaced: u64,
}

impl Corrected {
    /// All of them.
    pub fn all(self) -> u64 {
        let Self { grew, shrank, vanished, replaced } = self;
        grew + shrank + vanished + replaced
    }

    /// Counts what is corrected of an entry, and says it in words; `None` when that is nothing of
    /// weight.
    pub(crate) fn correct(&mut self, remembered: &Metadata, now: &Metadata) -> Option<String> {
        if remembered.kind != now.kind {
            self.replaced += 1;
            return Some("it is of another kind than was remembered".to_owned());
        }
        if now.kind != FileKind::File {
            return None;
        }
        self.resize(remembered.size, now.size)
    }

    /// The same for a file of which only the size is known.
    pub(crate) fn resize(&mut self, remembered: u64, now: u64) -> Option<String> {
        match now.cmp(&remembered) {
            std::cmp::Ordering::Equal => return None,
            std::cmp::Ordering::Greater => self.grew += 1,
            std::cmp::Ordering::Less => self.shrank += 1,
        }
        Some(format!("the file has {now} bytes; {remembered} were remembered"))
    }

    /// Takes in what was corrected elsewhere.
    pub(crate) fn add(&mut self, other: Self) {
        let Self { grew, shrank, vanished, replaced } = other;
        self.grew += grew;
        self.shrank += shrank;
        self.vanished += vanished;
        self.replaced += replaced;
    }
}
