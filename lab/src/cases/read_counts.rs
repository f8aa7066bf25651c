//! How often the source is read, counted by the kernel.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::content::write_random;
use crate::lab::Lab;
use crate::tool;
use crate::volume::{Fs, Volume};
use crate::watch;

const MIB: u64 = 1 << 20;
const SIZE: u64 = 200 * MIB;

/// For libraries, settings and directories.
const SLACK: u64 = 4 * MIB;

/// With buffer reuse the source is read once; without, twice.
pub(crate) fn buffer_reuse(lab: &Lab) -> Result<String> {
    let disk = Volume::loopback(lab, Fs::Ext4, 512 * MIB)?;
    let memory = Volume::tmpfs(lab, "size=512m")?;
    let source = disk.join("file");
    write_random(&source, SIZE, 1)?;
    let mut figures = Vec::new();
    for (setting, times) in [("buffer_reuse=on", 1), ("buffer_reuse=off", 2)] {
        let target = memory.join("copy");
        // Reading back in memory counts like any reading: taken off below.
        let options = ["--strategy", "staged", "--verify", "all", "--set", setting];
        disk.mount_again(Fs::Ext4)?;
        tool::shell("sync; echo 3 > /proc/sys/vm/drop_caches", [""])?;
        let before = sectors_read(&disk)?;
        let watched = watch::finish(&mut lab.copy_command(&options, &source, &target))?;
        watched.copied.ensure_ok()?;
        let from_disk = (sectors_read(&disk)? - before) * 512;
        let from_files = watched.read_bytes.saturating_sub(SIZE);
        let item = watched.copied.only_item()?;
        ensure!(
            item["source_bytes_read"] == times * SIZE,
            "{setting}: the item says {} bytes",
            item["source_bytes_read"]
        );
        let counted = from_files.abs_diff(times * SIZE);
        ensure!(counted < SLACK, "{setting}: {from_files} bytes of the source were read");
        let is_once = (SIZE..SIZE + SLACK).contains(&from_disk);
        ensure!(times > 1 || is_once, "{setting}: {from_disk} bytes came from the device");
        ensure!(from_disk >= SIZE, "{setting}: {from_disk} bytes came from the device");
        figures.push(format!("{setting}: read {from_files}, device {from_disk}"));
        fs::remove_file(&target)?;
    }
    Ok(format!("{SIZE} bytes; {}", figures.join("; ")))
}

/// How many sectors the volume's device has given, by the kernel's own counter.
fn sectors_read(volume: &Volume) -> Result<u64> {
    let device =
        tool::run("findmnt", ["-no".as_ref(), "SOURCE".as_ref(), volume.path.as_os_str()])?;
    let name = device.trim().strip_prefix("/dev/").context("a loop device")?;
    let stat = fs::read_to_string(format!("/sys/block/{name}/stat"))?;
    let sectors = stat.split_whitespace().nth(2).context("a stat line has sectors")?;
    Ok(sectors.parse()?)
}
