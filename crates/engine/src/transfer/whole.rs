//! A small file: one read, one write.

use surecopy_fs::FileSystem;

use super::{AtSide, TransferError, Transferred, read_full, write_all};
use crate::policy::{DigestAlgorithm, Mechanism};

/// Copies a file that fits into `buffer` with room to spare. A file that fills the buffer may be
/// longer than it, and is refused as [`TransferError::SourceGrew`] with nothing written.
pub(crate) fn copy_whole<F: FileSystem>(
    fs: &F,
    source: &F::File,
    partial: &F::File,
    buffer: &mut [u8],
    digest: Option<DigestAlgorithm>,
) -> Result<Transferred, TransferError> {
    let length = read_full(fs, source, buffer, 0).at_source()?;
    if length == buffer.len() {
        return Err(TransferError::SourceGrew);
    }
    let content = &buffer[..length];
    write_all(fs, partial, content, 0).at_destination()?;
    let digest = digest.map(|algorithm| {
        let mut digester = algorithm.begin();
        digester.update(content);
        digester.finish()
    });
    Ok(Transferred {
        mechanism: Mechanism::ReadWrite,
        length: length as u64,
        source_bytes_read: length as u64,
        digest,
    })
}
