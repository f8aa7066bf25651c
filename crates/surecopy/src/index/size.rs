//! How much room an index takes.

use std::ffi::OsString;
use std::path::Path;

use surecopy_fs::{FileSystem, NativeFs};

/// The bytes of an index, and of what SQLite keeps beside it.
pub fn size_bytes(path: &Path) -> u64 {
    let fs = NativeFs::new();
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let (Ok(parent), Some(name)) =
        (fs.open_root(parent.unwrap_or(Path::new("."))), path.file_name())
    else {
        return 0;
    };
    let size = |suffix| {
        let mut file = OsString::from(name);
        file.push(suffix);
        // What is not there takes none.
        fs.metadata_at(&parent, &file).map_or(0, |metadata| metadata.size)
    };
    ["", "-wal", "-shm"].into_iter().map(size).sum()
}
