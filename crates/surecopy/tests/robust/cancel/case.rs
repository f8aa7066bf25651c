//! One phase and mechanism, and how long it takes to be given up there.

use std::cell::Cell;
use std::time::{Duration, Instant};

use surecopy::{ConflictPolicy, CopyRequest, Outcome, Snapshot, StrategyChoice, VerifyPolicy};

use crate::place::{Place, long_ago, set_times};
use crate::running::{Ended, run_and};

const PROMISED: Duration = Duration::from_millis(500);

/// The machine may be busy with other things: what counts is what it can do.
const TRIES: usize = 3;

/// On a busy machine a moment may pass before it is seen.
const RUNS: usize = 10;

/// One phase and mechanism.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// What is copied, beneath the place.
    pub(super) source: &'static str,
    pub(super) strategy: StrategyChoice,
    pub(super) verify: VerifyPolicy,
    pub(super) setting: Option<(&'static str, &'static str)>,
    pub(super) by_content: bool,
    /// It is held before it is given up.
    pub(super) is_paused: bool,
    pub(super) moment: fn(&Snapshot) -> bool,
}

impl Case {
    pub(super) const fn new(
        name: &'static str,
        source: &'static str,
        strategy: StrategyChoice,
        verify: VerifyPolicy,
        moment: fn(&Snapshot) -> bool,
    ) -> Self {
        Self {
            name,
            source,
            strategy,
            verify,
            setting: None,
            by_content: false,
            is_paused: false,
            moment,
        }
    }

    pub(super) fn copy(&self, place: &Place) -> CopyRequest {
        let copy = CopyRequest::new([place.at(self.source).join("")], place.at("out"))
            .strategy(self.strategy)
            .verify(self.verify)
            .checksum(self.by_content)
            .jobs(1);
        let copy = if self.by_content { copy } else { copy.on_conflict(ConflictPolicy::Replace) };
        match self.setting {
            Some((name, value)) => copy.set(name, value).expect("a setting"),
            None => copy,
        }
    }

    /// Runs until the moment has come, cancels, and returns how long that took.
    fn cancel(&self, place: &Place) -> Option<(Duration, Ended)> {
        let asked = Cell::new(None);
        let ended = run_and(self.copy(place), self.moment, |control| {
            if self.is_paused {
                control.pause();
            }
            asked.set(Some(Instant::now()));
            control.cancel();
        });
        let asked = asked.get()?;
        // At the very end a job may finish before it is told.
        let is_cancelled = ended.report.outcome == Outcome::Cancelled;
        is_cancelled.then(|| (ended.at.saturating_duration_since(asked), ended))
    }

    /// The best of a few tries. After each, `check` looks at what is left.
    pub(super) fn measure(&self, prepare: impl Fn() -> Place, check: impl Fn(&Place, &Ended)) {
        let mut figures = Vec::new();
        for _ in 0..RUNS {
            let place = prepare();
            let Some((took, ended)) = self.cancel(&place) else { continue };
            check(&place, &ended);
            figures.push(took);
            if took < PROMISED || figures.len() == TRIES {
                break;
            }
        }
        println!("{}: {figures:?}", self.name);
        let best = figures.iter().min();
        assert!(best.is_some(), "{}: the moment never came", self.name);
        assert!(best < Some(&PROMISED), "{}: {figures:?}", self.name);
    }
}

/// A destination with one old target and directories whose times tell whether they were touched.
pub(super) fn destination(place: &Place) {
    place.file("out/old/file", 5000);
    place.dir("out/untouched");
    for name in ["out/old/file", "out/old", "out/untouched", "out"] {
        set_times(&place.at(name), long_ago(9));
    }
}
