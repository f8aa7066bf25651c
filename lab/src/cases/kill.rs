//! A copy that is killed at any moment.

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::child::Running;
use crate::content::{ensure_same, write_random};
use crate::lab::Lab;
use crate::volume::{Fs, Volume};

/// How many targets are replaced in each round.
const FILES: u64 = 200;

/// How often the copy is begun and killed.
const ROUNDS: usize = 24;

/// Kills at moments spread over the whole copy; every target is old or new, and the next copy ends
/// well.
pub(crate) fn at_any_moment(lab: &Lab) -> Result<String> {
    let volume = Volume::loopback(lab, Fs::Ext4, 512 << 20)?;
    let (source, target) = (volume.dir("source")?, volume.dir("target")?);
    for number in 0..FILES {
        write_random(&source.join(number.to_string()), 30_000 + number, number)?;
    }
    let options = ["-j", "4", "--set", "group_max_files=8", "--on-conflict", "replace"];
    let make_old = || -> Result<()> {
        for number in 0..FILES {
            fs::write(target.join(number.to_string()), b"old!")?;
        }
        Ok(())
    };
    let (mut old, mut new, mut killed) = (0, 0, 0);
    for round in 0..ROUNDS {
        make_old()?;
        let mut command = lab.copy_command(&options, &source, &target);
        // By what it reports, not by the clock: a reader that stops reading holds the copy, so it is
        // still at work whatever else this machine does.
        let (mut running, lines) = Running::start_held(&mut command)?;
        let mut items = lines.filter(|line| line.contains(r#""type":"item""#));
        let seen = items.by_ref().take(round * 5).count();
        // And somewhere within whatever it does then.
        thread::sleep(Duration::from_micros(round as u64 * 151 % 1500));
        running.kill()?;
        killed += usize::from(!running.wait()?.success());
        ensure!(seen == round * 5, "the copy ended by itself after {seen} items");
        // Not sooner: without a reader the copy would have ended in order.
        drop(items);
        for number in 0..FILES {
            let (from, to) = (source.join(number.to_string()), target.join(number.to_string()));
            if fs::read(&to)? == b"old!" {
                old += 1;
            } else {
                ensure_same(&from, &to)?;
                new += 1;
            }
        }
    }
    ensure!(killed > ROUNDS / 2, "only {killed} copies were killed");
    ensure!(old > 0 && new > 0, "the moments were not spread: {old} old, {new} new");
    make_old()?;
    lab.copy(&options, &source, &target)?.ensure_ok()?;
    for number in 0..FILES {
        ensure_same(&source.join(number.to_string()), &target.join(number.to_string()))?;
    }
    Ok(format!("{killed} kills: {old} old, {new} new, none in between"))
}
