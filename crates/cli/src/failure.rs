//! Why a command could not do its work.

use std::fmt;

use surecopy::index::{IndexError, LocationError};
use surecopy::jobs::LedgerError;
use surecopy::{CopyError, ErrorCode, MappingError};

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

    /// The index cannot be used by a command that is about it. What to do is in the message.
    pub(crate) fn of_index(error: &IndexError) -> Self {
        let status = match error {
            IndexError::NoSuchLocation | IndexError::NotALocation { .. } => ExitStatus::Usage,
            _ => ExitStatus::RecordFailed,
        };
        Self { status, message: error.to_string(), hint: None }
    }

    /// A path cannot become a location of the index, or is none.
    pub(crate) fn of_location(error: &LocationError) -> Self {
        use LocationError as Error;
        let (status, hint) = match error {
            Error::Index(error) => return Self::of_index(error),
            Error::Missing { .. } => {
                (ExitStatus::Refused, Some(hint::for_code(ErrorCode::SourceMissing)))
            }
            Error::Inaccessible { .. } => (ExitStatus::Refused, None),
            Error::NoSuchLocation { .. } | Error::PartOfAnother { .. } => {
                (ExitStatus::Usage, Some("surecopy index list shows the locations of an index"))
            }
            Error::EmptyPath | Error::NotADirectory { .. } | Error::HoldsAnother { .. } => {
                (ExitStatus::Usage, None)
            }
        };
        Self { status, message: error.to_string(), hint: hint.map(str::to_owned) }
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
