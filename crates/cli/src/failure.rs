//! Why a command could not do its work.

use std::fmt;

use crate::exit::ExitStatus;
use crate::shown::Plain;

/// How the program ends, and what is said about it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: ExitStatus,
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// The command line or something that it names makes no sense.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self { status: ExitStatus::Usage, message: message.to_string(), hint: None }
    }

    /// Something else went wrong before there was a job.
    pub(crate) fn other(message: impl fmt::Display) -> Self {
        Self { status: ExitStatus::ItemsFailed, message: message.to_string(), hint: None }
    }
}

/// As it is said on stderr: whole lines.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", Plain(&self.message))?;
        match &self.hint {
            Some(hint) => writeln!(f, "what to do: {hint}"),
            None => Ok(()),
        }
    }
}
