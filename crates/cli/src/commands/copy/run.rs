//! Running a job: the copy on a thread of its own, everything that is shown on this one.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use surecopy::{Job, Report};

use super::args::{CopyArgs, OutputArgs};
use super::renderer::{Relay, Renderer};
use super::request::{self, Request};
use super::streams::Streams;
use super::watch::{Watch, Watched};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::human::{HumanView, ProgressView, Screen, TerminalResolver, Verbosity};
use crate::json::{JobLine, JsonLines};
use crate::shown::Plain;
use crate::signals::SignalWatch;
use crate::terminal::Terminal;

/// Facts that may wait to be shown before the copy waits for them.
const QUEUE: usize = 1024;

/// Copies.
pub(crate) fn run(args: CopyArgs) -> Result<ExitStatus, Failure> {
    let terminal = Terminal::look();
    let limit = surecopy::raise_open_file_limit();
    tracing::debug!("this process may hold {limit} files open");
    let Request { mut job, settings } = request::resolve(&args, terminal)?;
    let control = job.control();
    let signals = SignalWatch::start(control.clone())
        .map_err(|error| Failure::other(format!("cannot watch for signals: {error}")))?;
    let streams = Streams::start(args.output.json, &control)
        .map_err(|error| Failure::other(format!("cannot write output: {error}")))?;
    let screen = Arc::new(Screen::new(streams.stdout.clone(), streams.stderr.clone(), terminal));
    if !args.output.quiet {
        for warning in settings.warnings() {
            screen.talk(&format!("warning: {}", Plain(&warning.message)));
        }
    }
    let can_ask = terminal.obstacle_to_asking.is_none();
    if job.spec().conflict == surecopy::ConflictPolicy::Ask && can_ask {
        let resolver = TerminalResolver::start(Arc::clone(&screen), control.clone())
            .map_err(|error| Failure::other(format!("cannot ask questions: {error}")))?;
        job.ask(Box::new(resolver));
    }
    let mut renderer = begin(&args.output, &screen, &job, &streams);
    let is_silent = args.output.json || args.output.quiet;
    let view = ProgressView::new(args.output.progress, is_silent, terminal.can_draw, &screen);
    let pulse = Duration::from_secs(1) / settings.progress_updates_per_second().max(1);
    let watch = Watch::new(&screen, view, pulse, &job, signals.count());
    let end = match carry_out(job, watch, &mut renderer)? {
        Some(report) => {
            let status = ExitStatus::of(&report);
            renderer.end(&report, status);
            streams.end(status, &signals.count())
        }
        None => Err(Failure {
            status: ExitStatus::Cancelled,
            message: "ended at once: partial files, named .surecopy-*, may be left beside targets"
                .to_owned(),
            hint: None,
        }),
    };
    // Said through the stream: whoever writes to stderr itself waits for whoever does so already.
    let status = end.unwrap_or_else(|failure| {
        streams.stderr.write_last(failure.to_string().as_bytes());
        failure.status
    });
    streams.stderr.finish();
    Ok(status)
}

/// Shows what goes where: the first thing that is shown.
fn begin(output: &OutputArgs, screen: &Arc<Screen>, job: &Job, streams: &Streams) -> Renderer {
    if output.json {
        let lines = JsonLines::new(streams.stdout.clone());
        let started = jiff::Timestamp::now().to_string();
        lines.job(&JobLine::new(job.spec(), started));
        // Nothing is begun for a reader who has gone away already.
        streams.stdout.settle();
        return Renderer::Json(lines);
    }
    let verbosity = match (output.quiet, output.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, 0) => Verbosity::Normal,
        (false, 1) => Verbosity::Items,
        (false, _) => Verbosity::Details,
    };
    Renderer::Human(Box::new(HumanView::begin(Arc::clone(screen), verbosity, job.spec())))
}

/// Runs the job and shows it, until it has ended and everything about it has been shown. `None`
/// when the user did not wait for that.
fn carry_out(
    job: Job,
    mut watch: Watch,
    renderer: &mut Renderer,
) -> Result<Option<Report>, Failure> {
    let (sender, facts) = sync_channel(QUEUE);
    let relay = Relay::new(sender, job.control());
    // The relay moves into the thread: when the job ends, however it ends, the channel closes. The
    // thread is not a scoped one, so that it can be left behind on a device that does not answer.
    let copy = std::thread::Builder::new()
        .name("job".to_owned())
        .spawn(move || job.run(&relay))
        .map_err(|error| Failure::other(format!("cannot start the job: {error}")))?;
    match watch.until_closed(&facts, renderer) {
        Watched::ToTheEnd => Ok(Some(copy.join().unwrap_or_else(|panic| resume_unwind(panic)))),
        Watched::UntilGivenUp => Ok(None),
    }
}
