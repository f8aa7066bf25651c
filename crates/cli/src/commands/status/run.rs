//! Showing one job.

use surecopy::jobs::{JobRecord, Ledger};

use super::args::StatusArgs;
use super::{follow, words};
use crate::commands::{print, talk};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::json::{JobStatus, line};
use crate::recorded::{Found, Speedometer, no_jobs};

/// Shows a job.
pub(crate) fn run(args: StatusArgs) -> Result<ExitStatus, Failure> {
    let (ledger, record) = match (args.ledger.existing()?, args.job) {
        (Found::None { path }, None) => {
            talk(&no_jobs(&path));
            return Ok(ExitStatus::Done);
        }
        (Found::Ledger(ledger), None) => match current(&ledger)? {
            Some(record) => (ledger, record),
            None => {
                talk("no jobs yet");
                return Ok(ExitStatus::Done);
            }
        },
        (found, Some(job)) => found.with(job)?,
    };
    if args.follow {
        return follow::follow(&ledger, record, args.json);
    }
    let pace = Speedometer::default().observe(&record);
    if args.json {
        return print(&line(&JobStatus::new(&ledger, &record).at_pace(pace)));
    }
    let mut lines = words::lines(&record, pace);
    lines.extend(words::failed(&ledger, &record)?);
    lines.extend(words::advice(&ledger, &record));
    print(format!("{}\n", lines.join("\n")).as_bytes())
}

/// The job that runs, or else the latest.
fn current(ledger: &Ledger) -> Result<Option<JobRecord>, Failure> {
    let mut jobs = ledger.jobs().map_err(|error| Failure::of_ledger(&error))?;
    let running = jobs.iter().rposition(|record| record.is_running);
    Ok(match running {
        Some(index) => Some(jobs.swap_remove(index)),
        None => jobs.pop(),
    })
}
