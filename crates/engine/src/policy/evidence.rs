//! What counts as proof, which files need it, and how strongly it may be claimed.

use std::fmt;

/// Which files are verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum VerifyPolicy {
    /// No file.
    None,
    /// Files smaller than the verify threshold.
    #[default]
    LtThreshold,
    /// Every file.
    All,
}

impl VerifyPolicy {
    /// Every policy.
    pub const ALL: [VerifyPolicy; 3] =
        [VerifyPolicy::None, VerifyPolicy::LtThreshold, VerifyPolicy::All];

    /// Whether a file of this size is to be verified.
    pub fn covers(self, size_bytes: u64, threshold_bytes: u64) -> bool {
        match self {
            VerifyPolicy::None => false,
            VerifyPolicy::LtThreshold => size_bytes < threshold_bytes,
            VerifyPolicy::All => true,
        }
    }

    /// Stable text, as in settings and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            VerifyPolicy::None => "none",
            VerifyPolicy::LtThreshold => "lt_threshold",
            VerifyPolicy::All => "all",
        }
    }

    /// Reads a stored policy. One that cannot be read is treated as [`VerifyPolicy::All`]: doubt
    /// costs time, never proof.
    pub fn from_stored(text: &str) -> Self {
        match text {
            "none" => VerifyPolicy::None,
            "lt_threshold" => VerifyPolicy::LtThreshold,
            _ => VerifyPolicy::All,
        }
    }

    /// Reads its stable text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

/// How the destination is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ReadBack {
    /// Past the page cache where the volume can do that, else from the cache.
    #[default]
    Device,
    /// With ordinary reads, which may be served from memory.
    Cache,
    /// Not at all.
    None,
}

impl ReadBack {
    /// Every way.
    pub const ALL: [ReadBack; 3] = [ReadBack::Device, ReadBack::Cache, ReadBack::None];

    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            ReadBack::Device => "device",
            ReadBack::Cache => "cache",
            ReadBack::None => "none",
        }
    }

    /// Reads its stable text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

/// How a file was proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Evidence {
    /// Not verified.
    #[default]
    None,
    /// The source was digested while copying; the destination was not read. Proves nothing about
    /// the destination.
    Stream,
    /// The blocks are the source's own: nothing was written that could differ, and there is no
    /// second physical copy.
    Shared,
    /// The destination was read back, possibly from memory.
    Cache,
    /// The destination was flushed and then read back past the page cache.
    Device,
}

impl Evidence {
    /// Every level.
    pub const ALL: [Evidence; 5] =
        [Evidence::None, Evidence::Stream, Evidence::Shared, Evidence::Cache, Evidence::Device];

    /// Whether the file may be called verified: its bytes at the destination were read.
    pub fn is_verified(self) -> bool {
        match self {
            Evidence::Cache | Evidence::Device => true,
            Evidence::None | Evidence::Stream | Evidence::Shared => false,
        }
    }

    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            Evidence::None => "none",
            Evidence::Stream => "stream",
            Evidence::Shared => "shared",
            Evidence::Cache => "cache",
            Evidence::Device => "device",
        }
    }

    /// Reads its stable text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reading_the_destination_verifies() {
        let verified: Vec<_> = Evidence::ALL.into_iter().filter(|e| e.is_verified()).collect();
        assert_eq!(verified, [Evidence::Cache, Evidence::Device]);
    }

    #[test]
    fn the_threshold_is_exclusive() {
        assert!(VerifyPolicy::LtThreshold.covers(9, 10));
        assert!(!VerifyPolicy::LtThreshold.covers(10, 10));
        assert!(VerifyPolicy::All.covers(u64::MAX, 10));
        assert!(!VerifyPolicy::None.covers(0, 10));
    }

    #[test]
    fn an_unreadable_policy_means_all() {
        for policy in [VerifyPolicy::None, VerifyPolicy::LtThreshold, VerifyPolicy::All] {
            assert_eq!(VerifyPolicy::from_stored(policy.as_str()), policy);
        }
        assert_eq!(VerifyPolicy::from_stored("lt_treshold"), VerifyPolicy::All);
        assert_eq!(VerifyPolicy::from_stored(""), VerifyPolicy::All);
    }
}
