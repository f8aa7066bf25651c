//! What a verification comes to.

use surecopy_fs::FsError;

use crate::control::Cancelled;
use crate::error::Side;
use crate::policy::{Digest, Evidence};

/// A proof that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proof {
    /// How strong it is.
    pub(crate) evidence: Evidence,
    /// The content's digest.
    pub(crate) digest: Option<Digest>,
    /// Bytes of the source that were read for it.
    pub(crate) source_bytes_read: u64,
    /// Mapped windows that had to be read in the ordinary way.
    pub(crate) mapped_fallbacks: u64,
}

/// Why there is no proof.
#[derive(Debug)]
pub(crate) enum VerifyError {
    /// The user ended the job.
    Cancelled,
    /// What was read back differs.
    Mismatch,
    /// It could not be read back.
    Fs(Side, FsError),
}

impl From<Cancelled> for VerifyError {
    fn from(_: Cancelled) -> Self {
        VerifyError::Cancelled
    }
}
