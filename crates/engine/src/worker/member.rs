//! An item being worked on: what is known of it, how far it has got, what set it back.

use std::path::PathBuf;
use std::sync::Arc;

use surecopy_fs::{FileSystem, Metadata, RelPath, Volume};

use crate::commit::{Expected, Written};
use crate::context::Context;
use crate::error::{ItemError, Side};
use crate::loss::ReadFrom;
use crate::plan::{PlannedItem, Seen};
use crate::policy::{Digest, SkipReason};
use crate::report::{ItemReport, Share};
use crate::transfer::TransferError;
use crate::verify::VerifyError;

/// An item on its way through the commit protocol: the stage that its entry has reached, and what
/// it takes to go on.
pub(super) struct Member<F: FileSystem, S> {
    pub(super) work: Work,
    pub(super) stage: S,
    pub(super) claim: Claim<F>,
}

/// What an attempt found out that proving and publishing need.
pub(super) struct Claim<F: FileSystem> {
    /// What must stand under the visible name.
    pub(super) expected: Expected,
    /// What the digest of the read-back must be, when the bytes passed through memory.
    pub(super) digest: Option<Digest>,
    /// The open source, when it is needed for a comparison.
    pub(super) source: Option<F::File>,
    /// Where the source was read from, if that is of use later.
    pub(super) origin: Option<ReadFrom>,
    /// The source as it was when it was read.
    pub(super) source_seen: Seen,
    /// More of the same, of what was read; links have none.
    pub(super) source_metadata: Option<Metadata>,
    pub(super) volume: Arc<Volume>,
    /// How many of the worker's flushes of the volume had failed when it was begun.
    pub(super) failed_flushes: u64,
    /// The directory of the target beneath the destination root.
    pub(super) parent: RelPath,
}

impl<F: FileSystem> Claim<F> {
    /// The source is not needed any more; what was read of it may be.
    pub(super) fn let_go_of_source(&mut self, context: &Context<'_, F>) {
        if let (Some(source), Some(origin), Some(metadata)) =
            (self.source.take(), self.origin.take(), &self.source_metadata)
        {
            context.readable.after_reading(context.fs(), source, metadata, origin);
        }
    }
}

impl<F: FileSystem, S> Member<F, S> {
    /// Its mapping, and its directory beneath the destination root.
    pub(super) fn place(&self) -> (usize, RelPath) {
        (self.work.item.mapping, self.claim.parent.clone())
    }
}

/// An item that has not got as far as a complete partial file, and why.
pub(super) type HeldUp = Box<(Work, Setback)>;

/// What a successful attempt leaves: a complete partial file, and the claim to it.
pub(super) type Attempted<F> = (Written<F>, Claim<F>);

/// An item being worked on, with what is known of it so far.
#[derive(Debug, Clone)]
pub(super) struct Work {
    pub(super) item: PlannedItem,
    pub(super) report: ItemReport,
    /// What it has added to the counters.
    pub(super) share: Share,
    /// A kernel mechanism has failed for this item, so its bytes pass through memory from now on.
    pub(super) avoid_kernel: bool,
}

/// Why an attempt did not lead to a partial file that can be committed.
#[derive(Debug)]
pub(super) enum Setback {
    /// The user ended the job.
    Cancelled,
    /// There is nothing to do after all.
    Skip(SkipReason),
    /// It failed, and may be tried again if the error's class says so.
    Failed(ItemError),
    /// The source is held by a process that was asked to let go of it.
    Held(ItemError),
    /// A kernel mechanism failed; it is tried again without one.
    KernelFailed(ItemError),
}

impl Setback {
    /// Makes an item's error of a transfer's error.
    pub(super) fn of_transfer(error: TransferError, source: PathBuf, target: PathBuf) -> Self {
        match error {
            TransferError::Cancelled => Setback::Cancelled,
            TransferError::Fs(Side::Source, error) => {
                Setback::Failed(ItemError::from_fs(&error, Side::Source, source))
            }
            TransferError::Fs(Side::Destination, error) => {
                Setback::Failed(ItemError::from_fs(&error, Side::Destination, target))
            }
            // No code but the neutral one: either end may have failed.
            TransferError::KernelRefused(error) => Setback::KernelFailed(ItemError {
                os_error: error.os_error(),
                ..ItemError::new(
                    crate::error::ErrorCode::SystemError,
                    target,
                    format!("the kernel could not copy from one file to the other: {error}"),
                )
            }),
            TransferError::SourceGrew => Setback::Failed(ItemError::new(
                crate::error::ErrorCode::SourceChanged,
                source,
                "the source grew while it was being read",
            )),
        }
    }

    /// Makes an item's error of a verification's error that is not a mismatch.
    pub(super) fn of_verify(error: VerifyError, source: PathBuf, target: PathBuf) -> Option<Self> {
        match error {
            VerifyError::Cancelled => Some(Setback::Cancelled),
            VerifyError::Fs(Side::Source, error) => {
                Some(Setback::Failed(ItemError::from_fs(&error, Side::Source, source)))
            }
            VerifyError::Fs(Side::Destination, error) => {
                let mut error = ItemError::from_fs(&error, Side::Destination, target);
                // Not being able to read back is its own trouble, whatever the device said.
                error.code = crate::error::ErrorCode::ReadBackFailed;
                Some(Setback::Failed(error))
            }
            VerifyError::Mismatch => None,
        }
    }
}
