//! Signals that end a job: they switch the job off and are counted; what a second or a third one
//! means is decided where the job is shown. SIGTSTP and SIGQUIT keep their meaning.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use surecopy::Control;

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
        if !is_ignored(SIGHUP) {
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

/// Whether whoever started this process had a signal ignored. A script's shell has SIGINT ignored for
/// everything that it starts with `&`, meant or not, so this is asked of SIGHUP only.
fn is_ignored(signal: i32) -> bool {
    // There is no safe call that asks without changing something. Where this file is not, the signal
    // is taken to be wanted.
    std::fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| ignored_in(&status, signal) == Some(true))
}

fn ignored_in(status: &str, signal: i32) -> Option<bool> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
    let bit = u32::try_from(signal).ok()?.checked_sub(1)?;
    Some(mask.checked_shr(bit)? & 1 == 1)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_counts_signals_from_one() {
        let status = "SigBlk:\tffffffffffffffff\nSigIgn:\t0000000000001001\n";
        assert_eq!(ignored_in(status, SIGHUP), Some(true));
        assert_eq!(ignored_in(status, SIGINT), Some(false));
        assert_eq!(ignored_in(status, 13), Some(true));
        assert_eq!(ignored_in("", SIGHUP), None);
    }
}
