//! Why a command could not do its work.

use std::fmt;

use surecopy::index::IndexError;
use surecopy::jobs::LedgerError;
use surecopy::{CopyError, MappingError};

use crate::exit::ExitStatus;
use crate::hint;
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

    /// What keeps a job from being made, or from being gone on with: either the arguments do not fit
    /// together, or what they name is not there.
    pub(crate) fn of_copy(error: &CopyError) -> Self {
        let status = match error {
            CopyError::Ledger(error) => return Self::of_ledger(error),
            CopyError::Mapping(
                MappingError::SourceMissing { .. } | MappingError::Inaccessible { .. },
            ) => ExitStatus::Refused,
            CopyError::Journal(_) => ExitStatus::RecordFailed,
            CopyError::Refused { .. } | CopyError::GivenUp { .. } => ExitStatus::Refused,
            CopyError::Cancelled => ExitStatus::Cancelled,
            _ => ExitStatus::Usage,
        };
        let hint = error.code().map(|code| hint::for_code(code).to_owned());
        Self { status, message: error.to_string(), hint }
    }

    /// The ledger cannot be used, or does not have what was asked for. What to do is in the message.
    pub(crate) fn of_ledger(error: &LedgerError) -> Self {
        let status = match error {
            LedgerError::NoSuchJob { .. } | LedgerError::Missing { .. } => ExitStatus::Usage,
            LedgerError::JobIsRunning { .. } | LedgerError::JobIsBeginning { .. } => {
                ExitStatus::Refused
            }
            _ => ExitStatus::RecordFailed,
        };
        Self { status, message: error.to_string(), hint: None }
    }

    /// The index cannot be used where nothing can be done without it.
    pub(crate) fn of_index(error: &IndexError) -> Self {
        let status = match error {
            IndexError::NoSuchLocation | IndexError::NotALocation { .. } => ExitStatus::Usage,
            _ => ExitStatus::RecordFailed,
        };
        Self { status, message: error.to_string(), hint: None }
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
