//! Running a copy.

use std::sync::Arc;

use surecopy::jobs::{Ledger, RunKind};
use surecopy::{ConflictPolicy, Job};

use super::args::CopyArgs;
use super::request::{self, Request};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::hint::Occasion;
use crate::human::{HumanView, TerminalResolver};
use crate::json::JobLine;
use crate::recorded::next_after;
use crate::running::{OutputArgs, Renderer, Stage};
use crate::shown::Plain;
use crate::terminal::Terminal;

/// Copies.
pub(crate) fn run(args: CopyArgs) -> Result<ExitStatus, Failure> {
    let terminal = Terminal::look();
    let limit = surecopy::raise_open_file_limit();
    tracing::debug!("this process may hold {limit} files open");
    let Request { mut job, settings, ledger } = request::resolve(&args, terminal)?;
    let control = job.control();
    let stage =
        Stage::open(&args.output, settings.progress_updates_per_second(), &control, terminal)?;
    if !args.output.quiet {
        for warning in settings.warnings() {
            stage.screen().talk(&format!("warning: {}", Plain(&warning.message)));
        }
    }
    let can_ask = terminal.obstacle_to_asking.is_none();
    if job.spec().conflict == ConflictPolicy::Ask && can_ask {
        let resolver = TerminalResolver::start(Arc::clone(stage.screen()), control.clone())
            .map_err(|error| Failure::other(format!("cannot ask questions: {error}")))?;
        job.ask(Box::new(resolver));
    }
    let renderer = begin(&args.output, &stage, &job, ledger.as_deref());
    let progress = job.progress();
    let recorded = ledger.zip(job.id());
    let next = || recorded.and_then(|(ledger, id)| next_after(&ledger, id));
    stage.run(renderer, progress, next, move |observer| job.run(observer))
}

/// Shows what goes where: the first thing that is shown.
fn begin(output: &OutputArgs, stage: &Stage, job: &Job, ledger: Option<&Ledger>) -> Renderer {
    if output.json {
        let line = JobLine::new(job.spec(), job.id(), RunKind::Copy, ledger);
        return stage.json(Occasion::Copying, |lines| lines.job(&line));
    }
    let screen = Arc::clone(stage.screen());
    Renderer::Human(Box::new(HumanView::begin(screen, output.verbosity(), job)))
}
