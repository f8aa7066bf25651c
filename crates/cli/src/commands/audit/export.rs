//! `surecopy audit --export`.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufWriter, Error, ErrorKind, Write, stdout};
use std::os::unix::ffi::OsStrExt as _;
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
    let count = write_file(ledger, job, to).map_err(|error| failure(error, to))?;
    talk(&format!("{} written to {}", Count(count, "record"), Shown(to)));
    Ok(ExitStatus::Done)
}

/// The file gets its name when all of it is there, for good.
fn write_file(ledger: &Ledger, job: JobId, to: &Path) -> Result<u64, ExportError> {
    // Before anything is written: a log may be long.
    if fs::symlink_metadata(to).is_ok() {
        let taken = Error::new(ErrorKind::AlreadyExists, "it exists already");
        return Err(ExportError::Write(taken));
    }
    let unnamed = || ExportError::Write(ErrorKind::IsADirectory.into());
    // What ends so names a directory, and would be taken for a name.
    let is_directory =
        [&b"/"[..], b"/."].iter().any(|end| to.as_os_str().as_bytes().ends_with(end));
    let name = to.file_name().filter(|_| !is_directory).ok_or_else(unnamed)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let partial = format!(".surecopy-audit-{:016x}", surecopy::process_identity());
    let path = folder.join(&partial);
    let file = File::create_new(&path).map_err(ExportError::Write)?;
    let written = write(ledger, job, &file).and_then(|count| {
        file.sync_all()
            .and_then(|()| surecopy::publish_new_at(folder, OsStr::new(&partial), name))
            .map_err(ExportError::Write)?;
        Ok(count)
    });
    if written.is_err() {
        // The first error is the one to tell; when the file has its name, this one is gone.
        drop(fs::remove_file(&path));
    }
    written
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
