//! Going on with a job whose volume is not there, or another one is.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::lab::Lab;
use crate::recorded::Recorded;
use crate::snapshot::{Snapshot, ensure_no_partials};
use crate::tool;
use crate::tree;
use crate::volume::{Fs, Volume};

const MIB: u64 = 1 << 20;
const FILES: usize = 300;
const OPTIONS: [&str; 4] = ["-j", "2", "--set", "group_max_files=8"];

/// Nothing is done while the volume is away, or another one is in its place; it goes on when it is
/// back, whatever device it then is, or when that is accepted.
pub(crate) fn is_noticed(lab: &Lab) -> Result<String> {
    let mut figures = Vec::new();
    for fs in [Fs::Ext4, Fs::Xfs, Fs::Btrfs] {
        for side in ["destination", "source"] {
            let figure = swap(lab, fs, side).with_context(|| format!("{fs:?} {side}"))?;
            figures.push(format!("{} {side}: {figure}", fs.name()));
        }
    }
    Ok(figures.join("; "))
}

fn swap(lab: &Lab, fs: Fs, side: &str) -> Result<String> {
    let volume = Volume::loopback(lab, fs, 400 * MIB)?;
    let other = Volume::loopback(lab, fs, 400 * MIB)?;
    let beside = Volume::loopback(lab, Fs::Ext4, 400 * MIB)?;
    // Its place is on a volume of its own, which is found there when it is away.
    let ground = Volume::loopback(lab, Fs::Ext4, 400 * MIB)?;
    let place = ground.dir("place")?;
    let umount = || tool::run("umount", [&place]).map(drop);
    let mount = |volume: &Volume| {
        let words = ["--bind".as_ref(), volume.path.as_os_str(), place.as_os_str()];
        tool::run("mount", words).map(drop)
    };
    mount(&volume)?;
    let (from, to) = if side == "source" { (&place, &beside.path) } else { (&beside.path, &place) };
    let original = lab.new_path("original");
    tree::make(&original, FILES, 2000)?;
    copy_tree(&original, from)?;
    let recorded = Recorded::new(lab)?;
    // With a slash: what is in the place, and not the place.
    let (source, target) = (from.join(""), to.as_path());
    let source = source.as_path();
    recorded.copy_and_kill(&OPTIONS, (source, target), FILES / 2)?;

    let refused = || -> Result<()> {
        let before = [Snapshot::take(source)?, Snapshot::take(target)?];
        let resumed = recorded.run(&["resume", "1", "--json"])?;
        resumed.ensure_ends(4, &[])?;
        resumed.ensure_fails_with("VOLUME_CHANGED")?;
        before[0].ensure_unchanged(source)?;
        before[1].ensure_unchanged(target)
    };
    let device = fs::metadata(&volume.path)?.dev();
    umount()?;
    refused().context("away")?;
    if side == "source" {
        copy_tree(&original, &other.path)?;
    }
    mount(&other)?;
    refused().context("another one")?;
    umount()?;
    tool::run("umount", [&volume.path])?;

    // Something else gets the device that it had.
    let in_between = Volume::loopback(lab, Fs::Ext4, 64 * MIB)?;
    volume.put_back(fs)?;
    mount(&volume)?;
    let is_renumbered = device != fs::metadata(&volume.path)?.dev();
    drop(in_between);
    let resumed = recorded.run(&["resume", "1", "--json"])?;
    resumed.ensure_ok()?;
    let copied = resumed.report()?["items"]["ok"].as_u64().unwrap_or_default();
    ensure!(copied <= FILES as u64 / 2, "{copied} were copied then");
    ensure_whole(&original, target)?;

    // The same job on the other volume, because the user says so.
    umount()?;
    mount(&other)?;
    refused().context("another one, after the end")?;
    let accepted = recorded.run(&["resume", "1", "--json", "--accept-volume"])?;
    accepted.ensure_ok()?;
    ensure_whole(&original, target)?;
    recorded.ensure_sound(1)?;
    // From now on it is that one.
    recorded.run(&["resume", "1", "--json"])?.ensure_ok()?;
    umount()?;
    mount(&volume)?;
    refused().context("the first one, after another was accepted")?;
    umount()?;
    Ok(format!(
        "{copied} copied when it was back{}",
        if is_renumbered { ", device renumbered" } else { "" }
    ))
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    tool::shell(r#"cp -a -- "$1/." "$2""#, [from, to]).map(drop)
}

fn ensure_whole(original: &Path, target: &Path) -> Result<()> {
    for number in 0..FILES {
        let name = tree::name(number);
        let is_same = fs::read(original.join(&name))? == fs::read(target.join(&name))?;
        ensure!(is_same, "{} differs", name.display());
    }
    ensure_no_partials(target)
}
