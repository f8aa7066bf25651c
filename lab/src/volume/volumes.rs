//! Mounts and their end.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use fuser::BackgroundSession;

use super::network;
use crate::lab::Lab;
use crate::tool;

const MIB: u64 = 1 << 20;

/// A file system that is made in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fs {
    Ext4,
    Xfs,
    Btrfs,
}

impl Fs {
    pub(crate) const ALL: [Fs; 3] = [Fs::Ext4, Fs::Xfs, Fs::Btrfs];

    /// As `mount` knows it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Fs::Ext4 => "ext4",
            Fs::Xfs => "xfs",
            Fs::Btrfs => "btrfs",
        }
    }

    /// The smallest image that all tools accept, in bytes.
    pub(crate) fn smallest(self) -> u64 {
        match self {
            Fs::Ext4 => 64 * MIB,
            Fs::Xfs => 320 * MIB,
            Fs::Btrfs => 320 * MIB,
        }
    }
}

/// A mounted volume. Unmounted, and its image removed, when dropped.
pub(crate) struct Volume {
    /// Where it is mounted; empty at first.
    pub(crate) path: PathBuf,
    image: Option<PathBuf>,
    /// Serves the mount while it lives.
    session: Option<BackgroundSession>,
    /// What it stands on; dropped after it.
    _below: Option<Box<Volume>>,
}

impl Volume {
    /// A file system in a sparse image on the lab's disk, behind a loop device.
    pub(crate) fn loopback(lab: &Lab, fs: Fs, size: u64) -> Result<Self> {
        let image = lab.new_path(&format!("{}.img", fs.name()));
        Self::in_image(lab, fs, size, image, "loop")
    }

    /// The same with further mount options.
    pub(crate) fn loopback_with(lab: &Lab, fs: Fs, size: u64, options: &str) -> Result<Self> {
        let image = lab.new_path(&format!("{}.img", fs.name()));
        Self::in_image(lab, fs, size, image, &format!("loop,{options}"))
    }

    fn in_image(lab: &Lab, fs: Fs, size: u64, image: PathBuf, options: &str) -> Result<Self> {
        File::create_new(&image)?.set_len(size)?;
        let mkfs = format!("mkfs.{}", fs.name());
        let quiet = if fs == Fs::Ext4 { &["-q", "-F"][..] } else { &["-q"][..] };
        let image_arg = image.as_os_str();
        tool::run(&mkfs, quiet.iter().map(AsRef::as_ref).chain([image_arg]))?;
        let path = lab.new_dir(fs.name())?;
        // From here on, dropping cleans up.
        let volume = Self { path, image: Some(image), session: None, _below: None };
        let image = volume.image.as_deref().context("it was just set")?;
        mount(fs.name(), options, image, &volume.path)?;
        if fs == Fs::Ext4 {
            fs::remove_dir(volume.path.join("lost+found"))?;
        }
        Ok(volume)
    }

    /// A volume in memory, with options such as `size=1m,nr_inodes=20`.
    pub(crate) fn tmpfs(lab: &Lab, options: &str) -> Result<Self> {
        let path = lab.new_dir("tmpfs")?;
        mount("tmpfs", options, Path::new("tmpfs"), &path)?;
        Ok(Self { path, image: None, session: None, _below: None })
    }

    /// An overlay of two folders on an ext4 of its own.
    pub(crate) fn overlay(lab: &Lab) -> Result<Self> {
        let below = Self::loopback(lab, Fs::Ext4, 256 * MIB)?;
        let dirs = ["lower", "upper", "work"].map(|name| below.path.join(name));
        for dir in &dirs {
            fs::create_dir(dir)?;
        }
        let [lower, upper, work] = dirs.map(|dir| dir.display().to_string());
        let options = format!("lowerdir={lower},upperdir={upper},workdir={work}");
        let path = lab.new_dir("overlay")?;
        mount("overlay", &options, Path::new("overlay"), &path)?;
        Ok(Self { path, image: None, session: None, _below: Some(Box::new(below)) })
    }

