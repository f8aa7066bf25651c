//! A pass over the source for its digest alone, for those who want it read twice.

use surecopy_fs::FileSystem;

use super::{AtSide, TransferError, read_full};
use crate::control::Control;
use crate::policy::{Digest, DigestAlgorithm};

/// Digests a file to its end. Returns the digest and the bytes read.
pub(crate) fn digest_source<F: FileSystem>(
    fs: &F,
    file: &F::File,
    buffer: &mut [u8],
    algorithm: DigestAlgorithm,
    control: &Control,
) -> Result<(Digest, u64), TransferError> {
    let mut digester = algorithm.begin();
    let mut offset = 0;
    loop {
        control.checkpoint()?;
        let count = read_full(fs, file, buffer, offset).at_source()?;
        digester.update(&buffer[..count]);
        offset += count as u64;
        if count < buffer.len() {
            return Ok((digester.finish(), offset));
        }
    }
}
