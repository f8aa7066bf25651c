//! Several bad blocks on a disk that is otherwise fine: they fail their files, and no other.

use std::fs;

use anyhow::{Result, ensure};

use crate::bad_disk::Bench;
use crate::disks::{Fault, Kind, marks};
use crate::lab::Lab;
use crate::recorded::Recorded;
use crate::tree;
use crate::volume::Fs;

/// How many files there are, and how long they are: of five blocks.
const FILES: u32 = 60;
const LENGTH: usize = 20_000;

/// Those that have a block more, which is a bad one.
const BAD: [u32; 5] = [0, 19, 20, 21, 40];
const LONGER: usize = 24_000;
const BLOCK: u32 = 5;

/// Of these, those that memory has. They were read well, come right before those that cannot be read, and are
/// no more to be read from the disk than those.
const IN_MEMORY: [u32; 2] = [0, 20];

/// Blocks that cannot be written, and such that cannot be read.
pub(crate) fn no_lost_disk(lab: &Lab) -> Result<String> {
    let mut bench = Bench::new(lab, Fs::Ext4)?;
    let recorded = Recorded::new(lab)?;
    let (inside, outside) = (bench.path().join("files"), bench.elsewhere("files"));
    for kind in [Kind::WriteError, Kind::ReadError] {
        let is_source = kind == Kind::ReadError;
        let (source, target) = if is_source { (&inside, &outside) } else { (&outside, &inside) };
        for path in [source, target] {
            crate::tool::shell(r#"rm -rf -- "$1""#, [path])?;
        }
        fs::create_dir(source)?;
        for number in 0..FILES {
            let length = if BAD.contains(&number) { LONGER } else { LENGTH };
            tree::write_old(&source.join(name(number)), &marks::content(number, length))?;
        }
        bench.settle();
        bench.mount_again()?;
        let mut failing = BAD.len();
        if is_source {
            for number in IN_MEMORY {
                fs::read(source.join(name(number)))?;
            }
            failing -= IN_MEMORY.len();
        }
        bench.set(Fault::always(kind, BLOCK))?;
        let options = ["-j", "1", "--set", "group_max_files=8"];
        let copied = recorded.copy(&options, source, target)?;
        bench.ensure_fired()?;
        let told = || format!("{kind:?}: {}", copied.describe());
        ensure!(copied.status == 1, "exit status {}: {}", copied.status, told());
        let report = copied.report()?;
        ensure!(report["outcome"] == "finished", "{}", told());
        let failed = report["items"]["failed"].as_u64().unwrap_or_default();
        ensure!(failed == failing as u64, "{failed} failed, not {failing}: {}", told());
        let arrived = fs::read_dir(target)?.count();
        ensure!(arrived == FILES as usize - failing, "{arrived} of {FILES}: {}", told());
        bench.mount_again()?;
    }
    Ok(format!(
        "{} bad blocks, {} of their files in memory: the others of {FILES} arrived, twice",
        BAD.len(),
        IN_MEMORY.len()
    ))
}

fn name(number: u32) -> String {
    format!("file-{number:02}")
}
