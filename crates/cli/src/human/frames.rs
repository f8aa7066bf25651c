//! Bars on their way to the terminal: what indicatif draws is gathered and handed over frame by frame.
//! It never waits for the terminal, which may be stopped.

use std::fmt::{self, Write as _};
use std::io;
use std::sync::{Mutex, MutexGuard};

use indicatif::TermLike;
use terminal_size::{Height, Width, terminal_size_of};

use crate::stream::Stream;

/// The size of a terminal that does not tell it.
const USUAL_SIZE: (Width, Height) = (Width(80), Height(24));

/// A terminal behind a stream.
pub(super) struct Frames {
    stream: Stream,
    frame: Mutex<String>,
}

impl Frames {
    /// Frames for the stream to stderr.
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, frame: Mutex::default() }
    }

    fn frame(&self) -> MutexGuard<'_, String> {
        self.frame.lock().expect("no code panics while holding this lock")
    }

    fn add(&self, text: fmt::Arguments<'_>) -> io::Result<()> {
        self.frame().write_fmt(text).map_err(io::Error::other)
    }

    /// A cursor that moves by nothing at all moves by one.
    fn go(&self, count: usize, direction: char) -> io::Result<()> {
        if count == 0 { Ok(()) } else { self.add(format_args!("\x1b[{count}{direction}")) }
    }
}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames").finish_non_exhaustive()
    }
}

fn size() -> (Width, Height) {
    terminal_size_of(io::stderr()).unwrap_or(USUAL_SIZE)
}

impl TermLike for Frames {
    fn width(&self) -> u16 {
        size().0.0
    }

    fn height(&self) -> u16 {
        size().1.0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.go(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.go(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.go(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.go(n, 'D')
    }

    fn write_line(&self, s: &str) -> io::Result<()> {
        self.add(format_args!("{s}\n"))
    }

    fn write_str(&self, s: &str) -> io::Result<()> {
        self.add(format_args!("{s}"))
    }

    fn clear_line(&self) -> io::Result<()> {
        self.add(format_args!("\r\x1b[2K"))
    }

    /// The frame is whole. An error is never returned: indicatif panics at some of them.
    fn flush(&self) -> io::Result<()> {
        let frame = std::mem::take(&mut *self.frame());
        if !frame.is_empty() {
            self.stream.offer(frame.as_bytes());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, Read as _};

    use surecopy::Control;

    use super::*;
    use crate::stream::{OnFailure, StreamEnd};

    fn frames() -> (Frames, Stream, PipeReader) {
        let (reader, writer) = io::pipe().unwrap();
        let stream = Stream::start(writer, OnFailure::GoOn, Control::new()).unwrap();
        (Frames::new(stream.clone()), stream, reader)
    }

    #[test]
    fn a_frame_is_handed_over_when_it_is_whole() {
        let (frames, stream, mut reader) = frames();
        frames.move_cursor_up(2).unwrap();
        frames.move_cursor_down(0).unwrap();
        frames.clear_line().unwrap();
        frames.write_str("bar").unwrap();
        assert!(stream.is_idle());
        frames.flush().unwrap();
        frames.write_str("never whole").unwrap();
        assert!(matches!(stream.finish(), StreamEnd::Written));
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "\x1b[2A\r\x1b[2Kbar");
    }

    #[test]
    fn frames_wait_for_nobody_and_do_not_pile_up() {
        let (frames, stream, mut reader) = frames();
        // Far more than the pipe and the stream hold, while nobody reads.
        for _ in 0..4096 {
            frames.write_str(&"x".repeat(1024)).unwrap();
            frames.flush().unwrap();
        }
        let writing = std::thread::spawn(move || stream.finish());
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        assert!(matches!(writing.join().unwrap(), StreamEnd::Written));
        assert!((1..1 << 20).contains(&bytes.len()), "{}", bytes.len());
        assert_eq!(bytes.len() % 1024, 0, "a frame is whole or not there");
    }
}
