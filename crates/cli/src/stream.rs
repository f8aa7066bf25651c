//! stdout and stderr while a job runs, each written by a thread of its own: a reader who stands still
//! holds the job, and never the answer to a signal. What is written is decided elsewhere.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use surecopy::Control;

/// Bytes that may wait for a slow reader before whoever writes them waits too.
const ROOM: usize = 64 << 10;

/// How often a wait looks whether the job was cancelled meanwhile.
const PAUSE: Duration = Duration::from_millis(20);

/// How long a cancelled job waits for a reader: in all while it ends, and once more when it has.
const PATIENCE: Duration = Duration::from_millis(100);
const LAST_PATIENCE: Duration = Duration::from_millis(200);

/// What happens to the job when a stream cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFailure {
    /// It goes on: a copy does not depend on being watched.
    GoOn,
    /// It is cancelled: it was run for the program that reads.
    Cancel,
}

/// What became of everything that was to be written.
#[derive(Debug)]
pub(crate) enum StreamEnd {
    /// It is written.
    Written,
    /// The job was cancelled and the reader stood still: some of it is not written.
    Abandoned,
    /// The reader has gone away, as `head` does when it has seen enough.
    ReaderGone,
    /// It cannot be written.
    Failed(io::Error),
}

/// A stream. Clones are the same stream.
#[derive(Clone)]
pub(crate) struct Stream {
    shared: Arc<Shared>,
    control: Control,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Whole lines that the writer has not taken yet.
    pending: Vec<u8>,
    is_writing: bool,
    is_closed: bool,
    failure: Option<io::Error>,
    /// How long was waited after the job was cancelled.
    spent: Duration,
}

impl Stream {
    /// Starts the thread that writes. It is left behind when the program ends before the reader
    /// has taken everything, since nothing else ends a write to a full pipe.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub(crate) fn start(
        out: impl Write + Send + 'static,
        on_failure: OnFailure,
        control: Control,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let theirs = Arc::clone(&shared);
        let switch = (on_failure == OnFailure::Cancel).then(|| control.clone());
        std::thread::Builder::new()
            .name("output".to_owned())
            .spawn(move || theirs.write_to(out, switch.as_ref()))?;
        Ok(Self { shared, control })
    }

    /// Hands over whole lines, and waits for room while the job runs. Once it is cancelled, what
    /// there is no room for in time is left out, whole.
    pub(crate) fn write(&self, lines: &[u8]) {
        let mut state = self.wait(State::has_room);
        if state.has_room() {
            self.append(&mut state, lines);
        }
    }

    /// Hands over the last line: there is always room for it.
    pub(crate) fn write_last(&self, line: &[u8]) {
        self.append(&mut self.shared.lock(), line);
    }

    /// Hands over a picture, whole or not at all: what there is no room for at once is left out.
    pub(crate) fn offer(&self, picture: &[u8]) {
        let mut state = self.shared.lock();
        if state.has_room() {
            self.append(&mut state, picture);
        }
    }

    /// Whether the reader has taken everything.
    pub(crate) fn is_idle(&self) -> bool {
        self.shared.lock().is_settled()
    }

    /// Waits until everything is written, so that what is written to another stream comes after it.
    /// False when it cannot be written, or the job was cancelled and the reader stood still.
    pub(crate) fn settle(&self) -> bool {
        let state = self.wait(State::is_settled);
        state.is_settled() && state.failure.is_none()
    }

    /// Waits until everything is written; no more will come.
    pub(crate) fn finish(&self) -> StreamEnd {
        let mut state = self.shared.lock();
        state.is_closed = true;
        self.shared.changed.notify_all();
        // When the job was cancelled, or from the moment on at which it is.
        let mut until = None;
        while !state.is_settled() {
            if self.control.is_cancelled() {
                let until = *until.get_or_insert_with(|| Instant::now() + LAST_PATIENCE);
                if Instant::now() >= until {
                    return StreamEnd::Abandoned;
                }
            }
            state = self.shared.pause(state);
        }
        match state.failure.take() {
            None => StreamEnd::Written,
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => StreamEnd::ReaderGone,
            Some(error) => StreamEnd::Failed(error),
        }
    }

    fn append(&self, state: &mut State, lines: &[u8]) {
        if state.failure.is_none() && !state.is_closed {
            state.pending.extend_from_slice(lines);
            self.shared.changed.notify_all();
        }
    }

    /// Waits until `is_so`, or until the patience with a cancelled job is used up.
    fn wait(&self, is_so: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let mut state = self.shared.lock();
        while !is_so(&state) {
            let is_cancelled = self.control.is_cancelled();
            if is_cancelled && state.spent >= PATIENCE {
                break;
            }
            let began = Instant::now();
            state = self.shared.pause(state);
            if is_cancelled {
                state.spent += began.elapsed();
            }
        }
        state
    }
}

