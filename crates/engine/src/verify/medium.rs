//! Where read-back reads from, and what may be claimed for it.

use std::ffi::OsStr;

use surecopy_fs::{FileSystem, FsError, Node, Support, Volume};

use crate::policy::{Evidence, ReadBack};

/// An open way to read a flushed file back.
pub(crate) enum Medium<F: FileSystem> {
    /// Past the page cache, through a handle of its own.
    Direct(F::File),
    /// Ordinary reads through the handle it was written with, after its pages were dropped and
    /// shown to be gone: what is read now comes from the device.
    Evicted,
    /// Ordinary reads, which memory may answer.
    Cache,
}

impl<F: FileSystem> Medium<F> {
    /// What a match proves.
    pub(crate) fn evidence(&self) -> Evidence {
        match self {
            Medium::Direct(_) | Medium::Evicted => Evidence::Device,
            Medium::Cache => Evidence::Cache,
        }
    }
}

/// Chooses the strongest medium that the volume offers within what was asked for. The file has
/// been flushed.
///
/// Unbuffered reads may fall back to the page cache inside the kernel (compressed files on btrfs,
/// for one), so the pages are dropped in any case, and `device` is claimed only when none is left.
pub(crate) fn open_medium<F: FileSystem>(
    fs: &F,
    volume: &Volume,
    dir: &F::Dir,
    name: &OsStr,
    file: &F::File,
    read_back: ReadBack,
    unbuffered: bool,
) -> Result<Medium<F>, FsError> {
    if read_back != ReadBack::Device || !volume.filesystem.reads_back_from_device {
        return Ok(Medium::Cache);
    }
    let size = fs.metadata(Node::File(file))?.size;
    if size < volume.filesystem.inline_data_limit_bytes && fs.may_be_inline(file)? {
        return Ok(Medium::Cache);
    }
    let is_evicted = fs.drop_cache(file)?.is_done()
        && matches!(fs.resident_bytes(file, size)?, Support::Done(0));
    if !is_evicted {
        return Ok(Medium::Cache);
    }
    if unbuffered && let Support::Done(direct) = fs.open_direct(dir, name)? {
        return Ok(Medium::Direct(direct));
    }
    Ok(Medium::Evicted)
}
