//! Listing jobs.

use surecopy::jobs::{JobRecord, Ledger};

use super::args::{JobsArgs, JobsCommand};
use super::{prune, table};
use crate::commands::{print, talk};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::json::{JobStatus, line};
use crate::recorded::{Condition, Found, Incomplete, no_jobs};
use crate::terminal;

/// Finished jobs that are listed without `--all`.
const LATEST: usize = 20;

/// Lists jobs, or removes old ones.
pub(crate) fn run(args: JobsArgs) -> Result<ExitStatus, Failure> {
    if let Some(JobsCommand::Prune(prune)) = args.command {
        if args.all {
            return Err(Failure::usage("--all is for listing jobs, and not for `jobs prune`"));
        }
        return prune::run(&prune.within(args.json, args.ledger));
    }
    let ledger = match args.ledger.existing()? {
        Found::Ledger(ledger) => ledger,
        Found::None { path } => {
            talk(&no_jobs(&path));
            return Ok(ExitStatus::Done);
        }
    };
    let (records, left_out) = listed(&ledger, args.all)?;
    if args.json {
        return print(
            &records
                .iter()
                .flat_map(|record| line(&JobStatus::new(&ledger, record)))
                .collect::<Vec<u8>>(),
        );
    }
    if records.is_empty() {
        talk("no jobs yet");
        return Ok(ExitStatus::Done);
    }
    let mut text = table::lines(&records, terminal::output_columns()).join("\n");
    text.push('\n');
    let status = print(text.as_bytes())?;
    if left_out > 0 {
        talk(&format!("{left_out} older ones are listed with --all"));
    }
    Ok(status)
}

/// The jobs to list, oldest first, and how many are left out.
fn listed(ledger: &Ledger, all: bool) -> Result<(Vec<JobRecord>, usize), Failure> {
    let mut records = ledger.jobs().map_err(|error| Failure::of_ledger(&error))?;
    if all {
        return Ok((records, 0));
    }
    let before = records.len();
    let old = before.saturating_sub(LATEST);
    let mut index = 0;
    records.retain(|record| {
        index += 1;
        index > old || !is_over(record)
    });
    let left_out = before - records.len();
    Ok((records, left_out))
}

/// Nothing of it is left to go on with, and what was copied is not known to be damaged, or to lack something.
fn is_over(record: &JobRecord) -> bool {
    let is_whole = record.damaged == 0 && !Incomplete::of_job(record).is_any();
    Condition::of(record).is_complete() && is_whole
}
