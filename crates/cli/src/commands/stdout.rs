//! Writing a command's whole output at once, and talk beside it.

use std::io::{ErrorKind, Write};

use crate::exit::ExitStatus;
use crate::failure::Failure;

/// Writes data to stdout. A reader that has seen enough is not an error.
pub(crate) fn print(data: &[u8]) -> Result<ExitStatus, Failure> {
    let mut stdout = std::io::stdout().lock();
    written(stdout.write_all(data).and_then(|()| stdout.flush()))
}

/// What it means for the program's end that data was, or was not, written to stdout.
pub(crate) fn written(result: std::io::Result<()>) -> Result<ExitStatus, Failure> {
    match result {
        Ok(()) => Ok(ExitStatus::Done),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitStatus::Done),
        Err(error) => Err(Failure::other(format!("cannot write output: {error}"))),
    }
}

/// A line on stderr: nobody has to read it.
pub(crate) fn talk(line: &str) {
    if let Err(unwritten) = writeln!(std::io::stderr().lock(), "{line}") {
        tracing::debug!("nobody reads what is said: {unwritten}");
    }
}
