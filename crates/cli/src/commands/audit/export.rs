//! `surecopy audit --export`.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write, stdout};
use std::path::Path;

use surecopy::jobs::{ExportError, JobId, Ledger};

use crate::amounts::Count;
use crate::commands::talk;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::shown::Shown;

/// Stands for stdout where a file is expected.
const STDOUT: &str = "-";

/// Writes the audit log of a job. A file that is there already is left alone.
pub(super) fn export(ledger: &Ledger, job: JobId, to: &Path) -> Result<ExitStatus, Failure> {
    if to == Path::new(STDOUT) {
        return match write(ledger, job, stdout().lock()) {
            Err(ExportError::Write(error)) if error.kind() == ErrorKind::BrokenPipe => {
                Ok(ExitStatus::Done)
            }
            written => written.map(|_| ExitStatus::Done).map_err(|error| failure(error, to)),
        };
    }
    let file = File::create_new(to).map_err(|error| failure(ExportError::Write(error), to))?;
    let count = write(ledger, job, &file)
        .and_then(|count| file.sync_all().map(|()| count).map_err(ExportError::Write))
        .map_err(|error| failure(error, to))?;
    talk(&format!("{} written to {}", Count(count, "record"), Shown(to)));
    Ok(ExitStatus::Done)
}

fn write(ledger: &Ledger, job: JobId, to: impl Write) -> Result<u64, ExportError> {
    let mut to = BufWriter::new(to);
    let count = ledger.export_audit(job, &mut to)?;
    to.flush().map_err(ExportError::Write)?;
    Ok(count)
}

fn failure(error: ExportError, to: &Path) -> Failure {
    match error {
        ExportError::Ledger(error) => Failure::of_ledger(&error),
        ExportError::Write(error) => {
            Failure::other(format!("cannot write the audit log to {}: {error}", Shown(to)))
        }
    }
}
