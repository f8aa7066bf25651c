//! How far a preparation is: one share of the whole that only grows, and never by more than half at once.
//!
//! Pure arithmetic: moments and counters are handed in.

use std::time::Duration;

use surecopy_engine::{Phase, Snapshot};

use crate::rate::RateMeter;

/// Which part of the whole each phase is, by its beginning and its end. What is unknown beforehand is how
/// long a scan will take, so it has the largest.
fn part_of(phase: Phase) -> (f64, f64) {
    match phase {
        Phase::Recover => (0.0, 0.0),
        Phase::QuickAssessment => (0.0, 0.1),
        Phase::StalenessValidation => (0.1, 0.5),
        Phase::ProgressiveScanning => (0.1, 0.95),
        Phase::Ready | Phase::Preflight | Phase::Copy | Phase::Finish => (1.0, 1.0),
    }
}

/// The share that may be added from one time that it is shown to the next.
const MOST_AT_ONCE: f64 = 0.5;

/// A whole phase, in the units that its speed is measured in.
const WHOLE: f64 = 1e9;

/// How far a preparation is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HowFar {
    /// Of the whole, from 0 to 1.
    pub share: f64,
    /// Until the present phase ends; `None` where that cannot be said.
    pub time_left: Option<Duration>,
}

/// Follows a preparation, for whoever shows it.
#[derive(Debug, Clone, Default)]
pub struct Advance {
    shown: f64,
    /// The present phase, and what was shown when it was first seen.
    phase: Option<(Phase, f64)>,
    /// How fast the present phase goes on.
    speed: RateMeter,
}

impl Advance {
    /// Has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// How far it is by its counters, at a moment that is later than those before.
    pub fn observe(&mut self, now: Duration, snapshot: &Snapshot) -> HowFar {
        let Some(phase) = snapshot.phase else {
            return HowFar { share: self.shown, time_left: None };
        };
        let from = self.enter(phase);
        let done = share_done(phase, snapshot);
        let (begin, end) = part_of(phase);
        let begin = begin.max(from).min(end);
        self.show(begin + (end - begin) * done.unwrap_or(0.0));
        let time_left = done.and_then(|done| {
            self.speed.observe(now, (done * WHOLE) as u64);
            self.speed.time_left(((1.0 - done) * WHOLE) as u64)
        });
        HowFar { share: self.shown, time_left }
    }

    /// How far it is when a phase begins.
    pub fn begin(&mut self, phase: Phase) -> f64 {
        self.enter(phase);
        self.show(part_of(phase).0)
    }

    /// How far it is when a phase ends.
    pub fn end(&mut self, phase: Phase) -> f64 {
        self.show(part_of(phase).1)
    }

    /// What was shown when this phase was first seen.
    fn enter(&mut self, phase: Phase) -> f64 {
        match self.phase {
            Some((present, from)) if present == phase => from,
            _ => {
                self.phase = Some((phase, self.shown));
                self.speed = RateMeter::new();
                self.shown
            }
        }
    }

    fn show(&mut self, share: f64) -> f64 {
        self.shown = self.shown.max(share.min(self.shown + MOST_AT_ONCE));
        self.shown
    }
}

/// How much of a phase is done, from 0 to 1.
fn share_done(phase: Phase, snapshot: &Snapshot) -> Option<f64> {
    let share = |done: u64, total: u64| (total > 0).then(|| (done as f64 / total as f64).min(1.0));
    match phase {
        Phase::ProgressiveScanning => match snapshot.expected {
            Some(expected) if expected.items > 0 => share(snapshot.items_total, expected.items),
            _ => Some(snapshot.scanned),
        },
        Phase::StalenessValidation => share(snapshot.directories_done, snapshot.directories_total),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use surecopy_engine::Expected;

    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn scanning(scanned: f64) -> Snapshot {
        Snapshot { phase: Some(Phase::ProgressiveScanning), scanned, ..Snapshot::default() }
    }

    #[test]
    fn a_tree_that_is_known_goes_through_every_phase() {
        let mut advance = Advance::new();
        let mut shares = vec![
            advance.begin(Phase::QuickAssessment),
            advance.end(Phase::QuickAssessment),
            advance.begin(Phase::StalenessValidation),
        ];
        let validating = Snapshot {
            phase: Some(Phase::StalenessValidation),
            directories_done: 50,
            directories_total: 100,
            ..Snapshot::default()
        };
        shares.push(advance.observe(at(11), &validating).share);
        shares.push(advance.end(Phase::StalenessValidation));
        let known = Snapshot {
            items_total: 20,
            expected: Some(Expected { items: 40, bytes: 0 }),
            ..scanning(0.1)
        };
        shares.push(advance.observe(at(12), &known).share);
        shares.push(advance.end(Phase::ProgressiveScanning));
        shares.push(advance.begin(Phase::Ready));
        let rounded: Vec<i64> =
            shares.iter().map(|share| (share * 1000.0).round() as i64).collect();
        assert_eq!(rounded, [0, 100, 100, 300, 500, 725, 950, 1000]);
    }

    #[test]
    fn the_time_left_follows_the_speed() {
        let mut advance = Advance::new();
        assert_eq!(advance.observe(at(0), &scanning(0.0)).time_left, None);
        for step in 1..=10 {
            advance.observe(at(100 * step), &scanning(step as f64 / 20.0));
        }
        let left = advance.observe(at(1_100), &scanning(0.55)).time_left.unwrap();
        assert!(left.abs_diff(at(900)) < at(20), "{left:?}");
        // What came fast in the beginning says little when it goes on slowly.
        let left =
            (12..=300).map(|step| advance.observe(at(100 * step), &scanning(0.56)).time_left);
        assert!(left.last().unwrap().unwrap() > at(60_000));
    }

    #[test]
    fn it_never_goes_back_and_never_jumps_by_more_than_half() {
        // Large parts at once; and a small tree is done at once.
        for scan in [vec![0.1, 0.2, 0.19, 0.9, 0.91], vec![]] {
            let mut advance = Advance::new();
            let mut shares = vec![0.0, advance.begin(Phase::ProgressiveScanning)];
            for (number, scanned) in scan.into_iter().enumerate() {
                let now = at(50 * number as u64);
                shares.push(advance.observe(now, &scanning(scanned)).share);
            }
            shares.push(advance.end(Phase::ProgressiveScanning));
            shares.push(advance.begin(Phase::Ready));
            shares.push(advance.end(Phase::Ready));
            assert!(
                shares.windows(2).all(|two| two[0] <= two[1] && two[1] - two[0] <= 0.5),
                "{shares:?}"
            );
            assert_eq!(shares.last(), Some(&1.0), "{shares:?}");
        }
    }
}
