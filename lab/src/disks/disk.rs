//! Disks and their mounts.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::image::BLOCK;
use crate::tool;
use crate::volume::Fs;

/// What the server gets in one piece, in KiB. Of what it gets in several pieces, an error of any but the first
/// would be lost: a loop device takes a short write for a whole one.
const MOST_AT_ONCE: &str = "64";

/// A disk with a file system.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Disk {
    pub(crate) fs: Fs,
    /// Options of the mount.
    pub(crate) options: &'static str,
    /// Of ext4, when it should not choose by itself.
    block: Option<usize>,
}

impl Disk {
    /// As small as it can be, so that a state of it is made soon, and with the options that hide the
    /// fewest mistakes.
    pub(crate) fn new(fs: Fs) -> Self {
        let options = match fs {
            // By itself ext4 flushes what is renamed over.
            Fs::Ext4 => "noauto_da_alloc",
            Fs::Xfs => "rw",
            // Discards tell the disk to forget, which the log does not know.
            Fs::Btrfs => "nodiscard",
        };
        Self { fs, options, block: None }
    }

    /// With blocks of the size that can be marked: ext4 takes smaller ones on a small disk.
    pub(crate) fn of_marked_blocks(fs: Fs) -> Self {
        Self { block: (fs == Fs::Ext4).then_some(BLOCK), ..Self::new(fs) }
    }

    pub(crate) fn make(self, image: &Path) -> Result<()> {
        // A copy leaves a margin of 64 MiB.
        fs::File::create(image)?.set_len(self.fs.smallest().max(192 << 20))?;
        let options = match self.fs {
            // What ext4 would write later by itself only fills the log.
            Fs::Ext4 => &["-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"][..],
            Fs::Xfs | Fs::Btrfs => &["-q"],
        };
        let mkfs = format!("mkfs.{}", self.fs.name());
        let block = self.block.map(|bytes| format!("-b{bytes}"));
        let options = options.iter().copied().chain(block.as_deref()).map(OsStr::new);
        tool::run(&mkfs, options.chain([image.as_os_str()]))?;
        Ok(())
    }
}

/// A disk that is mounted. Unmounted when dropped.
pub(crate) struct Mounted {
    disk: Disk,
    pub(crate) path: PathBuf,
    /// The block device, when it does not go away with the mount.
    device: Option<String>,
}

impl Mounted {
    /// Mounts an image; that replays the journal.
    pub(crate) fn image(disk: Disk, image: &Path, at: &Path) -> Result<Self> {
        let options = format!("loop,{}", disk.options);
        mount(disk, &options, image.as_os_str(), at)?;
        Ok(Self { disk, path: at.to_owned(), device: None })
    }

    /// Mounts a file of the server of disks, past every cache on the way there.
    pub(crate) fn served(disk: Disk, file: &Path, at: &Path) -> Result<Self> {
        let attach = ["--find", "--show", "--direct-io=on"].map(OsStr::new);
        let device = tool::run("losetup", attach.into_iter().chain([file.as_os_str()]))?;
        let device = device.trim().to_owned();
        // From here on, dropping cleans up.
        let mounted = Self { disk, path: at.to_owned(), device: Some(device.clone()) };
        let about = tool::run("losetup", ["--noheadings", "--output", "DIO", &device])?;
        anyhow::ensure!(about.trim() == "1", "{device} is not past the cache: {about}");
        let name = device.trim_start_matches("/dev/");
        fs::write(format!("/sys/block/{name}/queue/max_sectors_kb"), MOST_AT_ONCE)?;
        mount(disk, disk.options, device.as_ref(), at)?;
        Ok(mounted)
    }

    /// Unmounts, which has to succeed.
    pub(crate) fn unmount(self) -> Result<()> {
        unmount(&self.path)
    }
}

fn mount(disk: Disk, options: &str, what: &OsStr, at: &Path) -> Result<()> {
    let args = ["-t".as_ref(), disk.fs.name().as_ref(), "-o".as_ref(), options.as_ref()];
    tool::run("mount", args.into_iter().chain([what, at.as_os_str()]))?;
    Ok(())
}

pub(crate) fn is_mounted(at: &Path) -> bool {
    fs::read_to_string("/proc/self/mountinfo")
        .is_ok_and(|table| table.contains(&format!(" {} ", at.display())))
}

/// Programs that have just been killed may hold it for a moment.
pub(crate) fn unmount(at: &Path) -> Result<()> {
    let mut tries = 100;
    loop {
        match tool::run("umount", [at]) {
            Ok(_) => return Ok(()),
            Err(error) if tries == 0 => return Err(error).context("unmount"),
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
        tries -= 1;
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if is_mounted(&self.path)
            && let Err(error) = unmount(&self.path)
        {
            eprintln!("{error:#}");
        }
        if let Some(device) = &self.device
            && let Err(error) = tool::run("losetup", ["--detach", device])
        {
            eprintln!("{error:#}");
        }
        // It remembers disks that are gone, and refuses what looks like an older state of one.
        if self.disk.fs == Fs::Btrfs
            && let Err(error) = tool::run("btrfs", ["device", "scan", "--forget"])
        {
            eprintln!("{error:#}");
        }
    }
}
