//! Why a copy could not be prepared, or did not do everything that was asked.

use std::path::PathBuf;

use surecopy_engine::{ErrorClass, ErrorCode, ItemError, MappingError, Problem, Report};
use surecopy_fs::FsErrorKind;
use surecopy_ledger::{JobId, LedgerError};

use crate::settings::SettingError;

/// Why a copy could not be prepared, or did not do everything that was asked.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Sources and destination do not make a job.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// A setting cannot be understood.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// [`copy_file`](crate::copy_file) was given a directory.
    #[error("not a file: {}", path.display())]
    NotAFile {
        /// The source.
        path: PathBuf,
    },
    /// [`copy_tree`](crate::copy_tree) was given something else than a directory.
    #[error("not a directory: {}", path.display())]
    NotADirectory {
        /// The source.
        path: PathBuf,
    },
    /// Nothing was written, because it was known beforehand that the job cannot succeed.
    #[error("nothing was copied: {}", first(problems.iter().map(|problem| &problem.error)))]
    Refused {
        /// Everything that stands in the way.
        problems: Vec<Problem>,
    },
    /// The file was not copied; its target is as it was before.
    #[error("{0}")]
    Failed(ItemError),
    /// Some of the tree was not copied; the rest arrived.
    #[error("{} items were not copied, the first because {}", report.tally.failed, first(failures))]
    Incomplete {
        /// Everything about the run.
        report: Box<Report>,
        /// The first failures, [`CopyError::MOST_FAILURES`] at most.
        failures: Vec<ItemError>,
    },
    /// The job was cancelled.
    #[error("the copy was cancelled")]
    Cancelled,
    /// The ledger cannot be used, or has no such job, or another process is at work on it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// There is nothing to try again.
    #[error("nothing of job {job} has failed")]
    NothingFailed {
        /// The job.
        job: JobId,
    },
    /// The job was not to keep what it replaced, so there is nothing to put back.
    #[error("job {job} was not run with --keep-replaced, so nothing of it can be put back")]
    NothingKept {
        /// The job.
        job: JobId,
    },
    /// What the job had replaced was given up, all of it or some, so the job cannot be undone any more.
    #[error("job {job} cannot be undone: the replaced files that it kept were given up")]
    GivenUp {
        /// The job.
        job: JobId,
    },
    /// What is replaced was to be kept, but nobody would know where.
    #[error("to keep what is replaced, the job must be in a ledger")]
    NothingToUndoBy,
    /// What was about to happen could not be recorded, so it was not done.
    #[error("what was about to happen could not be recorded: {0}")]
    Journal(String),
    /// The job ended without saying anything about the file. This is a defect of surecopy.
    #[error("the job ended without a result for {}", path.display())]
    NoResult {
        /// The source.
        path: PathBuf,
    },
}

impl CopyError {
    /// The largest number of failures that [`CopyError::Incomplete`] lists, so that its memory does
    /// not grow with the tree. An [`Observer`](crate::Observer) is told of all of them.
    pub const MOST_FAILURES: usize = 100;

    /// The stable code; that of the first failure when there are several. `None` for what is said
    /// before there is a job, and for a job that was cancelled.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            CopyError::Mapping(error) => mapping_code(error),
            CopyError::Setting(_)
            | CopyError::Cancelled
            | CopyError::NotAFile { .. }
            | CopyError::NotADirectory { .. } => None,
            CopyError::Refused { problems } => problems.first().map(|problem| problem.error.code),
            CopyError::Failed(error) => Some(error.code),
            CopyError::Incomplete { failures, .. } => failures.first().map(|error| error.code),
            CopyError::NothingFailed { .. }
            | CopyError::NothingKept { .. }
            | CopyError::GivenUp { .. }
            | CopyError::NothingToUndoBy => None,
            CopyError::Ledger(
                LedgerError::NoSuchJob { .. }
                | LedgerError::JobIsRunning { .. }
                | LedgerError::JobIsBeginning { .. },
            ) => None,
            CopyError::Ledger(_) | CopyError::Journal(_) => Some(ErrorCode::JournalFailed),
            CopyError::NoResult { .. } => Some(ErrorCode::Internal),
        }
    }

    /// What kind of answer it calls for, where there is a code.
    pub fn class(&self) -> Option<ErrorClass> {
        self.code().map(ErrorCode::class)
    }
}

fn mapping_code(error: &MappingError) -> Option<ErrorCode> {
    match error {
        MappingError::SourceMissing { .. } => Some(ErrorCode::SourceMissing),
        // Nothing that exists has such a name, so it is a target's.
        MappingError::Inaccessible { source, .. } if source.kind == FsErrorKind::NameTooLong => {
            Some(ErrorCode::NameNotAllowed)
        }
        MappingError::Inaccessible { .. } => Some(ErrorCode::SystemError),
        MappingError::DirectoryOntoFile { .. } | MappingError::FileOntoDirectory { .. } => {
            Some(ErrorCode::TargetKindDiffers)
        }
        MappingError::NoSource
        | MappingError::EmptyPath
        | MappingError::SourceNotADirectory { .. }
        | MappingError::DestinationNotADirectory { .. }
        | MappingError::DestinationIsAFile { .. }
        | MappingError::ExactTargetForSeveral
        | MappingError::InvalidDestination { .. } => None,
    }
}

fn first<'a>(errors: impl IntoIterator<Item = &'a ItemError>) -> String {
    errors
        .into_iter()
        .next()
        .map_or_else(|| "of an unknown reason".to_owned(), ItemError::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_speaks_for_all() {
        let failure = |code| ItemError::new(code, PathBuf::from("a"), "it did not work");
        let error = CopyError::Incomplete {
            report: Box::new(crate::collector::tests::report()),
            failures: vec![failure(ErrorCode::QuotaExceeded), failure(ErrorCode::FlushFailed)],
        };
        assert_eq!(error.code(), Some(ErrorCode::QuotaExceeded));
        assert_eq!(error.class(), Some(ErrorClass::NeedsUser));
        assert!(error.to_string().ends_with("because it did not work (QUOTA_EXCEEDED)"), "{error}");
    }

    #[test]
    fn a_missing_source_has_the_same_code_before_and_during_a_job() {
        let missing = MappingError::SourceMissing { path: PathBuf::from("a") };
        assert_eq!(CopyError::from(missing).code(), Some(ErrorCode::SourceMissing));
    }
}
