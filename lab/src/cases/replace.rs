//! What others see while targets are replaced.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result, ensure};
use surecopy_testkit::Random;

use crate::lab::Lab;
use crate::snapshot::ensure_no_partials;
use crate::volume::{Fs, Volume};

/// How many targets are replaced on each volume.
const FILES: usize = 1000;

/// Old and new content, by number. Their lengths differ.
struct Contents {
    old: Vec<Vec<u8>>,
    new: Vec<Vec<u8>>,
}

impl Contents {
    fn draw() -> Self {
        let mut random = Random::new(29);
        let mut draw = |size: usize| (0..FILES).map(|number| random.bytes(size + number)).collect();
        Self { old: draw(5_000), new: draw(9_000) }
    }
}

/// Other programs open and read the targets as fast as they can; each time they find the old file
/// or the new one, whole.
pub(crate) fn seen_by_others(lab: &Lab) -> Result<String> {
    let contents = Contents::draw();
    let source = lab.new_dir("source")?;
    for (number, content) in contents.new.iter().enumerate() {
        fs::write(source.join(number.to_string()), content)?;
    }
    let mut volumes = vec![
        ("tmpfs", Volume::tmpfs(lab, "size=256m")?),
        ("without exchange", Volume::fuse_network(lab)?),
    ];
    for fs in Fs::ALL {
        volumes.push((fs.name(), Volume::loopback(lab, fs, 512 << 20)?));
    }
    let mut figures = Vec::new();
    for (name, volume) in &volumes {
        let target = volume.dir("target")?;
        for (number, content) in contents.old.iter().enumerate() {
            fs::write(target.join(number.to_string()), content)?;
        }
        let looks = replace_and_look(lab, &source, &target, &contents).context(*name)?;
        ensure_no_partials(&target)?;
        figures.push(format!("{name} {looks}"));
    }
    Ok(format!("{FILES} replaced on each; looks: {}", figures.join(", ")))
}

/// Gives how often a target was looked at.
fn replace_and_look(lab: &Lab, source: &Path, target: &Path, contents: &Contents) -> Result<usize> {
    let is_over = AtomicBool::new(false);
    let (copied, looked) = thread::scope(|scope| {
        let observer = scope.spawn(|| look(target, contents, &is_over));
        let copied = lab.copy(&["--on-conflict", "replace"], source, target);
        is_over.store(true, Ordering::Release);
        (copied, observer.join())
    });
    copied?.ensure_ok()?;
    let looks = looked.map_err(|_| anyhow::anyhow!("the observer panicked"))??;
    ensure!(looks >= FILES, "only {looks} looks");
    for (number, content) in contents.new.iter().enumerate() {
        ensure!(fs::read(target.join(number.to_string()))? == *content, "{number} is not new");
    }
    Ok(looks)
}

/// Looks at all targets in turn until it is over, and once more.
fn look(target: &Path, contents: &Contents, is_over: &AtomicBool) -> Result<usize> {
    let mut looks = 0;
    let mut is_last = false;
    while !is_last {
        is_last = is_over.load(Ordering::Acquire);
        for number in 0..FILES {
            let path = target.join(number.to_string());
            let found = fs::read(&path).with_context(|| format!("look at {}", path.display()))?;
            ensure!(
                found == contents.old[number] || found == contents.new[number],
                "{} is neither old nor new: {} bytes",
                path.display(),
                found.len()
            );
            looks += 1;
        }
    }
    Ok(looks)
}
