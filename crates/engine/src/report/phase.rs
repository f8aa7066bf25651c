//! The phases of a run: one state machine, from what is remembered of the sources to directories' own
//! metadata. The three from [`Phase::QuickAssessment`] to [`Phase::ProgressiveScanning`] are its preparation;
//! [`Phase::Ready`] is the moment in which that has come to its end.

use super::event::{Event, Observer};
use super::progress::{Progress, Snapshot};
use crate::clock::Clock;

/// The phases of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Finishing or undoing what an interrupted run was doing.
    Recover,
    /// Asking what is remembered of the sources: how much there will be, at once.
    QuickAssessment,
    /// Finding out which directories are as they are remembered.
    StalenessValidation,
    /// Finding out what there is to copy: directories that are not as they are remembered are listed.
    ProgressiveScanning,
    /// It is known what there is to copy. That is a moment and takes no time.
    Ready,
    /// Checking everything that can be known before a byte moves.
    Preflight,
    /// Copying, verifying and publishing.
    Copy,
    /// Directories' own metadata.
    Finish,
}

/// Which phase may come right after which; `None` is before the first. Any of them may be the last: a run
/// may fail or be cancelled in any, and not every run goes through all.
const TRANSITIONS: &[(Option<Phase>, &[Phase])] = &[
    (None, &[Phase::Recover, Phase::QuickAssessment, Phase::ProgressiveScanning]),
    (Some(Phase::Recover), &[Phase::ProgressiveScanning]),
    (Some(Phase::QuickAssessment), &[Phase::StalenessValidation, Phase::ProgressiveScanning]),
    // Where all is as it is remembered, there is nothing to scan.
    (Some(Phase::StalenessValidation), &[Phase::ProgressiveScanning, Phase::Ready]),
    (Some(Phase::ProgressiveScanning), &[Phase::Ready]),
    (Some(Phase::Ready), &[Phase::Preflight]),
    (Some(Phase::Preflight), &[Phase::Copy]),
    (Some(Phase::Copy), &[Phase::Finish]),
    (Some(Phase::Finish), &[]),
];

impl Phase {
    /// Every phase, in the order in which a run goes through them.
    pub const ALL: [Phase; 8] = [
        Phase::Recover,
        Phase::QuickAssessment,
        Phase::StalenessValidation,
        Phase::ProgressiveScanning,
        Phase::Ready,
        Phase::Preflight,
        Phase::Copy,
        Phase::Finish,
    ];

    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Recover => "recover",
            Phase::QuickAssessment => "quick_assessment",
            Phase::StalenessValidation => "staleness_validation",
            Phase::ProgressiveScanning => "progressive_scanning",
            Phase::Ready => "ready",
            Phase::Preflight => "preflight",
            Phase::Copy => "copy",
            Phase::Finish => "finish",
        }
    }

    /// Whether a run may be in this phase right after another one; `None` is before the first.
    pub fn may_follow(self, before: Option<Phase>) -> bool {
        TRANSITIONS.iter().any(|(from, to)| *from == before && to.contains(&self))
    }

    /// Whether it is still being found out what there is to copy.
    pub fn is_preparation(self) -> bool {
        matches!(
            self,
            Phase::QuickAssessment | Phase::StalenessValidation | Phase::ProgressiveScanning
        )
    }

    /// Goes through this phase, and tells those who watch of its beginning and its end.
    pub fn run<T>(
        self,
        observer: &dyn Observer,
        clock: &dyn Clock,
        progress: &Progress,
        work: impl FnOnce() -> T,
    ) -> T {
        progress.enter(self);
        observer.on_event(Event::PhaseStarted { phase: self });
        let begun = clock.now();
        let result = work();
        let (entries, bytes) = self.dealt_with(&progress.snapshot());
        let duration = clock.now().saturating_sub(begun);
        observer.on_event(Event::PhaseFinished { phase: self, entries, bytes, duration });
        result
    }

    fn dealt_with(self, snapshot: &Snapshot) -> (u64, u64) {
        match self {
            Phase::QuickAssessment | Phase::StalenessValidation => {
                let expected = snapshot.expected.unwrap_or_default();
                (expected.items, expected.bytes)
            }
            Phase::ProgressiveScanning | Phase::Ready => {
                (snapshot.items_total, snapshot.bytes_total)
            }
            Phase::Recover | Phase::Preflight | Phase::Copy | Phase::Finish => {
                (snapshot.items_done, snapshot.bytes_copied)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_whole_machine() {
        let legal: Vec<(Option<&str>, &str)> = std::iter::once(None)
            .chain(Phase::ALL.map(Some))
            .flat_map(|before| Phase::ALL.map(|phase| (before, phase)))
            .filter(|(before, phase)| phase.may_follow(*before))
            .map(|(before, phase)| (before.map(Phase::as_str), phase.as_str()))
            .collect();
        assert_eq!(
            legal,
            [
                (None, "recover"),
                (None, "quick_assessment"),
                (None, "progressive_scanning"),
                (Some("recover"), "progressive_scanning"),
                (Some("quick_assessment"), "staleness_validation"),
                (Some("quick_assessment"), "progressive_scanning"),
                (Some("staleness_validation"), "progressive_scanning"),
                (Some("staleness_validation"), "ready"),
                (Some("progressive_scanning"), "ready"),
                (Some("ready"), "preflight"),
                (Some("preflight"), "copy"),
                (Some("copy"), "finish"),
            ]
        );
    }
}
