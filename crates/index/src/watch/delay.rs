//! What the index would not take, until it does: it is said once, and tried less and less often.

use std::collections::BTreeSet;
use std::time::Duration;

/// How long it is before something is tried again: at first, and at most.
const FIRST: Duration = Duration::from_millis(250);
const MOST: Duration = Duration::from_secs(30);

/// Something that is done with the index, most of it for the location of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Work {
    /// Finding out which locations there are.
    Locations,
    /// Reading what a location is.
    Begin(usize),
    /// Marking what happened.
    Marks(usize),
    /// Marking what was not known when it happened.
    Unmatched(usize),
    /// Reading what is to be looked at.
    Look(usize),
    /// Writing down what the looks have found.
    Findings(usize),
    /// Writing down until when everything was seen.
    Note(usize),
}

/// What has failed and was not done since.
#[derive(Debug, Default)]
pub(super) struct Delay {
    failed: BTreeSet<Work>,
    wait: Duration,
    until: Duration,
}

impl Delay {
    /// When it is tried again, as time since boot.
    pub(super) fn until(&self) -> Duration {
        self.until
    }

    /// Something failed; says whether all was well before.
    pub(super) fn begin(&mut self, work: Work, now: Duration) -> bool {
        let is_first = self.failed.is_empty();
        self.failed.insert(work);
        // What else fails at the same time makes it no longer.
        if is_first || now >= self.until {
            self.wait = if is_first { FIRST } else { (self.wait * 2).min(MOST) };
            self.until = now + self.wait;
        }
        is_first
    }

    /// Something was done, or need not be done any more. Once nothing is left, nothing waits.
    pub(super) fn end(&mut self, work: Work) {
        if self.failed.remove(&work) && self.failed.is_empty() {
            self.until = Duration::ZERO;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_when_what_failed_was_done() {
        let mut delay = Delay::default();
        assert!(delay.begin(Work::Note(1), Duration::ZERO));
        assert!(!delay.begin(Work::Findings(0), Duration::ZERO));
        // That there was nothing to mark says nothing of them.
        delay.end(Work::Marks(0));
        delay.end(Work::Note(1));
        assert!(!delay.begin(Work::Findings(0), FIRST));
        delay.end(Work::Findings(0));
        assert_eq!(delay.until(), Duration::ZERO);
        assert!(delay.begin(Work::Findings(0), FIRST));
        assert_eq!(delay.until(), FIRST * 2);
    }

    #[test]
    fn it_is_tried_less_and_less_often() {
        let (mut delay, mut now, mut waits) = (Delay::default(), Duration::ZERO, Vec::new());
        for _ in 0..9 {
            delay.begin(Work::Note(0), now);
            delay.begin(Work::Note(1), now);
            waits.push((delay.until() - now).as_millis());
            now = delay.until();
        }
        assert_eq!(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    }
}
