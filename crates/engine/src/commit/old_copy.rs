//! Copying the old file to keep it, on volumes that can neither exchange names nor link files.

use surecopy_fs::{FileSystem, Metadata, Node, Times};

use super::publish_error::PublishError;
use crate::control::{Cancelled, Control};

/// Copies the old file with its permissions and modification time, and flushes the copy. Returns
/// the old file's metadata as they were while it was read. That may take as long as any copy, and
/// nothing is visible yet, so it can be cancelled.
pub(super) fn copy_file<F: FileSystem>(
    fs: &F,
    old: &F::File,
    copy: &F::File,
    control: &Control,
) -> Result<Metadata, PublishError> {
    const STEP_BYTES: usize = 1 << 20;
    let checkpoint = || control.checkpoint().map_err(|Cancelled| PublishError::Cancelled);
    let before = fs.metadata(Node::File(old))?;
    let mut buffer = vec![0; STEP_BYTES];
    let mut offset = 0;
    loop {
        checkpoint()?;
        let count = fs.read_at(old, &mut buffer, offset)?;
        if count == 0 {
            break;
        }
        crate::transfer::write_all(fs, copy, &buffer[..count], offset)?;
        offset += count as u64;
    }
    // The time first: should the process die, a copy that is not complete has either the time of the
    // old file or still the permissions that it was created with.
    fs.set_times(Node::File(copy), times_of(&before))?;
    fs.set_permissions(Node::File(copy), before.mode)?;
    checkpoint()?;
    fs.flush_file(copy)?;
    Ok(before)
}

/// Its times, as far as a copy of it is given them.
pub(super) fn times_of(old: &Metadata) -> Times {
    Times { accessed: None, modified: old.modified, created: old.created }
}
