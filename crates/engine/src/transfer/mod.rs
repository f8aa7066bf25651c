//! Moving one file's bytes into its partial file.

mod kernel;
mod source;
mod stream;
mod transferred;
mod whole;

pub(crate) use kernel::{KernelCopy, copy_in_kernel};
pub(crate) use source::digest_source;
pub(crate) use stream::{Stream, stream};
pub(crate) use transferred::{AtSide, TransferError, Transferred, read_full, write_all};
pub(crate) use whole::copy_whole;
