//! Makes a copy stand still at a system call, so that something can happen meanwhile.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::lab::Lab;

/// The longest that a test waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long calls are delayed, in milliseconds; longer than the one before when that was too short.
const DELAYS: [u64; 6] = [250, 500, 1000, 2000, 4000, 8000];

/// Enough for a program that is killed, unless the machine is busy.
const SHORT: u64 = 80;

/// A delay at the first of some system calls in each thread, made by `strace`.
pub(crate) struct Delay {
    log: PathBuf,
    wrapper: Vec<String>,
    /// How a line about one of the calls goes on behind the thread's number.
    beginnings: Vec<String>,
    /// Which of these calls is delayed, from 1.
    number: usize,
}

impl Delay {
    /// At the first call among `calls` of each thread.
    pub(crate) fn new(lab: &Lab, calls: &str, millis: u64) -> Self {
        Self::with_filter(lab, calls, millis, &[])
    }

    /// Only calls that concern one of these paths count.
    pub(crate) fn with_filter(lab: &Lab, calls: &str, millis: u64, paths: &[&Path]) -> Self {
        Self::at_number(lab, (calls, 1), millis, paths)
    }

    /// Not the first of them in each thread, but the one of this number.
    pub(crate) fn at_number(
        lab: &Lab,
        (calls, number): (&str, usize),
        millis: u64,
        paths: &[&Path],
    ) -> Self {
        let log = lab.new_path("strace.log");
        let mut wrapper: Vec<String> =
            ["strace", "-f", "-qq", "-o"].into_iter().map(str::to_owned).collect();
        wrapper.push(log.display().to_string());
        for path in paths {
            wrapper.extend(["-P".to_owned(), path.display().to_string()]);
        }
        let micros = millis * 1000;
        wrapper.extend(["-e".to_owned(), format!("trace={calls}")]);
        wrapper.extend([
            "-e".to_owned(),
            format!("inject={calls}:delay_enter={micros}:when={number}"),
        ]);
        let beginnings = calls.split(',').map(|call| format!(" {call}(")).collect();
        Self { log, wrapper, beginnings, number }
    }

    /// Moreover lets a call fail: `fault` is what `strace` is told to inject.
    pub(crate) fn with_fault(mut self, call: &str, fault: &str) -> Self {
        for word in self.wrapper.iter_mut().filter(|word| word.starts_with("trace=")) {
            word.push_str(&format!(",{call}"));
        }
        self.wrapper.extend(["-e".to_owned(), format!("inject={call}:{fault}")]);
        self
    }

    /// The words before the program.
    pub(crate) fn wrapper(&self) -> Vec<&str> {
        self.wrapper.iter().map(String::as_str).collect()
    }

    /// Waits until a call is being delayed.
    pub(crate) fn wait(&self) -> Result<()> {
        // A call is written down when it is entered, and its end only after the delay. Calls that
        // strace does not know are written down whatever it was told to trace.
        let is_one = |line: &str| self.beginnings.iter().any(|begin| line.contains(begin));
        wait_for("a delayed call", || {
            let is_there =
                |log: String| log.lines().filter(|line| is_one(line)).count() >= self.number;
            fs::read_to_string(&self.log).is_ok_and(is_there)
        })
    }

    /// Whether a call was let fail.
    pub(crate) fn has_failed(&self) -> Result<bool> {
        Ok(self.read_log()?.contains("(INJECTED)"))
    }

    /// Whether a call that was delayed has gone on.
    pub(crate) fn is_over(&self) -> Result<bool> {
        // That is written behind what the call gives.
        Ok(self.read_log()?.contains("(DELAYED)"))
    }

    /// Fails unless a call was delayed.
    pub(crate) fn ensure_happened(&self) -> Result<()> {
        ensure!(self.is_over()?, "no call was delayed:\n{}", self.read_log()?);
        Ok(())
    }

    fn read_log(&self) -> Result<String> {
        fs::read_to_string(&self.log).context("read the log of strace")
    }
}

/// Tries with longer and longer delays, in milliseconds, until what has to happen during one did so
/// in time. What is tried gives nothing when it was late, and checks what has to hold even then.
pub(crate) fn in_time<T>(attempt: impl Fn(u64) -> Result<Option<T>>) -> Result<T> {
    try_each(&DELAYS, attempt)
}

/// The same, with a short one first: for what is tried hundreds of times, and mostly in time.
pub(crate) fn soon_in_time<T>(attempt: impl Fn(u64) -> Result<Option<T>>) -> Result<T> {
    let delays: Vec<u64> = [SHORT].into_iter().chain(DELAYS).collect();
    try_each(&delays, attempt)
}

fn try_each<T>(delays: &[u64], attempt: impl Fn(u64) -> Result<Option<T>>) -> Result<T> {
    for millis in delays.iter().copied() {
        if let Some(found) = attempt(millis)? {
            return Ok(found);
        }
    }
    bail!("every call went on too early, delays of {delays:?} ms")
}

/// Waits for what has to come, with patience for a busy machine.
pub(crate) fn wait_for(what: &str, is_there: impl Fn() -> bool) -> Result<()> {
    let began = Instant::now();
    while !is_there() {
        if began.elapsed() > PATIENCE {
            bail!("{what} did not come");
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn what_comes_too_late_is_tried_again_with_a_longer_delay() {
        let tried = RefCell::new(Vec::new());
        let attempt = |millis| {
            tried.borrow_mut().push(millis);
            Ok((millis >= 1000).then_some(millis))
        };
        assert_eq!(in_time(attempt).expect("it is in time"), 1000);
        assert_eq!(*tried.borrow(), [250, 500, 1000]);
        assert!(in_time(|_| Ok(None::<()>)).is_err());
        tried.borrow_mut().clear();
        assert_eq!(soon_in_time(attempt).expect("it is in time"), 1000);
        assert_eq!(*tried.borrow(), [80, 250, 500, 1000]);
    }
}
