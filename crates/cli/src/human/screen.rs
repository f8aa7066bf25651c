//! The one way to stdout and stderr while a job runs, so that lines and bars do not overwrite each
//! other, and lines of both appear in their order where both go to the same place.

use std::sync::Mutex;

use indicatif::{MultiProgress, ProgressDrawTarget};

use crate::stream::Stream;
use crate::terminal::Terminal;

/// The two streams, with bars at the bottom of one of them.
pub(crate) struct Screen {
    stdout: Stream,
    stderr: Stream,
    bars: MultiProgress,
    /// Held by whoever asks a question: nothing else is drawn until it is answered.
    question: Mutex<()>,
    colour: bool,
}

impl Screen {
    /// A screen; bars are shown on it only when the terminal can draw.
    pub(crate) fn new(stdout: Stream, stderr: Stream, terminal: Terminal) -> Self {
        let target = if terminal.can_draw {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bars = MultiProgress::with_draw_target(target);
        Self { stdout, stderr, bars, question: Mutex::new(()), colour: terminal.can_colour }
    }

    /// The place for bars.
    pub(crate) fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// A line of data.
    pub(crate) fn out(&self, line: &str) {
        self.line(&self.stdout, line);
    }

    /// A line of talk.
    pub(crate) fn talk(&self, line: &str) {
        self.line(&self.stderr, line);
    }

    fn line(&self, stream: &Stream, line: &str) {
        self.bars.suspend(|| {
            stream.write(format!("{line}\n").as_bytes());
            stream.settle();
        });
    }

    /// A line of talk that begins with a word to notice.
    pub(crate) fn alert(&self, word: &str, text: &str) {
        if self.colour {
            self.talk(&format!("\x1b[1;31m{word}:\x1b[0m {text}"));
        } else {
            self.talk(&format!("{word}: {text}"));
        }
    }

    /// Runs `ask` with the screen for itself.
    pub(crate) fn while_asking<T>(&self, ask: impl FnOnce() -> T) -> T {
        let _question = self.question.lock().expect("no code panics while holding this lock");
        self.bars.suspend(ask)
    }

    /// Whether a question stands on the screen, so that bars must wait.
    pub(crate) fn is_asking(&self) -> bool {
        self.question.try_lock().is_err()
    }
}
