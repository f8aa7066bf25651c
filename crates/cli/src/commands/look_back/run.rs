//! Looking back at a job.

use surecopy::CopyError;
use surecopy::jobs::{self, JobId, Ledger, LookBack, LookBackReport, ResumeOptions, RunKind};

use super::args::{LookBackArgs, UndoArgs, VerifyArgs};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::running::{Again, Ended, Stage, pulses_per_second};
use crate::terminal::Terminal;

/// Reads again what a job has copied.
pub(crate) fn verify(args: VerifyArgs) -> Result<ExitStatus, Failure> {
    look_back(args.job, &args.again, RunKind::Verify, "verifying", jobs::verify_job)
}

/// Undoes a job, or gives up what it keeps.
pub(crate) fn undo(args: UndoArgs) -> Result<ExitStatus, Failure> {
    if args.discard {
        let verb = "giving up what is kept of";
        return look_back(args.job, &args.again, RunKind::Discard, verb, jobs::discard_replaced);
    }
    look_back(args.job, &args.again, RunKind::Undo, "undoing", jobs::undo_job)
}

type Make<R> = fn(&Ledger, JobId, &ResumeOptions) -> Result<LookBack<R>, CopyError>;

fn look_back<R: LookBackReport + Ended>(
    job: JobId,
    args: &LookBackArgs,
    kind: RunKind,
    verb: &str,
    make: Make<R>,
) -> Result<ExitStatus, Failure> {
    let terminal = Terminal::look();
    let limit = surecopy::raise_open_file_limit();
    tracing::debug!("this process may hold {limit} files open");
    let pulses_per_second = pulses_per_second()?;
    let ledger = args.ledger.existing()?.with(job)?;
    let record = ledger.job(job).map_err(|error| Failure::of_ledger(&error))?;
    let run = make(&ledger, job, &args.options()).map_err(|error| Failure::of_copy(&error))?;
    let stage = Stage::open(&args.output, pulses_per_second, &run.control(), terminal)?;
    let again = Again { ledger: &ledger, record: &record, kind, verb };
    let renderer = again.renderer(&stage, &args.output);
    let progress = run.progress();
    stage.run(renderer, progress, move |observer| run.run(observer))
}
