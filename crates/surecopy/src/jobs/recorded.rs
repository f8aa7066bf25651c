//! A run while it is recorded: its counters for whoever looks on, and its end.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use surecopy_engine::{Outcome, Progress, Report};
use surecopy_ledger::JobRun;

/// How often the counters of a run are told to the ledger.
const PULSE: Duration = Duration::from_millis(500);

/// Does the work, and tells the ledger how far it has got meanwhile.
pub(crate) fn while_telling<R>(run: &JobRun, progress: &Progress, work: impl FnOnce() -> R) -> R {
    std::thread::scope(|scope| {
        let (done, wait) = sync_channel::<()>(0);
        let tell = move || {
            while wait.recv_timeout(PULSE) == Err(RecvTimeoutError::Timeout) {
                run.tick(&progress.snapshot());
            }
        };
        // Where there is no thread for it, onlookers see what has ended, and no more.
        std::thread::Builder::new().spawn_scoped(scope, tell).ok();
        let result = work();
        drop(done);
        result
    })
}

/// Records the end of a run. When that fails, the outcome says so: what was done is done.
pub(crate) fn finish(run: JobRun, mut report: Report) -> Report {
    if let Err(error) = run.finish(&report)
        && !matches!(report.outcome, Outcome::JournalFailed(_))
    {
        report.outcome = Outcome::JournalFailed(error.to_string());
    }
    report
}
