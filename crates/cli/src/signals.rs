//! Signals that end a job: they switch the job off and are counted; what a second or a third one
//! means is decided where the job is shown. SIGTSTP and SIGQUIT keep their meaning.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use surecopy::{Control, is_signal_ignored};

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

/// Signals are being watched as long as this value lives.
#[derive(Debug)]
pub(crate) struct SignalWatch {
    handle: Handle,
    count: SignalCount,
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
        let thread = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for _signal in signals.forever() {
                // Counted first: whoever sees the cancel sees what it came from.
                theirs.add();
                control.cancel();
            }
        })?;
        Ok(Self { handle, count, thread: Some(thread) })
    }

    /// The signals that have come.
    pub(crate) fn count(&self) -> SignalCount {
        self.count.clone()
    }
}

impl Drop for SignalWatch {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that watches signals has panicked");
        }
    }
}
