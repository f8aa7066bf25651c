//! Going on with a job.

use std::sync::Arc;

use surecopy::jobs::{self, JobId, JobRecord, JobState, Ledger, RunKind};
use surecopy::{ConflictPolicy, Control, CopyError, Job};

use super::args::{AgainArgs, ResumeArgs, RetryArgs};
use crate::commands::{look_back, print, talk};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::hint::Occasion;
use crate::human::TerminalResolver;
use crate::recorded::{Found, Incomplete, next_after, no_jobs};
use crate::running::{Afterwards, Again, Stage, pulses_per_second};
use crate::terminal::Terminal;

/// Goes on with a job.
pub(crate) fn resume(args: ResumeArgs) -> Result<ExitStatus, Failure> {
    let found = args.again.ledger.existing()?;
    let (ledger, record) = match (found, args.job) {
        (found, Some(job)) => found.with(job)?,
        (Found::None { path }, None) => {
            talk(&no_jobs(&path));
            return Ok(ExitStatus::Done);
        }
        (Found::Ledger(ledger), None) => {
            match ledger.latest_to_resume().map_err(|error| Failure::of_ledger(&error))? {
                Some(record) => (ledger, record),
                None => {
                    talk(&nothing_to_resume(&ledger)?);
                    return Ok(ExitStatus::Done);
                }
            }
        }
    };
    if args.reverify {
        can_be_asked(&record, &args.again, Terminal::look())?;
        let AgainArgs { output, .. } = &args.again;
        let options = &args.again.options();
        let afterwards = Afterwards::Resumed;
        let status = look_back::verify_in(&ledger, &record, output, options, afterwards)?;
        // Damaged items are what this is about.
        if !matches!(status, ExitStatus::Done | ExitStatus::Mismatch) {
            return Ok(status);
        }
    }
    let make = |ledger: &Ledger, job| jobs::resume(ledger, job, &args.again.options());
    go_on(&ledger, &record, RunKind::Resume, &args.again, make)
}

/// What is said when no job is there to be gone on with. One that somebody is at work on may be the one
/// that was meant.
fn nothing_to_resume(ledger: &Ledger) -> Result<String, Failure> {
    let mut text = "nothing to resume: no job was interrupted, cancelled or stopped".to_owned();
    let jobs = ledger.jobs().map_err(|error| Failure::of_ledger(&error))?;
    if let Some(running) = jobs.iter().rfind(|job| job.is_running) {
        text.push_str(&format!("; job {0} is running (see `surecopy status {0}`)", running.id));
    }
    Ok(text)
}

/// Tries the failed items of a job again.
pub(crate) fn retry(args: RetryArgs) -> Result<ExitStatus, Failure> {
    let (ledger, record) = args.again.ledger.existing()?.with(args.job)?;
    let make = |ledger: &Ledger, job| jobs::retry(ledger, job, &args.again.options());
    go_on(&ledger, &record, RunKind::Retry, &args.again, make)
}

fn go_on(
    ledger: &Ledger,
    record: &JobRecord,
    kind: RunKind,
    args: &AgainArgs,
    make: impl FnOnce(&Ledger, JobId) -> Result<Job, CopyError>,
) -> Result<ExitStatus, Failure> {
    let terminal = Terminal::look();
    // What can fail on this side fails before anything is recorded of the run.
    can_be_asked(record, args, terminal)?;
    let limit = surecopy::raise_open_file_limit();
    tracing::debug!("this process may hold {limit} files open");
    let control = Control::new();
    let stage = Stage::open(&args.output, pulses_per_second()?, &control, terminal)?;
    let resolver = is_asking(record)
        .then(|| TerminalResolver::start(Arc::clone(stage.screen()), control.clone()))
        .transpose()
        .map_err(|error| Failure::other(format!("cannot ask questions: {error}")))?;
    let mut job = match make(ledger, record.id) {
        Ok(job) => job.controlled_by(control),
        Err(CopyError::NothingFailed { .. }) => return nothing_failed(ledger, record.id, args),
        Err(error) => return Err(Failure::of_copy(&error)),
    };
    if let Some(resolver) = resolver {
        job.ask(Box::new(resolver));
    }
    let verb = if kind == RunKind::Retry { "retrying" } else { "resuming" };
    let again = Again { ledger, record, kind, occasion: Occasion::Copying, verb };
    let renderer = again.renderer(&stage, &args.output);
    let progress = job.progress();
    let next = || next_after(ledger, record.id);
    stage.run(renderer, progress, next, move |observer| job.run(observer))
}

