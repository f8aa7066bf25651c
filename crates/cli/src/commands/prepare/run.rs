//! Running a preparation.

use std::sync::Arc;

use surecopy::preparation::{PrepareMode, PrepareRequest};

use super::args::PrepareArgs;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::hint::Occasion;
use crate::human::HumanView;
use crate::json::PreparationLine;
use crate::running::{Renderer, Stage, pulses_per_second};
use crate::terminal::Terminal;

/// Prepares, and does nothing else.
pub(crate) fn run(args: PrepareArgs) -> Result<ExitStatus, Failure> {
    let terminal = Terminal::look();
    let limit = surecopy::raise_open_file_limit();
    tracing::debug!("this process may hold {limit} files open");
    let (index, mode) = (args.from.path(), args.from.mode());
    let line = PreparationLine::new(&args.sources, index.as_deref(), mode);
    let mut request = PrepareRequest::new(args.sources).mode(mode).jobs(args.jobs);
    match index {
        Some(index) => request = request.index(index),
        None if mode == PrepareMode::IndexOnly => {
            // It would be found in the home directory.
            args.from.index.needed_path()?;
        }
        None => {}
    }
    let preparation = request.prepare().map_err(|error| Failure::of_copy(&error))?;
    let control = preparation.control();
    let stage = Stage::open(&args.output, pulses_per_second()?, &control, terminal)?;
    let renderer = if args.output.json {
        stage.json(Occasion::Preparing, |lines| lines.preparation(&line))
    } else {
        let view = HumanView::of(Arc::clone(stage.screen()), args.output.verbosity());
        Renderer::Human(Box::new(view))
    };
    let progress = preparation.progress();
    stage.run(renderer, progress, || None, move |observer| preparation.run(observer))
}
