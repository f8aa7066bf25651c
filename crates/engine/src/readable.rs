//! Files of which it is known that the disk could read them: when others cannot be read, these tell a bad
//! block from a disk that is gone.
//!
//! A file that was read well may have been read from memory only, and lie on bad blocks as well. So one
//! counts only if its beginning was not in memory before it was read, and was there after that.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use surecopy_fs::{FileSystem, FsResult, Metadata, Support, Volume};

/// The least that is read from a device and kept in memory.
const PAGE_BYTES: u64 = 4096;

/// One such file for each volume that is read.
pub(crate) struct Readable<F: FileSystem> {
    files: Mutex<HashMap<u64, Arc<F::File>>>,
}

impl<F: FileSystem> Default for Readable<F> {
    fn default() -> Self {
        Self { files: Mutex::default() }
    }
}

/// That the beginning of a file which is about to be read can only come from the device.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unread(());

impl<F: FileSystem> Readable<F> {
    /// Looks at a file that is about to be read, if it could become the one of its volume.
    pub(crate) fn before_reading(
        &self,
        fs: &F,
        file: &F::File,
        metadata: &Metadata,
        volume: &Volume,
    ) -> Option<Unread> {
        let kind = volume.filesystem;
        // A hole is read without a device, and another layer may have a memory of its own.
        let is_fit = kind.reads_back_from_device && metadata.size > 0 && !metadata.is_sparse();
        if !is_fit || self.of(metadata.id.volume).is_some() {
            return None;
        }
        // What is stored with the metadata is in memory with them.
        let is_apart = metadata.size >= kind.inline_data_limit_bytes
            || matches!(fs.may_be_inline(file), Ok(false));
        (is_apart && matches!(fs.resident_bytes(file, PAGE_BYTES), Ok(Support::Done(0))))
            .then_some(Unread(()))
    }

    /// It was read. It is kept open, so that it can be asked for whatever becomes of its name.
    pub(crate) fn after_reading(
        &self,
        fs: &F,
        file: F::File,
        metadata: &Metadata,
        _unread: Unread,
    ) {
        if matches!(fs.resident_bytes(&file, PAGE_BYTES), Ok(Support::Done(bytes)) if bytes > 0) {
            let mut files = self.files.lock().expect("no code panics while holding this lock");
            files.entry(metadata.id.volume).or_insert(Arc::new(file));
        }
    }

    fn of(&self, volume: u64) -> Option<Arc<F::File>> {
        let files = self.files.lock().expect("no code panics while holding this lock");
        files.get(&volume).cloned()
    }

    /// Reads the one of this volume from the device again. An error says that what could be read cannot be
    /// read any more; without such a file, or if memory would answer, nothing is known.
    pub(crate) fn read_again(&self, fs: &F, volume: u64, buffer: &mut [u8]) -> FsResult<()> {
        let Some(file) = self.of(volume) else { return Ok(()) };
        let is_forgotten = fs.drop_cache(&file).is_ok()
            && matches!(fs.resident_bytes(&file, PAGE_BYTES), Ok(Support::Done(0)));
        if is_forgotten {
            let length = buffer.len().min(4096);
            fs.read_at(&file, &mut buffer[..length], 0)?;
        }
        Ok(())
    }
}
