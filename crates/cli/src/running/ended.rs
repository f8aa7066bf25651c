//! What is known when something that ran has ended, and how the program ends by it.

use surecopy::Report;
use surecopy::jobs::{DiscardReport, JobId, RecheckReport, UndoReport};
use surecopy::preparation::Prepared;

use super::renderer::Renderer;
use crate::exit::ExitStatus;
use crate::human::{look_back, prepared};
use crate::recorded::NotCopied;

/// What is known when work has ended.
pub(crate) trait Ended: Send + 'static {
    /// How the program ends.
    fn status(&self) -> ExitStatus;

    /// Whether to say what to do next.
    fn is_advised(&self) -> bool {
        true
    }

    /// Shows the last of it.
    fn show(&self, renderer: &mut Renderer, status: ExitStatus);
}

impl Ended for Report {
    fn status(&self) -> ExitStatus {
        ExitStatus::of(self)
    }

    fn show(&self, renderer: &mut Renderer, status: ExitStatus) {
        match renderer {
            Renderer::Human(view) => view.end(self),
            Renderer::Json(lines) => lines.report(self, status),
        }
    }
}

/// What was read again, and what could not be since it was never copied.
pub(crate) struct Verified {
    pub(crate) report: RecheckReport,
    pub(crate) not_copied: NotCopied,
    pub(crate) afterwards: Afterwards,
}

/// What comes after a job was read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Afterwards {
    /// That is up to the user, who is told what can be done.
    UpToTheUser,
    /// It is resumed at once.
    Resumed,
}

impl Ended for Verified {
    fn status(&self) -> ExitStatus {
        let RecheckReport { outcome, problems, damaged, .. } = &self.report;
        ExitStatus::of_look_back(outcome, problems, ExitStatus::Mismatch, *damaged)
    }

    /// Of what was never copied, the sums tell; what is resumed at once needs no advice.
    fn is_advised(&self) -> bool {
        self.afterwards == Afterwards::UpToTheUser && self.report.damaged > 0
    }

    fn show(&self, renderer: &mut Renderer, status: ExitStatus) {
        match renderer {
            Renderer::Human(view) => {
                let is_left = self.afterwards == Afterwards::UpToTheUser;
                look_back::end_verify(view, &self.report, is_left.then_some(self.not_copied));
            }
            Renderer::Json(lines) => {
                lines.verify_report(&self.report, self.not_copied.items, status);
            }
        }
    }
}

/// What was undone.
pub(crate) struct UndoneJob {
    pub(crate) report: UndoReport,
    /// The job, if it was undone before.
    pub(crate) before: Option<JobId>,
}

impl Ended for UndoneJob {
    fn status(&self) -> ExitStatus {
        let UndoReport { outcome, problems, refused, failed, .. } = &self.report;
        ExitStatus::of_look_back(outcome, problems, ExitStatus::ItemsFailed, refused + failed)
    }

    fn show(&self, renderer: &mut Renderer, status: ExitStatus) {
        match renderer {
            Renderer::Human(view) => look_back::end_undo(view, &self.report, self.before),
            Renderer::Json(lines) => lines.undo_report(&self.report, status),
        }
    }
}

impl Ended for Prepared {
    fn status(&self) -> ExitStatus {
        let problems = self.problem_count;
        ExitStatus::of_look_back(&self.outcome, &[], ExitStatus::ItemsFailed, problems)
    }

    fn is_advised(&self) -> bool {
        false
    }

    fn show(&self, renderer: &mut Renderer, status: ExitStatus) {
        match renderer {
            Renderer::Human(view) => prepared::end_prepare(view, self),
            Renderer::Json(lines) => lines.prepare_report(self, status),
        }
    }
}

/// What was listed for the index.
pub(crate) struct Scanned {
    pub(crate) prepared: Prepared,
    /// The index has it now.
    pub(crate) is_remembered: bool,
}

impl Ended for Scanned {
    fn status(&self) -> ExitStatus {
        match self.prepared.status() {
            ExitStatus::Done | ExitStatus::ItemsFailed if !self.is_remembered => {
                ExitStatus::RecordFailed
            }
            status => status,
        }
    }

    fn is_advised(&self) -> bool {
        false
    }

    fn show(&self, renderer: &mut Renderer, status: ExitStatus) {
        self.prepared.show(renderer, status);
        if let Renderer::Human(view) = renderer
            && !self.is_remembered
        {
            prepared::end_unremembered(view);
        }
    }
}

impl Ended for DiscardReport {
    fn status(&self) -> ExitStatus {
        let left = self.refused + self.failed;
        ExitStatus::of_look_back(&self.outcome, &self.problems, ExitStatus::ItemsFailed, left)
    }

    fn show(&self, renderer: &mut Renderer, status: ExitStatus) {
        match renderer {
            Renderer::Human(view) => look_back::end_discard(view, self),
            Renderer::Json(lines) => lines.discard_report(self, status),
        }
    }
}