    /// A file system that the mount table calls `fuse.sshfs`.
    pub(crate) fn fuse_network(lab: &Lab) -> Result<Self> {
        let path = lab.new_dir("network")?;
        let session = network::serve(&path)?;
        Ok(Self { path, image: None, session: Some(session), _below: None })
    }

    /// A file system that reads and writes less than it is asked for, and counts how often.
    pub(crate) fn short(lab: &Lab) -> Result<(Self, Arc<AtomicUsize>)> {
        let path = lab.new_dir("short")?;
        let count = Arc::default();
        let session = network::serve_short(&path, Arc::clone(&count))?;
        Ok((Self { path, image: None, session: Some(session), _below: None }, count))
    }

    /// An ext4 that promises more room than the volume beneath it has: `size` in an image on a
    /// tmpfs of `real_size`.
    pub(crate) fn thin(lab: &Lab, size: u64, real_size: u64) -> Result<Self> {
        let below = Self::tmpfs(lab, &format!("size={real_size}"))?;
        let image = below.path.join("ext4.img");
        let mut volume = Self::in_image(lab, Fs::Ext4, size, image, "loop")?;
        volume._below = Some(Box::new(below));
        Ok(volume)
    }

    /// Unmounts and mounts again, as after a reboot.
    pub(crate) fn mount_again(&self, fs: Fs) -> Result<()> {
        tool::run("umount", [&self.path])?;
        self.put_back(fs)
    }

    /// Mounts again what was unmounted.
    pub(crate) fn put_back(&self, fs: Fs) -> Result<()> {
        let image = self.image.as_deref().context("only images are mounted again")?;
        mount(fs.name(), "loop", image, &self.path)
    }

    /// Runs a command on the image while it is not mounted.
    pub(crate) fn change_image(&self, fs: Fs, command: &str) -> Result<()> {
        tool::run("umount", [&self.path])?;
        let image = self.image.as_deref().context("only images can be changed")?;
        tool::shell(r#"$1 "$2" >&2"#, [command.as_ref(), image.as_os_str()])?;
        self.put_back(fs)
    }

    /// The disk beneath the volume has no more to it than its beginning, and answers everything else
    /// with errors.
    pub(crate) fn lose_disk(&self) -> Result<()> {
        let image = self.image.as_deref().context("only images can be lost")?;
        File::options().write(true).open(image)?.set_len(MIB)?;
        let find = ["-n", "-O", "NAME", "-j"].map(OsStr::new);
        let device = tool::run("losetup", find.into_iter().chain([image.as_os_str()]))?;
        tool::run("losetup", ["-c", device.trim()])?;
        Ok(())
    }

    /// A path in the volume.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A new folder in the volume.
    pub(crate) fn dir(&self, name: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        fs::create_dir(&path).with_context(|| format!("create {}", path.display()))?;
        Ok(path)
    }
}

fn mount(fs: &str, options: &str, what: &Path, at: &Path) -> Result<()> {
    let args = ["-t".as_ref(), fs.as_ref(), "-o".as_ref(), options.as_ref()];
    tool::run("mount", args.into_iter().chain([what.as_os_str(), at.as_os_str()]))?;
    Ok(())
}

impl Drop for Volume {
    fn drop(&mut self) {
        // A session unmounts by itself, but does not wait for a mount that is in use.
        drop(self.session.take());
        // Programs that were just killed may hold it for a moment. `lab/run` takes the rest.
        for _ in 0..50 {
            let is_mounted = fs::read_to_string("/proc/self/mountinfo")
                .is_ok_and(|table| table.contains(&format!(" {} ", self.path.display())));
            if !is_mounted {
                break;
            }
            if tool::run("umount", [&self.path]).is_ok() {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        if let Some(image) = &self.image
            && let Err(error) = fs::remove_file(image)
        {
            eprintln!("{} stays: {error}", image.display());
        }
    }
}
