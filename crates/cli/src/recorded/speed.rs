//! How fast a job of another process is, by what it has recorded of itself.

use std::time::Duration;

use surecopy::jobs::{JobRecord, ProgressRecord};
use surecopy::rate::RateMeter;

/// Measures the speed of a run.
#[derive(Debug, Default)]
pub(crate) struct Speedometer {
    /// The run that it measures.
    run: Option<u64>,
    meter: RateMeter,
}

/// A speed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pace {
    pub(crate) bytes_per_second: f64,
    pub(crate) left: Option<Duration>,
}

impl Speedometer {
    /// Takes notice of a job. `None` when nobody is at work on it, or nothing has moved yet.
    pub(crate) fn observe(&mut self, record: &JobRecord) -> Option<Pace> {
        let run = record.runs.last().filter(|run| record.is_running && run.ended_ms.is_none())?;
        let progress = run.progress.as_ref()?;
        if self.run != Some(run.run) {
            self.run = Some(run.run);
            self.meter = RateMeter::new();
            self.meter.observe(Duration::ZERO, 0);
        }
        // What is read back when a job is looked at again moves nothing else.
        let (done, total) = if run.kind.copies() {
            (progress.bytes_copied, progress.bytes_total)
        } else {
            (progress.bytes_verified, progress.verify_total)
        };
        self.meter.observe(since(run.started_ms, progress), done);
        let rates = self.meter.rates();
        (done > 0).then(|| Pace {
            bytes_per_second: rates.current,
            left: self.meter.time_left(total.saturating_sub(done)),
        })
    }
}

fn since(started_ms: i64, progress: &ProgressRecord) -> Duration {
    Duration::from_millis(u64::try_from(progress.at_ms.saturating_sub(started_ms)).unwrap_or(0))
}
