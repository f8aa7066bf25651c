//! Two copies at once to one target.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use surecopy_testkit::Random;

use crate::child::Running;
use crate::copier;
use crate::delay::{self, Delay};
use crate::lab::Lab;
use crate::snapshot::ensure_no_partials;
use crate::volume::Volume;

/// The calls that fill a partial file.
const FILLING: &str = "write,pwrite64,copy_file_range";

/// The first stands still when its partial file is open and empty, the second is done meanwhile. In the end
/// the target is one of the two, whole, and not one that was not reported.
pub(crate) fn at_once(lab: &Lab) -> Result<String> {
    let volume = Volume::tmpfs(lab, "size=128m")?;
    let sources = [lab.new_path("first"), lab.new_path("second")];
    let mut random = Random::new(27);
    let contents = [random.bytes(3 << 20), random.bytes(2 << 20)];
    for (source, content) in sources.iter().zip(&contents) {
        fs::write(source, content)?;
    }
    let mut ends = Vec::new();
    for strategy in ["direct", "staged"] {
        for has_old in [false, true] {
            let target = volume.join(&format!("{strategy}-{has_old}"));
            if has_old {
                fs::write(&target, b"old")?;
            }
            let sources = [sources[0].as_path(), sources[1].as_path()];
            let done = delay::in_time(|millis| both(lab, millis, strategy, sources, &target))?;
            let content = fs::read(&target)?;
            let winner = contents.iter().position(|one| *one == content);
            let Some(winner) = winner else { anyhow::bail!("the target is neither of the two") };
            ensure!(done[winner], "the target is one that was not reported as done");
            ensure_no_partials(&volume.path)?;
            ends.push(format!("{done:?}"));
        }
    }
    Ok(format!("done: {}", ends.join(", ")))
}

/// Whether each of them was reported as done.
fn both(
    lab: &Lab,
    millis: u64,
    strategy: &str,
    sources: [&Path; 2],
    target: &Path,
) -> Result<Option<[bool; 2]>> {
    let options = ["--strategy", strategy, "--on-conflict", "replace", "--retries", "0", "-j", "1"];
    let delay = Delay::new(lab, FILLING, millis);
    let mut first = lab.copy_command_under(&delay.wrapper(), &options, sources[0], target);
    let running = Running::start(&mut first)?;
    delay.wait()?;
    let second = lab.copy(&options, sources[1], target)?;
    let is_in_time = !delay.is_over()?;
    let first = copier::read(&running.output()?)?;
    delay.ensure_happened()?;
    Ok(is_in_time.then_some([first.status == 0, second.status == 0]))
}
