//! What others see while targets are replaced.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use surecopy_testkit::Random;

use crate::lab::Lab;
use crate::snapshot::ensure_no_partials;
use crate::volume::{Fs, Volume};

/// How many targets are replaced on each volume.
const FILES: usize = 1000;

/// A copy in whose middle chance let nobody look is made again so often.
const TRIES: usize = 8;

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
        let looks = watch_replacing(lab, &source, &target, &contents).context(*name)?;
        figures.push(format!("{name} {}, {} old", looks.meanwhile, looks.old_meanwhile));
    }
    Ok(format!("{FILES} replaced on each; looks in the middle: {}", figures.join("; ")))
}

/// Replaces until somebody has looked in the middle.
fn watch_replacing(lab: &Lab, source: &Path, target: &Path, contents: &Contents) -> Result<Looks> {
    for _ in 0..TRIES {
        for (number, content) in contents.old.iter().enumerate() {
            fs::write(target.join(number.to_string()), content)?;
        }
        let looks = replace_and_look(lab, source, target, contents)?;
        ensure_no_partials(target)?;
        if looks.are_enough() {
            return Ok(looks);
        }
    }
    bail!("{TRIES} copies, and never were old and new files found side by side")
}

fn replace_and_look(lab: &Lab, source: &Path, target: &Path, contents: &Contents) -> Result<Looks> {
    let is_over = AtomicBool::new(false);
    let read = |number: usize| {
        let path = target.join(number.to_string());
        fs::read(&path).with_context(|| format!("look at {}", path.display()))
    };
    let (copied, looked) = thread::scope(|scope| {
        let observer = scope.spawn(|| look(contents, &is_over, read));
        let copied = lab.copy(&["--on-conflict", "replace"], source, target);
        is_over.store(true, Ordering::Release);
        (copied, observer.join())
    });
    copied?.ensure_ok()?;
    let looks = looked.map_err(|_| anyhow::anyhow!("the observer panicked"))??;
    for (number, content) in contents.new.iter().enumerate() {
        ensure!(read(number)? == *content, "{number} is not new");
    }
    Ok(looks)
}

/// How often a target was looked at.
#[derive(Debug, Default, PartialEq, Eq)]
struct Looks {
    /// Before the copy was over.
    before_the_end: usize,
    /// Among them, since the first new file was found.
    meanwhile: usize,
    /// Among those, how often the old file was found: some were replaced by then, and not all.
    old_meanwhile: usize,
}

impl Looks {
    fn are_enough(&self) -> bool {
        self.old_meanwhile > 0 && self.before_the_end >= FILES
    }
}

/// Looks at all targets in turn until it is over, and once more; counts what is found before the end.
fn look(
    contents: &Contents,
    is_over: &AtomicBool,
    read: impl Fn(usize) -> Result<Vec<u8>>,
) -> Result<Looks> {
    let mut looks = Looks::default();
    let mut is_last = false;
    while !is_last {
        is_last = is_over.load(Ordering::Acquire);
        for (number, (old, new)) in contents.old.iter().zip(&contents.new).enumerate() {
            let found = read(number)?;
            let is_old = found == *old;
            ensure!(
                is_old || found == *new,
                "{number} is neither old nor new: {} bytes",
                found.len()
            );
            if !is_over.load(Ordering::Acquire) {
                looks.before_the_end += 1;
                looks.meanwhile += usize::from(!is_old || looks.meanwhile > 0);
                looks.old_meanwhile += usize::from(is_old && looks.meanwhile > 0);
            }
        }
    }
    Ok(looks)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Looks at files of which the first so many are new, until the copy is over after so many looks.
    fn looks_at(new: usize, looks_before_the_end: usize) -> Looks {
        let contents = Contents::draw();
        let is_over = AtomicBool::new(looks_before_the_end == 0);
        let looks = Cell::new(0);
        let read = |number: usize| {
            looks.set(looks.get() + 1);
            is_over.store(looks.get() > looks_before_the_end, Ordering::Release);
            let content = if number < new { &contents.new } else { &contents.old };
            Ok(content[number].clone())
        };
        look(&contents, &is_over, read).expect("every file is old or new")
    }

    #[test]
    fn what_is_seen_after_the_end_does_not_count() {
        assert_eq!(looks_at(1, 0), Looks::default());
        let looks = looks_at(1, 10);
        assert_eq!(looks, Looks { before_the_end: 10, meanwhile: 10, old_meanwhile: 9 });
    }

    #[test]
    fn old_and_new_have_to_be_found_side_by_side() {
        for (new, before_the_end, expected) in
            [(0, FILES, false), (FILES, FILES, false), (1, FILES - 1, false), (1, FILES, true)]
        {
            assert_eq!(looks_at(new, before_the_end).are_enough(), expected, "{new} new");
        }
    }
}
