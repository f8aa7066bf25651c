//! stdout and stderr of a job, and what it means for the program's end when they cannot be written.

use std::io;

use surecopy::Control;

use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::signals::SignalCount;
use crate::stream::{OnFailure, Stream, StreamEnd};

/// Both streams.
pub(super) struct Streams {
    pub(super) stdout: Stream,
    pub(super) stderr: Stream,
    /// A program reads stdout, and the job was run for it.
    is_for_program: bool,
}

impl Streams {
    /// # Errors
    /// When the operating system gives no threads.
    pub(super) fn start(is_for_program: bool, control: &Control) -> io::Result<Self> {
        let on_failure = if is_for_program { OnFailure::Cancel } else { OnFailure::GoOn };
        let stdout = Stream::start(io::stdout(), on_failure, control.clone())?;
        let stderr = Stream::start(io::stderr(), OnFailure::GoOn, control.clone())?;
        Ok(Self { stdout, stderr, is_for_program })
    }

    /// Waits for everything to be written, and says how the program ends after a job that ended
    /// with `status`.
    pub(super) fn end(
        &self,
        status: ExitStatus,
        signals: &SignalCount,
    ) -> Result<ExitStatus, Failure> {
        match self.stdout.finish() {
            StreamEnd::Written => Ok(status),
            // Whoever looks on may go; a program that does not wait for the report has not had it.
            StreamEnd::ReaderGone if !self.is_for_program => Ok(status),
            StreamEnd::ReaderGone | StreamEnd::Abandoned => Ok(status.or_cancelled()),
            StreamEnd::Failed(error) => {
                let is_ours =
                    self.is_for_program && status == ExitStatus::Cancelled && signals.get() == 0;
                let is_told = status != ExitStatus::Done && !is_ours;
                let status = if is_told { status } else { ExitStatus::ItemsFailed };
                let message = format!("cannot write output: {error}");
                Err(Failure { status, message, hint: None })
            }
        }
    }
}
