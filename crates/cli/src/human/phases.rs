//! The phases of a run in words.

use surecopy::Phase;

/// What a phase is called.
pub(super) fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::QuickAssessment => "assessment",
        Phase::StalenessValidation => "validation",
        Phase::ProgressiveScanning => "scan",
        Phase::Recover | Phase::Ready | Phase::Preflight | Phase::Copy | Phase::Finish => {
            phase.as_str()
        }
    }
}