fn nothing_failed(ledger: &Ledger, job: JobId, args: &AgainArgs) -> Result<ExitStatus, Failure> {
    let record = ledger.job(job).map_err(|error| Failure::of_ledger(&error))?;
    let (text, status) = nothing_to_retry(job, record.state, Incomplete::of_job(&record))?;
    if args.output.json {
        talk(&text);
        return Ok(status);
    }
    let printed = print(format!("{text}\n").as_bytes())?;
    let status = if printed == ExitStatus::Done { status } else { printed };
    if let Some((why, command)) = next_after(ledger, job) {
        talk(&format!("{why}: {command}"));
    }
    Ok(status)
}

/// What is said when nothing of a job has failed, which cannot be of one that ended with failures. Directories
/// that lack something are no items of it.
fn nothing_to_retry(
    job: JobId,
    state: JobState,
    incomplete: Incomplete,
) -> Result<(String, ExitStatus), Failure> {
    if state == JobState::Incomplete {
        return Err(Failure {
            status: ExitStatus::ItemsFailed,
            message: format!("some of job {job} has failed, and it is not known any more what"),
            hint: Some(format!("look at all of it again: surecopy resume {job}")),
        });
    }
    let text = CopyError::NothingFailed { job }.to_string();
    if state == JobState::Finished && incomplete.directories > 0 {
        let text = format!("{text}; not everything was kept of {incomplete}");
        return Ok((text, ExitStatus::MetadataIncomplete));
    }
    Ok((text, ExitStatus::Done))
}

fn is_asking(record: &JobRecord) -> bool {
    record.request.as_ref().is_ok_and(|spec| spec.conflict == ConflictPolicy::Ask)
}

/// A job that asks is gone on with only where somebody can answer.
fn can_be_asked(record: &JobRecord, args: &AgainArgs, terminal: Terminal) -> Result<(), Failure> {
    if !is_asking(record) {
        return Ok(());
    }
    let obstacle =
        if args.output.json { Some("--json is for programs") } else { terminal.obstacle_to_asking };
    obstacle.map_or(Ok(()), |obstacle| {
        let way = if args.output.json { " without --json" } else { "" };
        let hint = format!("run it in a terminal{way}, or copy again with another --on-conflict");
        Err(Failure {
            hint: Some(hint),
            ..Failure::usage(format!(
                "the job asks what to do about targets that exist, and nobody can be asked: \
                 {obstacle}"
            ))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_ended_with_failures_is_not_said_to_have_none() {
        for state in JobState::ALL {
            let said = nothing_to_retry(JobId(7), state, Incomplete { items: 0, directories: 0 });
            assert_eq!(said.is_err(), state == JobState::Incomplete, "{state:?} {said:?}");
        }
    }

    #[test]
    fn a_directory_that_lacks_something_is_not_passed_over() {
        let incomplete = Incomplete { items: 0, directories: 1 };
        let (text, status) =
            nothing_to_retry(JobId(7), JobState::Finished, incomplete).expect("nothing has failed");
        assert_eq!(text, "nothing of job 7 has failed; not everything was kept of 1 directory");
        assert_eq!(status, ExitStatus::MetadataIncomplete);
        // There is more to do than that.
        let (_, status) = nothing_to_retry(JobId(7), JobState::Interrupted, incomplete).unwrap();
        assert_eq!(status, ExitStatus::Done);
    }
}
