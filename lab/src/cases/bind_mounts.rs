//! A source that is its own destination, or has it within, seen at a second place: only what the files are
//! tells, not what they are called.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::copier::Copied;
use crate::lab::Lab;
use crate::snapshot::{Snapshot, ensure_no_partials};
use crate::tree;
use crate::volume::{Bound, Fs, Volume};

const POLICIES: [&str; 3] = ["update", "replace", "keep-both"];

/// Nothing is copied onto itself, and no folder into itself.
pub(crate) fn onto_itself(lab: &Lab) -> Result<String> {
    let volume = Volume::loopback(lab, Fs::Ext4, 256 << 20)?;
    let [source, again, within] =
        ["source", "again", "within"].map(|name| volume.dir(name)).map(Result::ok);
    let paths = source.zip(again).zip(within).context("they are new")?;
    let ((source, again), within) = paths;
    for folder in ["folder", "inner"] {
        fs::create_dir(source.join(folder))?;
    }
    for name in ["file", "folder/file", "inner/of-somebody"] {
        tree::write_old(&source.join(name), name.repeat(900).as_bytes())?;
    }
    let (file, file_again) = (source.join("file"), volume.join("file-again"));
    fs::write(&file_again, b"beneath")?;
    let _bound = [
        Bound::new(&source, &again)?,
        Bound::new(&source.join("inner"), &within)?,
        Bound::new(&file, &file_again)?,
    ];
    let mut copies = 0;
    for policy in POLICIES {
        let same = [
            (&source, &again),
            (&again, &source),
            (&file, &again.join("file")),
            (&file, &file_again),
            (&file_again, &file),
        ];
        for (from, to) in same {
            let what = || format!("{policy}, {} to {}", from.display(), to.display());
            onto(lab, policy, from, to, &source).with_context(what)?;
            copies += 1;
        }
        for to in [within.clone(), within.join("new")] {
            let what = || format!("{policy}, into {}", to.display());
            into(lab, policy, &source, &to).with_context(what)?;
            copies += 1;
        }
    }
    Ok(format!("{copies} copies, none of which came to be its own source"))
}

/// Fails unless it is refused, or, when it is one file, left alone as identical; and nothing is touched.
fn onto(lab: &Lab, policy: &str, from: &Path, to: &Path, source: &Path) -> Result<()> {
    let before = Snapshot::take(source)?;
    let copied = lab.copy(&["--on-conflict", policy], from, to)?;
    let is_left = copied.of_type("item").all(|item| item["skip_reason"] == "identical");
    let is_left = is_left && from.is_file() && copied.status == 0;
    ensure!(is_left || is_refused(&copied, "SAME_FILE"), "not refused: {}", copied.describe());
    before.ensure_unchanged(source)
}

fn is_refused(copied: &Copied, code: &str) -> bool {
    let codes = copied.codes();
    copied.status != 0 && !codes.is_empty() && codes.iter().all(|found| *found == code)
}

/// Fails unless the folder in which the destination is is refused, and the rest of the source is untouched.
fn into(lab: &Lab, policy: &str, source: &Path, to: &Path) -> Result<()> {
    let rest = ["file", "folder", "inner/of-somebody"].map(|name| source.join(name));
    let before = rest.iter().map(|path| Snapshot::take(path)).collect::<Result<Vec<_>>>()?;
    let names = names_in(source)?;
    let copied = lab.copy(&["--on-conflict", policy], source, to)?;
    let code = "DESTINATION_INSIDE_SOURCE";
    ensure!(is_refused(&copied, code), "not refused: {}", copied.describe());
    for (path, before) in rest.iter().zip(before) {
        before.ensure_unchanged(path)?;
    }
    ensure_no_partials(source)?;
    ensure!(names_in(source)? == names, "something was put beside the destination");
    ensure!(!to.join("inner").exists(), "the destination was copied into itself");
    // What came there besides is made undone, for the next.
    for name in ["file", "folder/file"] {
        fs::remove_file(to.join(name)).with_context(|| format!("{name} was not copied"))?;
    }
    fs::remove_dir(to.join("folder"))?;
    if to.ends_with("new") {
        fs::remove_dir(to)?;
    }
    Ok(())
}

fn names_in(dir: &Path) -> Result<BTreeSet<PathBuf>> {
    fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect()
}
