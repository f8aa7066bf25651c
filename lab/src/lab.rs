//! Where the lab works, with which program, and whether this machine is fit for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};

use crate::run::Skip;
use crate::tool;

/// Programs that the cases use, and the Debian package of those that are seldom there.
const TOOLS: &[(&str, &str)] = &[
    ("losetup", "mount"),
    ("mkfs.ext4", "e2fsprogs"),
    ("filefrag", "e2fsprogs"),
    ("chattr", "e2fsprogs"),
    ("mkfs.xfs", "xfsprogs"),
    ("xfs_io", "xfsprogs"),
    ("mkfs.btrfs", "btrfs-progs"),
    ("btrfs", "btrfs-progs"),
    ("rsync", "rsync"),
    ("setfacl", "acl"),
    ("setfattr", "attr"),
    ("fusermount3", "fuse3"),
    ("strace", "strace"),
    ("fallocate", "util-linux"),
    ("setpriv", "util-linux"),
];

/// A machine that is fit for the lab.
pub(crate) struct Lab {
    /// The folder of this run; `lab/run` removes it, with all mounts beneath it.
    scratch: PathBuf,
    /// The program under test.
    pub(crate) program: PathBuf,
    /// So that names are not used twice.
    next: AtomicUsize,
}

impl Lab {
    /// Looks the machine over. An error says why nothing can run here.
    pub(crate) fn find() -> Result<Self> {
        let of = |name| std::env::var_os(name).with_context(|| format!("{name}: start lab/run"));
        let scratch = PathBuf::from(of("SURECOPY_LAB_DIR")?);
        let program = PathBuf::from(of("SURECOPY_LAB_PROGRAM")?);
        if tool::run("id", ["-u"])?.trim() != "0" {
            bail!("not root");
        }
        for (name, package) in TOOLS {
            if !is_there(name) {
                bail!("no {name}: install {package}");
            }
        }
        for device in ["/dev/loop-control", "/dev/fuse"] {
            if !Path::new(device).exists() {
                bail!("no {device}");
            }
        }
        Ok(Self { scratch, program, next: AtomicUsize::new(0) })
    }

    /// The same machine with another program.
    pub(crate) fn with_program(&self, program: PathBuf) -> Result<Self> {
        // A folder of its own, as paths are counted anew.
        let scratch = self.new_dir("other-program")?;
        Ok(Self { scratch, program, next: AtomicUsize::new(0) })
    }

    /// Skips a part that wants a program which no other one wants.
    pub(crate) fn need(&self, name: &str, package: &str) -> Result<()> {
        if is_there(name) {
            return Ok(());
        }
        Err(Skip(format!("no {name}: install {package}")).into())
    }

    /// A path in the scratch folder that was not given before.
    pub(crate) fn new_path(&self, name: &str) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.scratch.join(format!("{number}-{name}"))
    }

    /// A new folder on the disk on which the lab works.
    pub(crate) fn new_dir(&self, name: &str) -> Result<PathBuf> {
        let path = self.new_path(name);
        fs::create_dir(&path).with_context(|| format!("create {}", path.display()))?;
        Ok(path)
    }
}

fn is_there(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).exists()))
}
