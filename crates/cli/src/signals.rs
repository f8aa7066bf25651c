//! Signals that end a job: they switch the job off and are counted; what a second or a third one
//! means is decided where the job is shown, and the third ends the program even if that place hangs.
//! SIGTSTP and SIGQUIT keep their meaning. SIGXFSZ does not: a file that becomes too large is an error.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level;
use surecopy::{Control, is_signal_ignored};

use crate::exit::ExitStatus;

/// The signal that ends the program at once, whatever the job is waiting for.
pub(crate) const LAST_SIGNAL: u32 = 3;

/// How long the program may take to end by itself after that, and say so.
const GRACE: Duration = Duration::from_secs(1);

/// How many signals have come. Clones are the same number.
#[derive(Debug, Clone, Default)]
pub(crate) struct SignalCount(Arc<AtomicU32>);

impl SignalCount {
    /// How many until now.
    pub(crate) fn get(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    /// One more.
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

/// From now on a write beyond a limit on the size of files (`ulimit -f`) fails, and the item with it. By
/// itself such a write ends the program: in the middle of a job, with a partial file left, and without a word.
pub(crate) fn outlive_file_size_limits() {
    // Whatever handles it keeps the program alive, so nobody has to look at the flag.
    if !is_signal_ignored(SIGXFSZ)
        && let Err(error) = flag::register(SIGXFSZ, Arc::default())
    {
        tracing::warn!(%error, "a file that is too large will end the program");
    }
}

/// Signals are being watched as long as this value lives.
#[derive(Debug)]
pub(crate) struct SignalWatch {
    handle: Handle,
    count: SignalCount,
    /// Nothing is ever sent: that it goes away says that the job is not waited for any longer.
    alive: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl SignalWatch {
    /// From now on, SIGINT, SIGTERM and SIGHUP cancel the job; SIGHUP does not where `nohup` has
    /// switched it off.
    ///
    /// # Errors
    /// When the operating system gives no thread or no handler.
    pub(crate) fn start(control: Control) -> io::Result<Self> {
        let mut watched = vec![SIGINT, SIGTERM];
        // A script's shell has SIGINT ignored for everything that it starts with `&`, meant or not, so
        // this is asked of SIGHUP only.
        if !is_signal_ignored(SIGHUP) {
            watched.push(SIGHUP);
        }
        let mut signals = Signals::new(watched)?;
        let handle = signals.handle();
        let count = SignalCount::default();
        let theirs = count.clone();
        let (alive, watch) = sync_channel(0);
        let thread = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for _signal in signals.forever() {
                // Counted first: whoever sees the cancel sees what it came from.
                theirs.add();
                control.cancel();
                if theirs.get() >= LAST_SIGNAL {
                    end_unless_gone(&watch);
                }
            }
        })?;
        Ok(Self { handle, count, alive: Some(alive), thread: Some(thread) })
    }

    /// The signals that have come.
    pub(crate) fn count(&self) -> SignalCount {
        self.count.clone()
    }
}

/// Ends the program unless it does so itself in time.
fn end_unless_gone(watch: &Receiver<()>) {
    if watch.recv_timeout(GRACE) == Err(RecvTimeoutError::Timeout) {
        // Nothing is put in order on the way out: that could wait for the very thing that hangs.
        low_level::exit(ExitStatus::Cancelled.code().into());
    }
}

impl Drop for SignalWatch {
    fn drop(&mut self) {
        self.alive = None;
        self.handle.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that watches signals has panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Instant;

    use super::*;

    #[test]
    #[ignore = "never ends by itself: the next test runs it in a process of its own"]
    fn a_program_that_hangs() {
        let watch = SignalWatch::start(Control::new()).unwrap();
        for number in 1..=LAST_SIGNAL {
            low_level::raise(SIGTERM).unwrap();
            while watch.count().get() < number {
                std::thread::yield_now();
            }
        }
        loop {
            std::thread::park();
        }
    }

    #[test]
    fn the_last_signal_ends_a_program_that_hangs() {
        let hangs = ["--exact", "--ignored", "signals::tests::a_program_that_hangs"];
        let program = std::env::current_exe().unwrap();
        let mut child = Command::new(program).args(hangs).spawn().unwrap();
        let began = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if began.elapsed() > Duration::from_secs(60) {
                child.kill().unwrap();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(child.wait().unwrap().code(), Some(130));
    }
}
