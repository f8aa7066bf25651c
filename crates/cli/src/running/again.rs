//! Beginning to show a further run of a job that is in the ledger.

use std::sync::Arc;

use surecopy::jobs::{JobRecord, Ledger, RunKind};

use super::args::OutputArgs;
use super::renderer::Renderer;
use super::stage::Stage;
use crate::hint::Occasion;
use crate::human::HumanView;
use crate::json::JobLine;
use crate::recorded::Moment;

/// A further run.
pub(crate) struct Again<'a> {
    pub(crate) ledger: &'a Ledger,
    /// The job as it was before.
    pub(crate) record: &'a JobRecord,
    pub(crate) kind: RunKind,
    pub(crate) occasion: Occasion,
    /// What is being done with the job.
    pub(crate) verb: &'a str,
}

impl Again<'_> {
    /// Says which job it is: the first thing that is shown.
    pub(crate) fn renderer(&self, stage: &Stage, output: &OutputArgs) -> Renderer {
        let job = self.record.id;
        let Ok(spec) = &self.record.request else {
            unreachable!("a run does not begin without what was asked for");
        };
        if output.json {
            let line = JobLine::new(spec, Some(job), self.kind, Some(self.ledger));
            return stage.json(self.occasion, |lines| lines.job(&line));
        }
        let screen = Arc::clone(stage.screen());
        let headline = format!("{} job {job} of {}", self.verb, Moment(self.record.created_ms));
        let verbosity = output.verbosity();
        let which = (job, self.occasion);
        let view = HumanView::begin_again(screen, verbosity, &headline, which, &spec.mappings);
        Renderer::Human(Box::new(view))
    }
}
