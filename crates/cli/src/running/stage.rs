//! Where work is shown: the streams, the screen and the signals, from before it begins until after it
//! has ended.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use surecopy::{Control, Observer, Progress};

use super::args::OutputArgs;
use super::ended::Ended;
use super::renderer::{Relay, Renderer};
use super::streams::Streams;
use super::watch::{Watch, Watched};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::hint::Occasion;
use crate::human::{ProgressMode, ProgressView, Screen};
use crate::json::JsonLines;
use crate::recorded::NextStep;
use crate::signals::SignalWatch;
use crate::stream::Stream;
use crate::terminal::Terminal;

/// Facts that may wait to be shown before the work waits for them.
const QUEUE: usize = 1024;

/// Everything that work is shown on.
pub(crate) struct Stage {
    control: Control,
    signals: SignalWatch,
    streams: Streams,
    screen: Arc<Screen>,
    terminal: Terminal,
    progress: ProgressMode,
    is_silent: bool,
    pulse: Duration,
}

impl Stage {
    /// From now on signals cancel the work, and lines reach the streams.
    ///
    /// # Errors
    /// When the operating system gives no threads or no handlers.
    pub(crate) fn open(
        output: &OutputArgs,
        pulses_per_second: u32,
        control: &Control,
        terminal: Terminal,
    ) -> Result<Self, Failure> {
        let signals = SignalWatch::start(control.clone())
            .map_err(|error| Failure::other(format!("cannot watch for signals: {error}")))?;
        let streams = Streams::start(output.json, control)
            .map_err(|error| Failure::other(format!("cannot write output: {error}")))?;
        let screen = Screen::new(streams.stdout.clone(), streams.stderr.clone(), terminal);
        let screen = Arc::new(screen);
        let pulse = Duration::from_secs(1) / pulses_per_second.max(1);
        let (progress, is_silent) = (output.progress, output.is_silent());
        let control = control.clone();
        Ok(Self { control, signals, streams, screen, terminal, progress, is_silent, pulse })
    }

    /// The screen, for people.
    pub(crate) fn screen(&self) -> &Arc<Screen> {
        &self.screen
    }

    /// The lines, for programs. The first of them reaches its reader before anything is begun.
    pub(crate) fn json(&self, occasion: Occasion, first: impl FnOnce(&JsonLines)) -> Renderer {
        let lines = JsonLines::new(self.stdout().clone(), occasion);
        first(&lines);
        // Nothing is begun for a reader who has gone away already.
        self.stdout().settle();
        Renderer::Json(lines)
    }

    fn stdout(&self) -> &Stream {
        &self.streams.stdout
    }

    /// Runs work that counts its `progress` and that the stage's control cancels, and shows it, until
    /// it has ended and everything about it has been shown. What to do `next` is asked for then.
    pub(crate) fn run<R: Ended>(
        self,
        mut renderer: Renderer,
        progress: Arc<Progress>,
        next: impl FnOnce() -> Option<NextStep>,
        work: impl FnOnce(&dyn Observer) -> R + Send + 'static,
    ) -> Result<ExitStatus, Failure> {
        let end = match self.carry_out(&mut renderer, progress, work)? {
            Some(ended) => {
                let status = ended.status();
                ended.show(&mut renderer, status);
                if ended.is_advised()
                    && let Renderer::Human(view) = &renderer
                    && let Some(step) = next()
                {
                    view.advise(&step);
                }
                self.streams.end(status, &self.signals.count())
            }
            None => Err(Failure {
                status: ExitStatus::Cancelled,
                message:
                    "ended at once: partial files, named .surecopy-*, may be left beside targets"
                        .to_owned(),
                hint: None,
            }),
        };
        // Said through the stream: whoever writes to stderr itself waits for whoever does so already.
        let status = end.unwrap_or_else(|failure| {
            self.streams.stderr.write_last(failure.to_string().as_bytes());
            failure.status
        });
        self.streams.stderr.finish();
        Ok(status)
    }

    /// `None` when the user did not wait for the end.
    fn carry_out<R: Ended>(
        &self,
        renderer: &mut Renderer,
        progress: Arc<Progress>,
        work: impl FnOnce(&dyn Observer) -> R + Send + 'static,
    ) -> Result<Option<R>, Failure> {
        let can_draw = self.terminal.can_draw;
        let view = ProgressView::new(self.progress, self.is_silent, can_draw, &self.screen);
        let control = self.control.clone();
        let count = self.signals.count();
        let mut watch = Watch::new(&self.screen, view, self.pulse, progress, control, count);
        let (sender, facts) = sync_channel(QUEUE);
        let relay = Relay::new(sender, self.control.clone());
        // The relay moves into the thread: when the work ends, however it ends, the channel closes.
        // The thread is not a scoped one, so that it can be left behind on a device that does not
        // answer.
        let thread = std::thread::Builder::new()
            .name("job".to_owned())
            .spawn(move || work(&relay))
            .map_err(|error| Failure::other(format!("cannot start the job: {error}")))?;
        match watch.until_closed(&facts, renderer) {
            Watched::ToTheEnd => {
                Ok(Some(thread.join().unwrap_or_else(|panic| resume_unwind(panic))))
            }
            Watched::UntilGivenUp => Ok(None),
        }
    }
}
