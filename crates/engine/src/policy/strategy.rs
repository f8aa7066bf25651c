//! Which of the two ways a file is copied.

use std::fmt;

use surecopy_fs::VolumeKind;

/// How a file's bytes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// Kernel-assisted: clone, else a copy inside the kernel, else reads and writes.
    Direct,
    /// Read once in chunks, digested in the same pass, written to every destination.
    Staged,
}

/// What the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum StrategyChoice {
    /// The table decides.
    #[default]
    Auto,
    /// Always [`Strategy::Direct`].
    Direct,
    /// Always [`Strategy::Staged`].
    Staged,
}

impl StrategyChoice {
    /// Every choice.
    pub const ALL: [StrategyChoice; 3] =
        [StrategyChoice::Auto, StrategyChoice::Direct, StrategyChoice::Staged];

    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            StrategyChoice::Auto => "auto",
            StrategyChoice::Direct => "direct",
            StrategyChoice::Staged => "staged",
        }
    }

    /// Reads its stable text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

/// What the choice depends on, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StrategyFacts {
    /// Size of the file in bytes.
    pub(crate) size_bytes: u64,
    /// Where the source is.
    pub(crate) source: VolumeKind,
    /// Where the destination is.
    pub(crate) destination: VolumeKind,
    /// How many destinations the one source feeds.
    pub(crate) destinations: usize,
}

impl Strategy {
    /// Both.
    pub const ALL: [Strategy; 2] = [Strategy::Direct, Strategy::Staged];

    /// Chooses the strategy for one file: DIRECT only between local volumes, to one destination,
    /// below the threshold.
    pub(crate) fn choose(
        facts: StrategyFacts,
        choice: StrategyChoice,
        threshold_bytes: u64,
    ) -> Strategy {
        match choice {
            StrategyChoice::Direct if facts.destinations <= 1 => return Strategy::Direct,
            StrategyChoice::Staged => return Strategy::Staged,
            StrategyChoice::Direct | StrategyChoice::Auto => {}
        }
        match (facts.source, facts.destination) {
            _ if facts.destinations > 1 => Strategy::Staged,
            (VolumeKind::Network, _) | (_, VolumeKind::Network) => Strategy::Staged,
            (VolumeKind::Local, VolumeKind::Local) if facts.size_bytes < threshold_bytes => {
                Strategy::Direct
            }
            (VolumeKind::Local, VolumeKind::Local) => Strategy::Staged,
        }
    }

    /// Stable text, as in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Strategy::Direct => "direct",
            Strategy::Staged => "staged",
        }
    }

    /// Reads its stable text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Strategy::{Direct, Staged};
    use VolumeKind::{Local, Network};

    const THRESHOLD: u64 = 2 << 30;

    #[test]
    fn every_row_of_the_table() {
        let rows = [
            // source, destination, destinations, size, strategy
            (Local, Local, 1, 0, Direct),
            (Local, Local, 1, THRESHOLD - 1, Direct),
            (Local, Local, 1, THRESHOLD, Staged),
            (Local, Local, 1, u64::MAX, Staged),
            (Network, Local, 1, 0, Staged),
            (Local, Network, 1, 0, Staged),
            (Network, Network, 1, 0, Staged),
            (Network, Local, 1, THRESHOLD, Staged),
            (Local, Network, 1, THRESHOLD, Staged),
            (Local, Local, 2, 0, Staged),
            (Local, Local, 2, THRESHOLD, Staged),
            (Network, Network, 3, 1, Staged),
        ];
        for (source, destination, destinations, size_bytes, expected) in rows {
            let facts = StrategyFacts { size_bytes, source, destination, destinations };
            let got = Strategy::choose(facts, StrategyChoice::Auto, THRESHOLD);
            assert_eq!(got, expected, "{facts:?}");
        }
    }

    #[test]
    fn the_user_overrides_the_table_but_not_the_number_of_destinations() {
        let mut facts = StrategyFacts {
            size_bytes: THRESHOLD,
            source: Network,
            destination: Local,
            destinations: 1,
        };
        assert_eq!(Strategy::choose(facts, StrategyChoice::Direct, THRESHOLD), Direct);
        facts.destinations = 2;
        assert_eq!(Strategy::choose(facts, StrategyChoice::Direct, THRESHOLD), Staged);
        facts = StrategyFacts { size_bytes: 0, source: Local, destination: Local, destinations: 1 };
        assert_eq!(Strategy::choose(facts, StrategyChoice::Staged, THRESHOLD), Staged);
    }
}
