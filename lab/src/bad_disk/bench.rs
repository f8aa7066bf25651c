//! A volume on a disk that can be told to be bad.

use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};

use crate::disks::{Disk, Fault, Mounted, Paced, Served, Slow};
use crate::lab::Lab;
use crate::tool;
use crate::volume::{Fs, Volume};

/// The volume, and the memory in which its image and what is copied to it are.
pub(crate) struct Bench {
    // Taken down in this order.
    mounted: Option<Mounted>,
    served: Served,
    store: Volume,
    disk: Disk,
    at: PathBuf,
}

impl Bench {
    /// A new file system, mounted, on a disk that is sound so far.
    pub(crate) fn new(lab: &Lab, fs: Fs) -> Result<Self> {
        Self::on(lab, fs, |image, at| Served::start([image], at, None))
    }

    /// The same, on a disk that can be told to be slow.
    pub(crate) fn that_can_be_slow(lab: &Lab, fs: Fs) -> Result<Self> {
        Self::on(lab, fs, |image, at| Served::start_slow([image], at))
    }

    fn on(lab: &Lab, fs: Fs, start: impl FnOnce(&Path, PathBuf) -> Result<Served>) -> Result<Self> {
        let store = Volume::tmpfs(lab, "size=2g")?;
        let image = store.join("disk.img");
        let disk = Disk::of_marked_blocks(fs);
        disk.make(&image)?;
        let served = start(&image, lab.new_dir("bad")?)?;
        let at = lab.new_dir(fs.name())?;
        let mounted = Some(served.mount(0, disk, &at)?);
        Ok(Self { mounted, served, store, disk, at })
    }

    /// Where the volume is mounted.
    pub(crate) fn path(&self) -> &Path {
        &self.at
    }

    /// A place on another, sound volume.
    pub(crate) fn elsewhere(&self, name: &str) -> PathBuf {
        self.store.join(name)
    }

    /// From now on the disk does this, and nothing that it was told before.
    pub(crate) fn set(&self, fault: Fault) -> Result<()> {
        self.served.set(Some(fault))
    }

    /// From now on the disk is as slow as this, or not at all.
    pub(crate) fn set_pace(&self, slow: Option<Slow>) -> Result<()> {
        self.served.set_pace(slow)
    }

    /// What that came to since then.
    pub(crate) fn paced(&self) -> Result<Paced> {
        self.served.paced()
    }

    /// How often it did so since then.
    pub(crate) fn fired(&self) -> Result<u32> {
        self.served.fired()
    }

    /// Fails unless it did so.
    pub(crate) fn ensure_fired(&self) -> Result<u32> {
        let fired = self.fired()?;
        ensure!(fired > 0, "the disk has done nothing bad");
        Ok(fired)
    }

    /// Has everything written that is still in memory, with whatever success, so that the disk can do what it
    /// does also to what nobody flushed.
    pub(crate) fn settle(&self) {
        let path = ["-f".as_ref(), self.at.as_os_str()];
        // What it says was said to somebody else, who had to ask.
        tool::run("sync", path).map(drop).unwrap_or_default();
    }

    /// The disk is sound again, and everything that is in memory is forgotten: what is read from now on lies on it.
    pub(crate) fn mount_again(&mut self) -> Result<()> {
        self.served.set(None)?;
        if let Some(mounted) = self.mounted.take() {
            mounted.unmount()?;
        }
        self.mounted = Some(self.served.mount(0, self.disk, &self.at).context("mount again")?);
        Ok(())
    }
}

/// Does something with every file system, all at once: what is done here waits for disks most of the time.
pub(crate) fn on_each<T: Send>(work: impl Fn(Fs) -> Result<T> + Sync) -> Result<Vec<T>> {
    let work = &work;
    thread::scope(|scope| {
        let threads = Fs::ALL.map(|fs| scope.spawn(move || work(fs)));
        let results = threads.map(|thread| thread.join().map_err(|_| anyhow!("panicked"))?);
        results.into_iter().collect()
    })
}
