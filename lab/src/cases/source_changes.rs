//! A source that changes while it is copied.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Result, ensure};
use surecopy_testkit::Random;

use crate::child::Running;
use crate::copier::{self, Copied};
use crate::delay::{self, Delay};
use crate::lab::Lab;
use crate::snapshot::ensure_no_partials;
use crate::volume::{Fs, Volume};

/// So many bytes there are at first: more than is read at once.
const LENGTH: usize = 6 << 20;

/// The calls that take something from the source.
const READING: &str = "read,pread64,copy_file_range,mmap";

/// What somebody does to the source when the first bytes are about to be read.
#[derive(Debug, Clone, Copy)]
enum Change {
    CutShort,
    Longer,
    /// With another content and as long as before.
    Rewritten,
    /// Cut short, and filled up again with zeroes.
    Hole,
}

impl Change {
    const ALL: [Self; 4] = [Self::CutShort, Self::Longer, Self::Rewritten, Self::Hole];

    fn apply(self, source: &Path) -> Result<()> {
        let file = File::options().write(true).open(source)?;
        let mut random = Random::new(41);
        match self {
            Self::CutShort => file.set_len(LENGTH as u64 / 3)?,
            Self::Longer => file.write_all_at(&random.bytes(2 * LENGTH), 0)?,
            Self::Rewritten => file.write_all_at(&random.bytes(LENGTH), 0)?,
            Self::Hole => {
                file.set_len(LENGTH as u64 / 3)?;
                file.set_len(LENGTH as u64)?;
            }
        }
        Ok(())
    }
}

/// The copy says that the source has changed, or the target is one of the two versions whole. Nothing dies.
pub(crate) fn while_it_is_copied(lab: &Lab) -> Result<String> {
    let volume = Volume::loopback(lab, Fs::Ext4, 256 << 20)?;
    let (mut noticed, mut whole) = (0, 0);
    for change in Change::ALL {
        for strategy in ["direct", "staged"] {
            for retries in ["0", "2"] {
                let options = ["--strategy", strategy, "--retries", retries, "-j", "1"];
                let what = format!("{change:?}, {strategy}, {retries} retries");
                let copied = delay::in_time(|millis| {
                    copy_and_change(lab, &volume, change, millis, &options)
                })
                .map_err(|error| error.context(what))?;
                *(if copied.status == 0 { &mut whole } else { &mut noticed }) += 1;
            }
        }
    }
    // Tried again, it is copied as it is then.
    ensure!(noticed > 0 && whole > 0, "{noticed} noticed, {whole} copied");
    Ok(format!("{noticed} said to have changed, {whole} copied whole"))
}

fn copy_and_change(
    lab: &Lab,
    volume: &Volume,
    change: Change,
    millis: u64,
    options: &[&str],
) -> Result<Option<Copied>> {
    let (source, target) = (lab.new_path("source"), volume.join("target"));
    let old = Random::new(40).bytes(LENGTH);
    fs::write(&source, &old)?;
    fs::remove_file(&target).or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    let delay = Delay::with_filter(lab, READING, millis, &[&source]);
    let mut command = lab.copy_command_under(&delay.wrapper(), options, &source, &target);
    let running = Running::start(&mut command)?;
    delay.wait()?;
    change.apply(&source)?;
    let is_in_time = !delay.is_over()?;
    let copied = copier::read(&running.output()?)?;
    delay.ensure_happened()?;
    let signal = copied.status - 128;
    ensure!(signal < 0, "ended by signal {signal}: {}", copied.describe());
    ensure_no_partials(&volume.path)?;
    let new = fs::read(&source)?;
    match fs::read(&target) {
        Ok(content) => {
            ensure!(content == old || content == new, "the target is neither old nor new");
            ensure!(copied.status == 0, "published, and failed: {}", copied.describe());
        }
        Err(_) => copied.ensure_fails_with("SOURCE_CHANGED")?,
    }
    Ok(is_in_time.then_some(copied))
}
