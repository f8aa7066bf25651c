//! What a directory looked like: all by which a change of what is in it can be seen.

use surecopy_fs::{Metadata, Timestamp};

/// What a directory looked like at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The number of its volume, if that is another than the one of its location's root; 0 otherwise,
    /// since the number of that one may change.
    pub volume: u64,
    /// Its number on the volume.
    pub file: u64,
    /// When a name in it was last added or removed, unless somebody has set it.
    pub modified: Timestamp,
    /// When that or anything else of it was last changed.
    pub changed: Timestamp,
    /// Its own size.
    pub size: u64,
    /// Its links, which on many file systems count the directories in it.
    pub link_count: u64,
}

impl Seen {
    /// As many bytes as it is kept in.
    pub(crate) const BYTES: usize = 56;

    /// What a directory looks like by its metadata; `root_volume` is the number of the volume that the
    /// root of its location is on.
    pub fn of(metadata: &Metadata, root_volume: u64) -> Self {
        let volume = metadata.id.volume;
        Self {
            volume: if volume == root_volume { 0 } else { volume },
            file: metadata.id.file,
            modified: metadata.modified,
            changed: metadata.changed,
            size: metadata.size,
            link_count: metadata.link_count,
        }
    }

    /// In a fixed order, big-endian.
    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let parts: [&[u8]; 8] = [
            &self.volume.to_be_bytes(),
            &self.file.to_be_bytes(),
            &self.modified.secs.to_be_bytes(),
            &self.modified.nanos.to_be_bytes(),
            &self.changed.secs.to_be_bytes(),
            &self.changed.nanos.to_be_bytes(),
            &self.size.to_be_bytes(),
            &self.link_count.to_be_bytes(),
        ];
        let mut at = 0;
        for part in parts {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        bytes
    }

    /// Takes back what [`to_bytes`](Self::to_bytes) gave.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::BYTES] = bytes.try_into().ok()?;
        let long = |at: usize| bytes[at..].first_chunk().map_or(0, |b| u64::from_be_bytes(*b));
        let time = |at: usize| {
            let nanos = bytes[at + 8..].first_chunk().map_or(0, |b| u32::from_be_bytes(*b));
            Timestamp { secs: long(at) as i64, nanos }
        };
        Some(Self {
            volume: long(0),
            file: long(8),
            modified: time(16),
            changed: time(28),
            size: long(40),
            link_count: long(48),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_it_comes_back() {
        let seen = Seen {
            volume: 1,
            file: u64::MAX,
            modified: Timestamp { secs: -5, nanos: 999_999_999 },
            changed: Timestamp { secs: i64::MAX, nanos: 1 },
            size: 1 << 40,
            link_count: 3,
        };
        assert_eq!(Seen::from_bytes(&seen.to_bytes()), Some(seen));
        assert_eq!(Seen::from_bytes(&[0; Seen::BYTES - 1]), None);
        assert_eq!(Seen::from_bytes(&[0; Seen::BYTES + 1]), None);
    }
}
