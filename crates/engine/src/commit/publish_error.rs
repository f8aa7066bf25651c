//! Why an entry was not published.

use std::ffi::OsString;

use surecopy_fs::FsError;

/// Why publishing did not happen. Unless said otherwise, the visible name is as it was.
#[derive(Debug)]
pub(crate) enum PublishError {
    /// The job was cancelled while the old file was being copied to be kept.
    Cancelled,
    /// Something else stands under the visible name than was expected.
    TargetChanged,
    /// A step failed.
    Fs(FsError),
    /// Another program's file turned out to have been exchanged, and could not be exchanged back,
    /// or yet another one came in between: what has this name is not ours, and is kept.
    Displaced {
        /// Where it is kept.
        kept_as: OsString,
        /// Why it is not back.
        error: FsError,
    },
    /// A step failed, and may have been carried out all the same. Which file is visible is not
    /// known, so both are kept, one of them under this name.
    Unknown {
        /// Where it is kept.
        kept_as: OsString,
        /// What failed.
        error: FsError,
    },
}

impl From<FsError> for PublishError {
    fn from(error: FsError) -> Self {
        PublishError::Fs(error)
    }
}
