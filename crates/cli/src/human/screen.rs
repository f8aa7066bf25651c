//! The one way to stdout and stderr while a job runs, so that lines and bars do not overwrite each
//! other, and lines of both appear in their order where both go to the same place.

use std::sync::Mutex;

use indicatif::{MultiProgress, ProgressDrawTarget};

use super::frames::Frames;
use crate::stream::Stream;
use crate::terminal::Terminal;

/// How often bars are drawn at most.
const FRAMES_PER_SECOND: u8 = 20;

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
            // Not indicatif's own way to stderr: it waits for a terminal that is stopped.
            let frames = Box::new(Frames::new(stderr.clone()));
            ProgressDrawTarget::term_like_with_hz(frames, FRAMES_PER_SECOND)
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

    /// Whether bars may be drawn now: no question stands on the screen, and the terminal has taken
    /// everything before. A frame that nobody saw in time is no loss.
    pub(crate) fn is_free(&self) -> bool {
        self.question.try_lock().is_ok() && self.stderr.is_idle()
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
        self.without_bars(|| {
            stream.write(format!("{line}\n").as_bytes());
            stream.settle();
        });
    }

    /// Takes the bars away, and puts them back afterwards.
    fn without_bars<T>(&self, show: impl FnOnce() -> T) -> T {
        // Frames do not wait. Before, so that there is room to take them away; and then until they
        // are, since stdout may be the same terminal.
        self.stderr.settle();
        self.bars.suspend(|| {
            self.stderr.settle();
            show()
        })
    }

    /// A line of talk that begins with a word to notice.
    pub(crate) fn alert(&self, word: &str, text: &str) {
        if self.colour {
            self.talk(&format!("\x1b[1;31m{word}:\x1b[0m {text}"));
        } else {
            self.talk(&format!("{word}: {text}"));
        }
    }

    /// Runs `ask` with the screen for itself, and with the stream for the question.
    pub(crate) fn while_asking<T>(&self, ask: impl FnOnce(&Stream) -> T) -> T {
        let _question = self.question.lock().expect("no code panics while holding this lock");
        self.without_bars(|| ask(&self.stderr))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read as _};

    use surecopy::Control;

    use super::*;
    use crate::stream::OnFailure;

    #[test]
    fn no_frame_is_drawn_before_the_last_one_is_taken() {
        let (mut reader, writer) = io::pipe().unwrap();
        let stream = |out| Stream::start(out, OnFailure::GoOn, Control::new()).unwrap();
        let screen = Screen::new(stream(io::pipe().unwrap().1), stream(writer), Terminal::NONE);
        assert!(screen.is_free());
        // More than a pipe holds.
        let frame = vec![b'x'; 4 << 20];
        screen.stderr.offer(&frame);
        assert!(!screen.is_free());
        reader.read_exact(&mut vec![0; frame.len()]).unwrap();
        screen.stderr.settle();
        assert!(screen.is_free());
    }
}
