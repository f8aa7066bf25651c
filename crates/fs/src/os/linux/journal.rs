//! Whether an ext3 or ext4 volume is used with its journal.
//!
//! The mount table does not tell: it calls a volume "ext4" that was made without one.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{major, minor, readlink};

use super::call::uninterrupted;
use super::pseudo_file;

/// Whether the volume on this device has a journal at work. Where the kernel cannot be asked, it is
/// not known to have one.
pub(super) fn is_used(device: u64) -> bool {
    let volume = volume_of(device);
    volume.is_some_and(|volume| is_at_work(pseudo_file::text(volume.join("journal_task"))))
}

/// What the kernel says of the volume on a device. It goes by the device's name there, which the
/// link to the device ends in.
fn volume_of(device: u64) -> Option<PathBuf> {
    let link = format!("/sys/dev/block/{}:{}", major(device), minor(device));
    let target = uninterrupted(|| readlink(link.as_str(), Vec::new())).ok()?;
    let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
    let name: &OsStr = target.file_name()?;
    Some(Path::new("/sys/fs/ext4").join(name))
}

/// The number of the thread that writes the journal (0 to those who cannot see it), or `<none>`.
fn is_at_work(journal_task: Option<String>) -> bool {
    journal_task.is_some_and(|text| text.trim().parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_thread_is_a_journal_at_work() {
        for (text, expected) in
            [(Some("1532\n"), true), (Some("0\n"), true), (Some("<none>\n"), false), (None, false)]
        {
            assert_eq!(is_at_work(text.map(str::to_owned)), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_device_has_no_journal() {
        assert!(!is_used(0));
    }
}
