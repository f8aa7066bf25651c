//! What the checks of the rounds have to find.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use surecopy_testkit::Random;

use super::random_tree::{Kept, RandomTree};
use super::round::{is_of_ours, kept};
use crate::lab::Lab;
use crate::recorded::Recorded;

/// A copy that nothing has disturbed passes, and does not when something more is there, whatever its name,
/// whatever else was lacking and whatever was kept.
pub(super) fn strays_are_found(lab: &Lab) -> Result<()> {
    let tree = RandomTree::make(&mut Random::new(62), lab.new_path("source"))?;
    let (target, recorded) = (lab.new_path("target"), Recorded::new(lab)?);
    tree.fill(&target)?;
    let options = ["-a", "--on-conflict", "replace", "--keep-replaced"];
    recorded.copy(&options, &tree.source, &target)?.ensure_ok()?;
    let (kept, none) = (kept(&recorded)?, Kept::new());
    let (of, backups) = kept.first_key_value().context("nothing was replaced")?;
    let (nothing, everything) = (BTreeSet::new(), tree.targets(&target));

    let is_taken = |lacking: &BTreeSet<PathBuf>, kept: &Kept| {
        tree.ensure_copied(&target, lacking, kept).is_ok()
    };
    ensure!(is_taken(&nothing, &kept), "a copy that nothing has disturbed is not taken");
    ensure!(!is_taken(&everything, &none), "backups that nobody has told of are taken");
    // A time may be lost where that is told, and content not even there.
    let another = SystemTime::UNIX_EPOCH + Duration::from_secs(62);
    fs::File::options().write(true).open(of)?.set_modified(another)?;
    let only = BTreeSet::from([of.clone()]);
    ensure!(!is_taken(&nothing, &kept), "a time that is lost is taken");
    tree.ensure_copied(&target, &only, &kept)
        .context("a time that is told as lost is not taken")?;

    for stray in ["stray", ".surecopy-1.backup", ".surecopy-1.partial"] {
        let path = target.join(stray);
        fs::write(&path, "stray")?;
        ensure!(!is_taken(&everything, &kept), "{stray} is taken");
        let is_found = tree.ensure_no_strays(&target, is_of_ours).is_err();
        ensure!(is_found != is_of_ours(Path::new(stray)), "{stray}: {is_found}");
        fs::remove_file(path)?;
    }
    ensure!(is_taken(&everything, &kept), "a copy without strays is not taken");

    let content = fs::read(of)?;
    fs::write(of, "another")?;
    ensure!(!is_taken(&everything, &kept), "content that differs is taken");
    fs::write(of, &content)?;
    for other in [content.as_slice(), b"another"] {
        fs::write(&backups[0], other)?;
        ensure!(!is_taken(&everything, &kept), "a backup of something else is taken");
    }

    ensure!(tree.ensure_old(&target, None).is_err(), "what was not undone is taken for it");
    ensure_left_is_found(lab, &tree)
}

/// What was not there before is found when it stays.
fn ensure_left_is_found(lab: &Lab, tree: &RandomTree) -> Result<()> {
    let target = lab.new_path("undone");
    tree.fill(&target)?;
    tree.ensure_old(&target, None).context("what was never copied is not taken for undone")?;
    for stray in ["stray", ".surecopy-1.backup"] {
        fs::create_dir(target.join(stray))?;
        let is_taken = tree.ensure_old(&target, Some(&BTreeSet::new())).is_ok();
        ensure!(!is_taken, "{stray} is taken for what was there");
        fs::remove_dir(target.join(stray))?;
    }
    let new = tree.new_directory(&target)?;
    fs::create_dir(target.join(&new))?;
    ensure!(tree.ensure_old(&target, None).is_err(), "a directory that stays is not found");
    let is_taken = |known| tree.ensure_old(&target, Some(&known)).is_ok();
    ensure!(!is_taken(BTreeSet::from([new])), "a directory that is known stays and is not found");
    ensure!(is_taken(BTreeSet::new()), "a directory that nobody knows of is not left alone");
    Ok(())
}
