//! Looking back at a job.

use std::convert::identity;

use surecopy::jobs::{
    self, JobId, JobRecord, JobState, Ledger, LookBack, LookBackReport, ResumeOptions, RunKind,
};
use surecopy::{Control, CopyError};

use super::args::{UndoArgs, VerifyArgs};
use super::dry_run::{self, Form, Wanted};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::hint::Occasion;
use crate::recorded::{NotCopied, next_after};
use crate::running::{
    Afterwards, Again, Ended, OutputArgs, Stage, UndoneJob, Verified, pulses_per_second,
};
use crate::terminal::Terminal;

/// Reads again what a job has copied.
pub(crate) fn verify(args: VerifyArgs) -> Result<ExitStatus, Failure> {
    let (ledger, record) = args.again.ledger.existing()?.with(args.job)?;
    let (output, options) = (&args.again.output, &args.again.options());
    verify_in(&ledger, &record, output, options, Afterwards::UpToTheUser)
}

/// The same in a ledger that is open, before something else.
pub(crate) fn verify_in(
    ledger: &Ledger,
    record: &JobRecord,
    output: &OutputArgs,
    options: &ResumeOptions,
    afterwards: Afterwards,
) -> Result<ExitStatus, Failure> {
    let not_copied = NotCopied::of(ledger, record).map_err(|error| Failure::of_ledger(&error))?;
    let back = Back { ledger, record, output, options };
    let occasion = match afterwards {
        Afterwards::UpToTheUser => Occasion::Verifying,
        Afterwards::Resumed => Occasion::Reverifying,
    };
    back.look((RunKind::Verify, occasion), "verifying", jobs::verify_job, move |report| Verified {
        report,
        not_copied,
        afterwards,
    })
}

/// Undoes a job, or gives up what it keeps.
pub(crate) fn undo(args: UndoArgs) -> Result<ExitStatus, Failure> {
    let (ledger, record) = args.again.ledger.existing()?.with(args.job)?;
    if args.dry_run {
        let wanted = if args.discard { Wanted::Discard } else { Wanted::Undo };
        let form = if args.again.output.json { Form::Json } else { Form::Words };
        return dry_run::tell(&ledger, &record, wanted, form);
    }
    let (output, options) = (&args.again.output, &args.again.options());
    let back = Back { ledger: &ledger, record: &record, output, options };
    if args.discard {
        let verb = "giving up what is kept of";
        return back.look(
            (RunKind::Discard, Occasion::Discarding),
            verb,
            jobs::discard_replaced,
            identity,
        );
    }
    let before = (record.state == JobState::Undone).then_some(record.id);
    back.look((RunKind::Undo, Occasion::Undoing), "undoing", jobs::undo_job, move |report| {
        UndoneJob { report, before }
    })
}

/// At which job, and how.
struct Back<'a> {
    ledger: &'a Ledger,
    /// The job as it was before.
    record: &'a JobRecord,
    output: &'a OutputArgs,
    options: &'a ResumeOptions,
}

type Make<R> = fn(&Ledger, JobId, &ResumeOptions) -> Result<LookBack<R>, CopyError>;

impl Back<'_> {
    /// `ended` says what is known when it has ended.
    fn look<R: LookBackReport + 'static, E: Ended>(
        &self,
        (kind, occasion): (RunKind, Occasion),
        verb: &str,
        make: Make<R>,
        ended: impl FnOnce(R) -> E + Send + 'static,
    ) -> Result<ExitStatus, Failure> {
        let terminal = Terminal::look();
        let limit = surecopy::raise_open_file_limit();
        tracing::debug!("this process may hold {limit} files open");
        let (ledger, output) = (self.ledger, self.output);
        // What can fail on this side fails before anything is recorded of the run.
        let control = Control::new();
        let stage = Stage::open(output, pulses_per_second()?, &control, terminal)?;
        let run =
            make(ledger, self.record.id, self.options).map_err(|error| Failure::of_copy(&error))?;
        let run = run.controlled_by(control);
        let again = Again { ledger, record: self.record, kind, occasion, verb };
        let renderer = again.renderer(&stage, output);
        let progress = run.progress();
        let next = || next_after(ledger, self.record.id);
        stage.run(renderer, progress, next, move |observer| ended(run.run(observer)))
    }
}
