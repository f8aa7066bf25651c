//! Letting the kernel move the bytes: sharing blocks, else copying inside the kernel.

use surecopy_fs::{FileSystem, FsError, FsErrorKind, Operation, Support};

use super::{AtSide, TransferError, Transferred};
use crate::control::Control;
use crate::error::Side;
use crate::policy::{
    AfterTrial, Experience, Mechanism, MechanismMemory, ReflinkMode, Trial, VolumePair,
};

/// Bytes copied between two looks at the cancel switch. At 100 MB/s that is 160 ms.
const WINDOW_BYTES: u64 = 16 << 20;

/// What a kernel copy needs.
pub(crate) struct KernelCopy<'a, F: FileSystem> {
    pub(crate) fs: &'a F,
    pub(crate) source: &'a F::File,
    pub(crate) partial: &'a F::File,
    pub(crate) length: u64,
    pub(crate) pair: VolumePair,
    pub(crate) memory: &'a MechanismMemory,
    pub(crate) reflink: ReflinkMode,
    /// The destination's file system may share blocks without being asked to.
    pub(crate) may_share_unasked: bool,
    /// `copy_file_range` is worth its while for this file (not small, no holes to keep).
    pub(crate) try_copy_range: bool,
    pub(crate) control: &'a Control,
}

/// Tries the kernel's mechanisms in order. `None` means that none is offered here and the bytes
/// must pass through memory.
pub(crate) fn copy_in_kernel<F: FileSystem>(
    copy: &KernelCopy<'_, F>,
    copied: &mut dyn FnMut(u64),
) -> Result<Option<Transferred>, TransferError> {
    if copy.reflink != ReflinkMode::Never
        && let Some(done) = copy.clone_blocks()?
    {
        return Ok(Some(done));
    }
    if copy.reflink == ReflinkMode::Always {
        return Err(refused(Operation::Clone));
    }
    // With `never`, a kernel that may share blocks on its own must not be asked to copy.
    let is_second_copy = copy.reflink == ReflinkMode::Auto || !copy.may_share_unasked;
    if copy.try_copy_range && is_second_copy {
        return copy.copy_ranges(copied);
    }
    Ok(None)
}

impl<F: FileSystem> KernelCopy<'_, F> {
    fn clone_blocks(&self) -> Result<Option<Transferred>, TransferError> {
        if self.memory.experience(self.pair, Mechanism::Clone) == Experience::Unsupported {
            return Ok(None);
        }
        let answer = self.fs.clone_file(self.source, self.partial).at_destination()?;
        let trial = if answer.is_done() { Trial::Worked } else { Trial::Refused };
        match self.memory.record(self.pair, Mechanism::Clone, trial) {
            AfterTrial::Use => Ok(Some(Transferred {
                mechanism: Mechanism::Clone,
                length: self.length,
                source_bytes_read: 0,
                digest: None,
            })),
            AfterTrial::FallBack => Ok(None),
            AfterTrial::Fail => Err(refused(Operation::Clone)),
        }
    }

    fn copy_ranges(
        &self,
        copied: &mut dyn FnMut(u64),
    ) -> Result<Option<Transferred>, TransferError> {
        if self.memory.experience(self.pair, Mechanism::CopyFileRange) == Experience::Unsupported {
            return Ok(None);
        }
        let mut offset = 0;
        let mut settled = 0..0;
        loop {
            self.control.checkpoint()?;
            let answer = self
                .fs
                .copy_range(self.source, self.partial, offset, WINDOW_BYTES)
                .map_err(without_side)?;
            let trial = if answer.is_done() { Trial::Worked } else { Trial::Refused };
            match self.memory.record(self.pair, Mechanism::CopyFileRange, trial) {
                AfterTrial::Use => {}
                AfterTrial::FallBack => return Ok(None),
                AfterTrial::Fail => return Err(refused(Operation::CopyRange)),
            }
            let count = answer.done().unwrap_or(0);
            if count == 0 {
                return Ok(Some(Transferred {
                    mechanism: Mechanism::CopyFileRange,
                    length: offset,
                    source_bytes_read: offset,
                    digest: None,
                }));
            }
            let written = offset..offset + count;
            offset += count;
            copied(count);
            // Begin writing early, so that the flush at the end is short and can be waited for.
            let begun = self.fs.write_back(self.partial, written.clone(), settled);
            if let Support::Unsupported = begun.at_destination()? {
                tracing::trace!("early write-back is not offered here");
            }
            settled = written;
        }
    }
}

/// The kernel does not say at which end it failed, and few errors can only be the destination's.
/// Whatever else it is shows again, at its own end, when the bytes are read and written.
fn without_side(error: FsError) -> TransferError {
    match error.kind {
        FsErrorKind::NoSpace | FsErrorKind::QuotaExceeded | FsErrorKind::ReadOnlyVolume => {
            TransferError::Fs(Side::Destination, error)
        }
        _ => TransferError::KernelRefused(error),
    }
}

fn refused(operation: Operation) -> TransferError {
    TransferError::KernelRefused(FsError::of_kind(operation, FsErrorKind::NotSupported))
}
