//! What a transfer comes to, and the loops that every transfer is made of.

use surecopy_fs::{FileSystem, FsError, FsResult};

use crate::control::Cancelled;
use crate::error::Side;
use crate::policy::{Digest, Mechanism};

/// What a transfer did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Transferred {
    /// How.
    pub(crate) mechanism: Mechanism,
    /// How long the content is.
    pub(crate) length: u64,
    /// Bytes of the source that were read.
    pub(crate) source_bytes_read: u64,
    /// Digest of what passed through memory, if it did and one was asked for.
    pub(crate) digest: Option<Digest>,
}

/// Why a transfer ended early.
#[derive(Debug)]
pub(crate) enum TransferError {
    /// The user ended the job.
    Cancelled,
    /// A step failed at one side.
    Fs(Side, FsError),
    /// A kernel mechanism failed, at either side, or refused this file though it has worked between
    /// these volumes.
    KernelRefused(FsError),
    /// The source grew beyond what this way of copying can take in.
    SourceGrew,
}

impl From<Cancelled> for TransferError {
    fn from(_: Cancelled) -> Self {
        TransferError::Cancelled
    }
}

/// Tags errors with the side they happened at.
pub(crate) trait AtSide<T> {
    /// It happened while reading.
    fn at_source(self) -> Result<T, TransferError>;
    /// It happened while writing.
    fn at_destination(self) -> Result<T, TransferError>;
}

impl<T> AtSide<T> for FsResult<T> {
    fn at_source(self) -> Result<T, TransferError> {
        self.map_err(|error| TransferError::Fs(Side::Source, error))
    }

    fn at_destination(self) -> Result<T, TransferError> {
        self.map_err(|error| TransferError::Fs(Side::Destination, error))
    }
}

/// Writes all of a buffer.
pub(crate) fn write_all<F: FileSystem>(
    fs: &F,
    file: &F::File,
    mut buffer: &[u8],
    mut offset: u64,
) -> FsResult<()> {
    while !buffer.is_empty() {
        let count = fs.write_at(file, buffer, offset)?;
        buffer = &buffer[count..];
        offset += count as u64;
    }
    Ok(())
}

/// Reads until the buffer is full or the file ends.
pub(crate) fn read_full<F: FileSystem>(
    fs: &F,
    file: &F::File,
    buffer: &mut [u8],
    offset: u64,
) -> FsResult<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        let count = fs.read_at(file, &mut buffer[filled..], offset + filled as u64)?;
        if count == 0 {
            break;
        }
        filled += count;
    }
    Ok(filled)
}