impl State {
    fn has_room(&self) -> bool {
        self.pending.len() < ROOM || self.failure.is_some()
    }

    fn is_settled(&self) -> bool {
        self.failure.is_some() || (self.pending.is_empty() && !self.is_writing)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while holding this lock")
    }

    fn pause<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let waited = self.changed.wait_timeout(state, PAUSE);
        waited.expect("no code panics while holding this lock").0
    }

    /// Writes what is pending, again and again, all of it at once: a slow reader costs fewer calls.
    /// A failure ends it and cancels the job that hangs on it.
    fn write_to(&self, mut out: impl Write, switch: Option<&Control>) {
        let mut lines = Vec::new();
        loop {
            let mut state = self.lock();
            state.is_writing = false;
            self.changed.notify_all();
            while state.pending.is_empty() {
                if state.is_closed {
                    return;
                }
                state = self.changed.wait(state).expect("no code panics while holding this lock");
            }
            lines.clear();
            std::mem::swap(&mut lines, &mut state.pending);
            state.is_writing = true;
            drop(state);
            if let Err(error) = out.write_all(&lines).and_then(|()| out.flush()) {
                tracing::debug!("output is not written any more: {error}");
                // First of all: whoever sees the failure sees a job that was cancelled.
                if let Some(switch) = switch {
                    switch.cancel();
                }
                let mut state = self.lock();
                state.pending.clear();
                state.is_writing = false;
                state.failure = Some(error);
                self.changed.notify_all();
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, PipeWriter, Read as _};

    use super::*;

    /// A stream into a pipe that is as full as it can be.
    fn stalled() -> (Stream, PipeReader, Control) {
        let (reader, writer): (PipeReader, PipeWriter) = io::pipe().unwrap();
        let control = Control::new();
        let stream = Stream::start(writer, OnFailure::GoOn, control.clone()).unwrap();
        // More than a pipe holds, in one piece: the writer does not come back from it.
        stream.write_last(&vec![b'x'; 4 << 20]);
        (stream, reader, control)
    }

    #[test]
    fn a_reader_that_stands_still_does_not_hold_a_cancelled_job() {
        let (stream, reader, control) = stalled();
        control.cancel();
        let began = Instant::now();
        for _ in 0..3 * ROOM / 1024 {
            stream.write(&[b'y'; 1024]);
            stream.settle();
        }
        assert!(matches!(stream.finish(), StreamEnd::Abandoned));
        // Without the bound it is for ever; the reader is still there.
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        drop(reader);
    }

    #[test]
    fn a_cancel_ends_a_wait_that_has_begun() {
        let (stream, reader, control) = stalled();
        let waiting = std::thread::spawn(move || stream.finish());
        control.cancel();
        assert!(matches!(waiting.join().unwrap(), StreamEnd::Abandoned));
        drop(reader);
    }

    #[test]
    fn a_slow_reader_gets_everything_in_order() {
        let (mut reader, writer) = io::pipe().unwrap();
        let stream = Stream::start(writer, OnFailure::GoOn, Control::new()).unwrap();
        let expected: String = (0..50_000).map(|n| format!("{n}\n")).collect();
        let lines = expected.clone();
        let job = std::thread::spawn(move || {
            lines.split_inclusive('\n').for_each(|line| stream.write(line.as_bytes()));
            let end = stream.finish();
            assert!(matches!(end, StreamEnd::Written), "{end:?}");
        });
        let mut found = String::new();
        // The pipe is closed by the writer's thread, which ends when the stream is finished.
        reader.read_to_string(&mut found).unwrap();
        job.join().unwrap();
        assert!(found == expected, "{} of {} bytes", found.len(), expected.len());
    }

    #[test]
    fn a_reader_that_has_gone_cancels_the_job_that_was_run_for_it() {
        for (on_failure, is_cancelled) in [(OnFailure::GoOn, false), (OnFailure::Cancel, true)] {
            let (reader, writer) = io::pipe().unwrap();
            drop(reader);
            let control = Control::new();
            let stream = Stream::start(writer, on_failure, control.clone()).unwrap();
            stream.write(b"a\n");
            assert!(matches!(stream.finish(), StreamEnd::ReaderGone));
            // What still comes is waited for by nobody.
            stream.write_last(b"b\n");
            stream.settle();
            assert_eq!(control.is_cancelled(), is_cancelled);
        }
    }
}
