//! Another volume that is mounted within the destination.

use std::fs;
use std::os::unix::fs::MetadataExt;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::content::ensure_same;
use crate::copier::ensure_has;
use crate::lab::Lab;
use crate::recorded::Recorded;
use crate::snapshot::ensure_no_partials;
use crate::tree;
use crate::volume::{Bound, Fs, Volume};

const FILES: usize = 200;

/// What goes there is published there, with the evidence that this volume allows; so it is when the job was
/// killed and resumed, and when it is undone.
pub(crate) fn works(lab: &Lab) -> Result<String> {
    let (outer, inner) =
        (Volume::loopback(lab, Fs::Ext4, 256 << 20)?, Volume::tmpfs(lab, "size=256m")?);
    let source = lab.new_path("source");
    tree::make(&source, FILES, 20_000)?;
    let target = outer.dir("target")?;
    let within = target.join("folder-1");
    fs::create_dir(&within)?;
    let _bound = Bound::new(&inner.path, &within)?;
    fs::write(within.join("file-60"), "old")?;
    let recorded = Recorded::new(lab)?;
    let options = ["-j", "2", "--set", "group_max_files=8", "--keep-replaced"];
    recorded.copy_and_kill(&options, (&source, &target), FILES / 3)?;
    recorded.run(&["resume", "1", "--json"])?.ensure_ok()?;
    // The old file is kept beside the new one.
    for name in (0..FILES).map(tree::name) {
        ensure_same(&source.join(&name), &target.join(&name))?;
    }
    recorded.ensure_sound(1)?;
    let device = |name: &str| fs::metadata(target.join(name)).map(|about| about.dev());
    ensure!(
        device("folder-0/file-0")? != device("folder-1/file-60")?,
        "both went to the same volume"
    );
    for (name, evidence) in [("folder-0/file-0", "device"), ("folder-1/file-60", "cache")] {
        let to = target.join(format!("{name}.second"));
        let item = lab.copy_one(&[], &source.join(name), &to)?;
        ensure_has(name, &item, &json!({"evidence": evidence, "verified": true}))?;
        fs::remove_file(to)?;
    }
    recorded.run(&["undo", "1", "--json"])?.ensure_ok()?;
    ensure!(fs::read(within.join("file-60"))? == b"old", "the old file did not come back");
    ensure!(fs::read_dir(&within)?.count() == 1, "more than the old file is there");
    ensure_no_partials(&target)?;
    Ok(String::new())
}
