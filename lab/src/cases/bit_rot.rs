//! A source whose content changed, and whose size and time did not.

use std::fs;

use anyhow::{Result, ensure};

use crate::copier::Copied;
use crate::lab::Lab;
use crate::recorded::Recorded;
use crate::snapshot::{Snapshot, ensure_no_partials};
use crate::tree;
use crate::volume::{Fs, Volume};

const FILES: usize = 20;
const ROTTEN: usize = 7;

/// The good copy stays, with a warning, until its user says that the source is right; a copy to
/// another place is made, with the warning.
pub(crate) fn suspected(lab: &Lab) -> Result<String> {
    let volume = Volume::loopback(lab, Fs::Ext4, 256 << 20)?;
    let (source, target) = (volume.join("source"), volume.join("target"));
    tree::make(&source, FILES, 10_000)?;
    let recorded = Recorded::new(lab)?;
    recorded.copy(&[], &source, &target)?.ensure_ok()?;
    let original = Snapshot::take(&target)?;
    let before = Snapshot::take(&source)?;
    let rotten = source.join(tree::name(ROTTEN));
    let mut content = fs::read(&rotten)?;
    content[4321] ^= 0x10;
    tree::write_old(&rotten, &content)?;
    ensure!(before.ensure_unchanged(&source).is_err(), "nothing has rotted");

    // What is as old and as large is taken for the same. Who looks at contents finds out.
    recorded.copy(&[], &source, &target)?.ensure_ok()?;
    let ways: [&[&str]; 3] = [
        &["--checksum"],
        &["--on-conflict", "replace"],
        &["--on-conflict", "replace", "--read-back", "cache", "--strategy", "staged"],
    ];
    for way in ways {
        let copied = recorded.copy(way, &source, &target)?;
        copied.ensure_ends(1, &["BIT_ROT_SUSPECTED"])?;
        copied.ensure_fails_with("BIT_ROT_SUSPECTED")?;
        ensure_warned(&copied)?;
        let kept = fs::read(target.join(tree::name(ROTTEN)))?;
        ensure!(kept != content, "{way:?}: the good copy was replaced");
        ensure_no_partials(&target)?;
        // Also when the job is tried again.
        let job = copied.objects[0]["job"].to_string();
        recorded.run(&["retry", &job, "--json"])?.ensure_fails_with("BIT_ROT_SUSPECTED")?;
    }
    let good = fs::read(target.join(tree::name(ROTTEN)))?;
    ensure!(good.len() == content.len() && good != content, "the good copy is not whole");
    ensure!(original.ensure_unchanged(&target).is_err(), "the others were not replaced");

    // Elsewhere nothing good can be lost.
    let elsewhere = volume.join("elsewhere");
    let copied = recorded.copy(&[], &source, &elsewhere)?;
    copied.ensure_ok()?;
    ensure_warned(&copied)?;
    tree::ensure_alike(&source, &elsewhere)?;

    let accepted = ["--on-conflict", "replace", "--accept-changed-content"];
    let copied = recorded.copy(&accepted, &source, &target)?;
    copied.ensure_ok()?;
    tree::ensure_alike(&source, &target)?;
    Ok(format!("1 of {FILES} files, found in {} ways", ways.len()))
}

/// There is one warning, and it names the file.
fn ensure_warned(copied: &Copied) -> Result<()> {
    let warnings: Vec<_> =
        copied.of_type("warning").filter(|warning| warning["kind"] == "bit_rot").collect();
    let name = tree::name(ROTTEN);
    let names_it = |path: &serde_json::Value| {
        path.as_str().is_some_and(|path| path.ends_with(name.to_str().unwrap_or("?")))
    };
    ensure!(warnings.len() == 1 && names_it(&warnings[0]["path"]), "{warnings:?}");
    ensure!(copied.report()?["warnings"] == 1, "{}", copied.describe());
    Ok(())
}
