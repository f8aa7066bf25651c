//! How bytes really moved, and what is remembered about what a pair of volumes can do.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;

/// How an item's content came to be at the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// The blocks are shared with the source (`FICLONE`).
    Clone,
    /// The kernel copied (`copy_file_range`).
    CopyFileRange,
    /// Read into memory and written out.
    ReadWrite,
    /// A second name for a file of the same job.
    HardLink,
    /// A symbolic link was made.
    Symlink,
}

impl Mechanism {
    /// Every mechanism.
    pub const ALL: [Mechanism; 5] = [
        Mechanism::Clone,
        Mechanism::CopyFileRange,
        Mechanism::ReadWrite,
        Mechanism::HardLink,
        Mechanism::Symlink,
    ];

    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            Mechanism::Clone => "clone",
            Mechanism::CopyFileRange => "copy_file_range",
            Mechanism::ReadWrite => "read_write",
            Mechanism::HardLink => "hard_link",
            Mechanism::Symlink => "symlink",
        }
    }

    /// Reads its stable text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the user says about sharing blocks with the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ReflinkMode {
    /// Share where the volume can.
    #[default]
    Auto,
    /// Share, or fail the item.
    Always,
    /// Make a second physical copy.
    Never,
}

impl ReflinkMode {
    /// Every mode.
    pub const ALL: [ReflinkMode; 3] = [ReflinkMode::Auto, ReflinkMode::Always, ReflinkMode::Never];

    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            ReflinkMode::Auto => "auto",
            ReflinkMode::Always => "always",
            ReflinkMode::Never => "never",
        }
    }

    /// Reads its stable text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

/// The volumes an item goes between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct VolumePair {
    /// Where it is read.
    pub(crate) source: u64,
    /// Where it is written.
    pub(crate) destination: u64,
}

/// What is known about one kernel mechanism between one pair of volumes.
///
/// ```text
/// Untried ── not supported ──▶ Unsupported     (for the rest of the run)
///    └────── worked ─────────▶ Works           (a later "not supported" is a real error)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Experience {
    /// Not tried yet.
    #[default]
    Untried,
    /// It has moved bytes.
    Works,
    /// It was refused before it ever worked.
    Unsupported,
}

/// What trying a mechanism showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trial {
    /// It moved the bytes.
    Worked,
    /// It said that it is not supported.
    Refused,
}

/// What to do after a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterTrial {
    /// The item has its content.
    Use,
    /// Take the next mechanism.
    FallBack,
    /// A mechanism that has worked for this pair refused: that is an error of this item.
    Fail,
}

impl Experience {
    /// The whole state machine: what is known next, and what to do now.
    pub(crate) fn after(self, trial: Trial) -> (Experience, AfterTrial) {
        match (self, trial) {
            (Experience::Untried | Experience::Works, Trial::Worked) => {
                (Experience::Works, AfterTrial::Use)
            }
            (Experience::Untried, Trial::Refused) => {
                (Experience::Unsupported, AfterTrial::FallBack)
            }
            (Experience::Works, Trial::Refused) => (Experience::Works, AfterTrial::Fail),
            // Two workers may try at once; the second learns what the first did.
            (Experience::Unsupported, Trial::Refused) => {
                (Experience::Unsupported, AfterTrial::FallBack)
            }
            (Experience::Unsupported, Trial::Worked) => (Experience::Works, AfterTrial::Use),
        }
    }
}

/// The experiences of one run, shared by its workers.
#[derive(Debug, Default)]
pub(crate) struct MechanismMemory {
    known: Mutex<HashMap<(VolumePair, Mechanism), Experience>>,
}

impl MechanismMemory {
    /// What is known.
    pub(crate) fn experience(&self, pair: VolumePair, mechanism: Mechanism) -> Experience {
        let known = self.known.lock().expect("no code panics while holding this lock");
        known.get(&(pair, mechanism)).copied().unwrap_or_default()
    }

    /// Takes note of a trial and says what to do.
    pub(crate) fn record(
        &self,
        pair: VolumePair,
        mechanism: Mechanism,
        trial: Trial,
    ) -> AfterTrial {
        let mut known = self.known.lock().expect("no code panics while holding this lock");
        let experience = known.entry((pair, mechanism)).or_default();
        let (next, action) = experience.after(trial);
        *experience = next;
        action
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transition() {
        use AfterTrial::{Fail, FallBack, Use};
        use Experience::{Unsupported, Untried, Works};
        use Trial::{Refused, Worked};
        let rows = [
            (Untried, Worked, Works, Use),
            (Untried, Refused, Unsupported, FallBack),
            (Works, Worked, Works, Use),
            (Works, Refused, Works, Fail),
            (Unsupported, Worked, Works, Use),
            (Unsupported, Refused, Unsupported, FallBack),
        ];
        for (state, trial, next, action) in rows {
            assert_eq!(state.after(trial), (next, action), "{state:?} {trial:?}");
        }
    }

    #[test]
    fn pairs_are_remembered_apart() {
        let memory = MechanismMemory::default();
        let one = VolumePair { source: 1, destination: 2 };
        let other = VolumePair { source: 2, destination: 1 };
        memory.record(one, Mechanism::Clone, Trial::Refused);
        assert_eq!(memory.experience(one, Mechanism::Clone), Experience::Unsupported);
        assert_eq!(memory.experience(other, Mechanism::Clone), Experience::Untried);
        assert_eq!(memory.experience(one, Mechanism::CopyFileRange), Experience::Untried);
    }
}
