//! A disk that takes its time: each request waits for as long as a seed says, several at once, and is answered when its
//! time is over, before others that came earlier.
//!
//! What a request does happens when it is answered, so that nothing is on the disk sooner than that.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, bail};
use surecopy_testkit::Random;

/// How slow a disk is: each request takes a whole number of milliseconds within these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slow {
    pub(crate) seed: u64,
    pub(crate) least: u64,
    pub(crate) most: u64,
}

/// As it is told to the server.
impl fmt::Display for Slow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.seed, self.least, self.most)
    }
}

impl FromStr for Slow {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let words: Vec<&str> = text.split(' ').collect();
        let [seed, least, most] = words[..] else { bail!("{text:?} is no pace") };
        let slow = Self { seed: seed.parse()?, least: least.parse()?, most: most.parse()? };
        if slow.least > slow.most { bail!("{text:?} is no pace") } else { Ok(slow) }
    }
}

/// What became of requests since the pace was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Paced {
    /// How many had to wait.
    pub(crate) delayed: u64,
    /// How many were answered while one that had come before was not.
    pub(crate) overtaking: u64,
    /// How many waited at once, at most.
    pub(crate) most_at_once: u64,
}

impl fmt::Display for Paced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.delayed, self.overtaking, self.most_at_once)
    }
}

impl FromStr for Paced {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut numbers = text.split(' ').map(str::parse);
        let mut next = || numbers.next().context("three numbers")?.context("a number");
        Ok(Self { delayed: next()?, overtaking: next()?, most_at_once: next()? })
    }
}

/// Does a request and answers it.
pub(super) type Request = Box<dyn FnOnce() + Send>;

/// The requests that wait.
#[derive(Default)]
pub(super) struct Pace {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    slow: Option<(Slow, Random)>,
    /// By when they are due, and in the order in which they came.
    waiting: BTreeMap<(Instant, u64), Request>,
    came: u64,
    paced: Paced,
}

impl Pace {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("no request panics while it holds the queue")
    }

    /// From now on this; what waits already goes on waiting.
    pub(super) fn set(&self, slow: Option<Slow>) {
        let mut queue = self.queue();
        queue.slow = slow.map(|slow| (slow, Random::new(slow.seed)));
        queue.paced = Paced::default();
    }

    pub(super) fn paced(&self) -> Paced {
        self.queue().paced
    }

    /// Takes a request, to be done when it is due, or gives it back, to be done at once.
    pub(super) fn take(&self, request: Request) -> Option<Request> {
        let queue = &mut *self.queue();
        let Some((slow, random)) = &mut queue.slow else { return Some(request) };
        let millis = slow.least + random.below(slow.most - slow.least + 1);
        queue.came += 1;
        queue.waiting.insert((Instant::now() + Duration::from_millis(millis), queue.came), request);
        queue.paced.delayed += 1;
        queue.paced.most_at_once = queue.paced.most_at_once.max(queue.waiting.len() as u64);
        self.changed.notify_all();
        None
    }

    /// Does what is due, for ever.
    pub(super) fn work(&self) -> ! {
        let mut queue = self.queue();
        loop {
            let now = Instant::now();
            match queue.waiting.first_entry() {
                Some(first) if first.key().0 <= now => {
                    let ((_, number), request) = first.remove_entry();
                    let is_first = queue.waiting.keys().all(|(_, other)| *other > number);
                    queue.paced.overtaking += u64::from(!is_first);
                    drop(queue);
                    request();
                    queue = self.queue();
                }
                Some(first) => {
                    let left = first.key().0 - now;
                    let waited = self.changed.wait_timeout(queue, left);
                    (queue, _) = waited.expect("no request panics while it holds the queue");
                }
                None => {
                    let waited = self.changed.wait(queue);
                    queue = waited.expect("no request panics while it holds the queue");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::*;

    #[test]
    fn what_is_told_to_a_server_and_by_it_is_understood() {
        let slow = Slow { seed: 7, least: 1, most: 30 };
        assert_eq!(slow.to_string().parse::<Slow>().expect("it is one"), slow);
        let paced = Paced { delayed: 9, overtaking: 4, most_at_once: 3 };
        assert_eq!(paced.to_string().parse::<Paced>().expect("it is one"), paced);
        for text in ["", "1", "1 2", "1 3 2", "1 2 3 4", "x 1 2"] {
            assert!(text.parse::<Slow>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn requests_wait_and_overtake_each_other() {
        let pace = Arc::new(Pace::default());
        let worker = Arc::clone(&pace);
        std::thread::spawn(move || worker.work());
        let (sender, answers) = mpsc::sync_channel(51);
        let request = |number: u64| -> Request {
            let sender = sender.clone();
            Box::new(move || sender.send(number).expect("somebody waits"))
        };
        assert!(pace.take(request(0)).is_some(), "nobody has told it to be slow");
        pace.set(Some(Slow { seed: 3, least: 1, most: 30 }));
        let began = Instant::now();
        for number in 0..50 {
            assert!(pace.take(request(number)).is_none());
        }
        let mut order: Vec<u64> = answers.iter().take(50).collect();
        assert!(began.elapsed() >= Duration::from_millis(20));
        let paced = pace.paced();
        assert!(
            paced.delayed == 50 && paced.overtaking > 10 && paced.most_at_once > 10,
            "{paced:?}"
        );
        assert!(!order.is_sorted());
        order.sort_unstable();
        assert!(order.into_iter().eq(0..50));
    }
}
