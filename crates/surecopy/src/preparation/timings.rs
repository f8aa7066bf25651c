//! How long each phase took.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use surecopy_engine::{Event, Observer, Phase};

/// Passes events on, and notes when phases end.
pub(super) struct Timings<'a> {
    observer: &'a dyn Observer,
    phases: Mutex<Vec<(Phase, Duration)>>,
}

impl<'a> Timings<'a> {
    pub(super) fn before(observer: &'a dyn Observer) -> Self {
        Self { observer, phases: Mutex::default() }
    }

    pub(super) fn into_phases(self) -> Vec<(Phase, Duration)> {
        self.phases.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Timings<'_> {
    fn on_event(&self, event: Event) {
        if let Event::PhaseFinished { phase, duration, .. } = event {
            self.phases.lock().unwrap_or_else(PoisonError::into_inner).push((phase, duration));
        }
        self.observer.on_event(event);
    }
}
