//! Files that could be read: when others cannot be read, these tell a bad block from a disk that is gone.
//!
//! A file that was read well may have been read from memory only, and lie on bad blocks as well. That it can
//! be read from the device no more says something only if its beginning was not in memory before it was
//! read, and was there after that. Of any other file it says something that it cannot be read although
//! memory has it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use surecopy_fs::{FileSystem, FsResult, Metadata, Support, Volume};

/// The least that is read from a device and kept in memory.
const PAGE_BYTES: u64 = 4096;

/// One such file for each volume that is read.
pub(crate) struct Readable<F: FileSystem> {
    files: Mutex<HashMap<u64, Witness<F>>>,
}

/// A file that was read well. It is kept open, so that it can be asked for whatever becomes of its name.
struct Witness<F: FileSystem> {
    file: Arc<F::File>,
    origin: ReadFrom,
}

impl<F: FileSystem> Default for Readable<F> {
    fn default() -> Self {
        Self { files: Mutex::default() }
    }
}

/// Where the beginning of a file comes from when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadFrom {
    /// Memory has it, or it cannot be told.
    Memory,
    /// It can only come from the device.
    Device,
}

impl<F: FileSystem> Readable<F> {
    /// Looks at a file that is about to be read, if it could become the one of its volume.
    pub(crate) fn before_reading(
        &self,
        fs: &F,
        file: &F::File,
        metadata: &Metadata,
        volume: &Volume,
    ) -> Option<ReadFrom> {
        // Of an empty one nothing is read.
        if metadata.size == 0 {
            return None;
        }
        let known = self.of(metadata.id.volume).map(|(_, origin)| origin);
        if known == Some(ReadFrom::Device) {
            return None;
        }
        let kind = volume.filesystem;
        // A hole is read without a device, another layer may have a memory of its own, and what is stored
        // with the metadata is in memory with them.
        let is_from_device = kind.reads_back_from_device
            && !metadata.is_sparse()
            && is_in_memory(fs, file) == Some(false)
            && (metadata.size >= kind.inline_data_limit_bytes
                || matches!(fs.may_be_inline(file), Ok(false)));
        let origin = if is_from_device { ReadFrom::Device } else { ReadFrom::Memory };
        (known != Some(origin)).then_some(origin)
    }

    /// It was read.
    pub(crate) fn after_reading(
        &self,
        fs: &F,
        file: F::File,
        metadata: &Metadata,
        origin: ReadFrom,
    ) {
        if is_in_memory(fs, &file) == Some(true) {
            let mut files = self.files.lock().expect("no code panics while holding this lock");
            if files.get(&metadata.id.volume).is_none_or(|known| known.origin != ReadFrom::Device) {
                files.insert(metadata.id.volume, Witness { file: Arc::new(file), origin });
            }
        }
    }

    fn of(&self, volume: u64) -> Option<(Arc<F::File>, ReadFrom)> {
        let files = self.files.lock().expect("no code panics while holding this lock");
        files.get(&volume).map(|known| (Arc::clone(&known.file), known.origin))
    }

    /// Reads the one of this volume again. An error says that what could be read cannot be read any more, for
    /// a reason that no bad block gives; without such a file nothing is known.
    pub(crate) fn read_again(&self, fs: &F, volume: u64, buffer: &mut [u8]) -> FsResult<()> {
        let Some((file, origin)) = self.of(volume) else { return Ok(()) };
        let length = buffer.len().min(PAGE_BYTES as usize);
        if is_in_memory(fs, &file) == Some(true) {
            fs.read_at(&file, &mut buffer[..length], 0)?;
        }
        // What memory has of others may be all that there is of it.
        if origin == ReadFrom::Device
            && fs.drop_cache(&file).is_ok()
            && is_in_memory(fs, &file) == Some(false)
        {
            fs.read_at(&file, &mut buffer[..length], 0)?;
        }
        Ok(())
    }
}

/// Whether memory has the beginning of a file; `None` when that cannot be told.
fn is_in_memory<F: FileSystem>(fs: &F, file: &F::File) -> Option<bool> {
    match fs.resident_bytes(file, PAGE_BYTES) {
        Ok(Support::Done(bytes)) => Some(bytes > 0),
        Ok(Support::Unsupported) | Err(_) => None,
    }
}
