//! Proof by digest.

use surecopy_fs::{FileSystem, FsError, FsErrorKind};

use super::{Medium, VerifyError};
use crate::control::Control;
use crate::error::Side;
use crate::policy::{Digest, DigestAlgorithm};
use crate::transfer::read_full;

/// Reads a file to its end and digests it.
pub(crate) fn read_back_digest<F: FileSystem>(
    fs: &F,
    medium: &mut Medium<F>,
    written: &F::File,
    algorithm: DigestAlgorithm,
    buffer: &mut [u8],
    control: &Control,
    verified: &mut dyn FnMut(u64),
) -> Result<Digest, VerifyError> {
    let mut digester = algorithm.begin();
    let mut offset = 0;
    loop {
        control.checkpoint()?;
        let count = match read_medium(fs, medium, written, buffer, offset) {
            Ok(count) => count,
            // Some volumes accept the unbuffered handle and refuse the read. The pages are gone,
            // so an ordinary read still comes from the device.
            Err(error) if error.kind == FsErrorKind::InvalidInput && offset == 0 => {
                match medium {
                    Medium::Direct(_) => *medium = Medium::Evicted,
                    Medium::Evicted | Medium::Cache => return Err(at_destination(error)),
                }
                continue;
            }
            Err(error) => return Err(at_destination(error)),
        };
        digester.update(&buffer[..count]);
        verified(count as u64);
        offset += count as u64;
        if count < buffer.len() {
            return Ok(digester.finish());
        }
    }
}

fn at_destination(error: FsError) -> VerifyError {
    VerifyError::Fs(Side::Destination, error)
}

/// Fills the buffer from an offset of the written file, through whatever medium there is. A short
/// count is the end of the file.
pub(super) fn read_medium<F: FileSystem>(
    fs: &F,
    medium: &Medium<F>,
    written: &F::File,
    buffer: &mut [u8],
    offset: u64,
) -> Result<usize, FsError> {
    match medium {
        Medium::Direct(file) => read_aligned(fs, file, buffer, offset),
        // These may answer with any number of bytes, and can be asked for the next one.
        Medium::Evicted | Medium::Cache => read_full(fs, written, buffer, offset),
    }
}

/// Fills the buffer from an offset, as unbuffered handles want it: every read begins at a multiple
/// of the alignment. A read that is short without being at the end is taken up again from the last
/// multiple it reached; the bytes behind that are read twice and not lost.
fn read_aligned<F: FileSystem>(
    fs: &F,
    file: &F::File,
    buffer: &mut [u8],
    offset: u64,
) -> Result<usize, FsError> {
    let mut filled = 0;
    loop {
        let aligned = filled - filled % F::DIRECT_ALIGNMENT;
        let count = fs.read_at(file, &mut buffer[aligned..], offset + aligned as u64)?;
        let reached = aligned + count;
        // No progress: this is the end of the file.
        if reached <= filled {
            return Ok(filled);
        }
        filled = reached;
        if filled == buffer.len() {
            return Ok(filled);
        }
    }
}
