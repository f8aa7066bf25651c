//! Going on with a job by what is really there, not by what is recorded.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::copier::Copied;
use crate::lab::Lab;
use crate::recorded::Recorded;
use crate::snapshot::{PARTIAL_PREFIX, ensure_no_partials};
use crate::tree;
use crate::volume::{Fs, Volume};

const MIB: u64 = 1 << 20;

/// How many files there are, and of how many the copy has told when it is killed.
const FILES: usize = 400;
const TOLD: usize = 160;

/// Small groups, so that there is much to be interrupted.
const OPTIONS: [&str; 4] = ["-j", "2", "--set", "group_max_files=8"];

/// Every policy that nobody has to be asked for.
const POLICIES: [&str; 6] = ["update", "replace", "newer", "skip", "keep-both", "fail"];

/// Makes what is at the target before the job: a few files, older, as old, and newer than the source.
fn make_old(source: &Path, target: &Path) -> Result<()> {
    for number in (0..FILES).step_by(23) {
        let name = tree::name(number);
        let path = target.join(&name);
        fs::create_dir_all(path.parent().context("it is in a folder")?)?;
        match number % 3 {
            0 => tree::write_old(&path, &fs::read(source.join(&name))?)?,
            1 => tree::write_old(&path, b"old")?,
            _ => {
                fs::write(&path, b"newer than the source")?;
                tree::set_time(&path, 1_700_000_000)?;
            }
        }
    }
    Ok(())
}

/// How often a resumed job ends well with the ledger that it was begun with, and with one that was
/// restored from a copy taken in between.
pub(crate) fn policies(lab: &Lab) -> Result<String> {
    let volume = Volume::loopback(lab, Fs::Ext4, 512 * MIB)?;
    let source = volume.join("source");
    tree::make(&source, FILES, 4000)?;
    let mut kept = 0;
    let mut found_again = 0;
    let mut left_backups = 0;
    for policy in POLICIES {
        let options: Vec<&str> = OPTIONS.into_iter().chain(["--on-conflict", policy]).collect();
        let undisturbed = volume.join(&format!("undisturbed-{policy}"));
        make_old(&source, &undisturbed)?;
        let expected = Recorded::new(lab)?.copy(&options, &source, &undisturbed)?;
        ensure_no_partials(&undisturbed)?;
        for is_restored in [false, true] {
            let what = if is_restored { "restored" } else { "resumed" };
            let target = volume.join(&format!("{what}-{policy}"));
            make_old(&source, &target)?;
            let recorded = Recorded::new(lab)?;
            let backup = recorded.ledger.with_extension("backup");
            let of_job = (source.as_path(), target.as_path());
            recorded
                .copy_and_kill_after(&options, of_job, TOLD, || recorded.back_up(&backup))
                .with_context(|| format!("{policy} {what}"))?;
            if is_restored {
                recorded.restore(&backup)?;
            }
            let resumed = recorded.run(&["resume", "1", "--json"])?;
            let left = if is_restored { take_backups(&source, &target)? } else { 0 };
            left_backups += left;
            check_policy(&recorded, &resumed, &expected, (&undisturbed, &target))
                .with_context(|| format!("{policy} {what}: {}", resumed.describe()))?;
            let kept_now = resumed.report()?["planned"]["kept"].as_u64().unwrap_or_default();
            if is_restored { found_again += kept_now } else { kept += kept_now }
        }
    }
    ensure!(kept > found_again && found_again > 0, "{kept} kept, {found_again} when restored");
    Ok(format!(
        "{} policies, {FILES} files: {kept} kept as they were; with a ledger restored from an earlier \
         copy {found_again}, nothing twice, and {left_backups} files left under names of backups",
        POLICIES.len()
    ))
}

/// Takes away what stands under the name of a backup. A ledger that was restored may not know what it
/// is of, and what was there before is not removed for its name. Fails when it is neither an old file nor
/// a copy that was about to be exchanged with one.
fn take_backups(source: &Path, target: &Path) -> Result<usize> {
    let contents = (0..FILES).map(|number| fs::read(source.join(tree::name(number))));
    let contents: HashSet<Vec<u8>> = contents.collect::<Result<_, _>>()?;
    let mut taken = 0;
    for folder in fs::read_dir(target)? {
        for entry in fs::read_dir(folder?.path())? {
            let path = entry?.path();
            let is_backup = path.extension().is_some_and(|ending| ending == "backup");
            if is_backup
                && path
                    .file_name()
                    .is_some_and(|name| name.as_encoded_bytes().starts_with(PARTIAL_PREFIX))
            {
                let content = fs::read(&path)?;
                let is_known = content.len() < 100 || contents.contains(&content);
                ensure!(is_known, "{} is neither old nor a copy", path.display());
                fs::remove_file(path)?;
                taken += 1;
            }
        }
    }
    Ok(taken)
}

fn check_policy(
    recorded: &Recorded,
    resumed: &Copied,
    expected: &Copied,
    (undisturbed, target): (&Path, &Path),
) -> Result<()> {
    tree::ensure_alike(undisturbed, target)?;
    ensure_no_partials(target)?;
    ensure!(resumed.status == expected.status, "exit status {}", resumed.status);
    recorded.ensure_sound(1)?;
    // Once more: nothing is left to do.
    let again = recorded.run(&["resume", "1", "--json"])?;
    ensure!(again.status == expected.status, "exit status {} then", again.status);
    let done_again = &again.report()?["items"]["ok"];
    ensure!(done_again == 0, "{done_again} items were done again");
    tree::ensure_alike(undisturbed, target).context("after resuming twice")
}

/// What was done to an entry between the two runs.
struct Change {
    name: PathBuf,
    /// What has to be under the name in the end; nothing when it must not be there.
    end: Option<Vec<u8>>,
}

/// Files changed, vanished and appeared in the source, and targets that were copied already changed,
/// went, or became something else.
pub(crate) fn changes(lab: &Lab) -> Result<String> {
    let mut figures = Vec::new();
    for policy in ["update", "replace"] {
        let volume = Volume::loopback(lab, Fs::Ext4, 256 * MIB)?;
        let (source, target) = (volume.join("source"), volume.join("target"));
        tree::make(&source, FILES, 4000)?;
        let recorded = Recorded::new(lab)?;
        let options: Vec<&str> = OPTIONS.into_iter().chain(["--on-conflict", policy]).collect();
        recorded.copy_and_kill(&options, (&source, &target), TOLD)?;
        let done = names(&recorded.items(1, "ok")?, &source)?;
        ensure!(done.len() >= TOLD && done.len() < FILES - 20, "{} were done", done.len());
        // Some were published when it was killed, and their ends were not recorded yet: those are done too.
        let open: Vec<PathBuf> =
            (0..FILES).map(tree::name).filter(|name| !target.join(name).exists()).collect();
        ensure!(open.len() >= 20, "only {} were not begun", open.len());
        let changes = change_all(&source, &target, &done, &open)?;
        let resumed = recorded.run(&["resume", "1", "--json"])?;
        let described = || format!("{policy}: {}", resumed.describe());
        // What became a folder is not replaced, and said.
        ensure!(resumed.status == 1, "exit status {}: {}", resumed.status, described());
        ensure!(resumed.codes() == ["TARGET_KIND_DIFFERS"; 2], "{}", described());
        check_changes(&source, &target, &changes).with_context(described)?;
        ensure_no_partials(&target)?;
        recorded.ensure_sound(1)?;
        let report = resumed.report()?;
        let kept = report["planned"]["kept"].as_u64().unwrap_or_default();
        ensure!(kept >= done.len() as u64 - 8, "only {kept} of {} kept", done.len());
        figures.push(format!("{policy}: {kept} kept, {} copied", report["items"]["ok"]));
    }
    Ok(figures.join("; "))
}

fn names(items: &[Value], top: &Path) -> Result<Vec<PathBuf>> {
    let name = |item: &Value| {
        let path = item["source"].as_str().context("an item has a source")?;
        Ok(Path::new(path).strip_prefix(top)?.to_owned())
    };
    items.iter().filter(|item| item["kind"] == "file").map(name).collect()
}

fn change_all(
    source: &Path,
    target: &Path,
    done: &[PathBuf],
    open: &[PathBuf],
) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    let mut expect = |name: &Path, end: Option<Vec<u8>>| {
        changes.push(Change { name: name.to_owned(), end });
    };
    for (names, is_done) in [(done, true), (open, false)] {
        // Longer.
        let longer = [fs::read(source.join(&names[0]))?, b"and more".to_vec()].concat();
        fs::write(source.join(&names[0]), &longer)?;
        expect(&names[0], Some(longer));
        // As long as it was, of another time.
        let mut other = fs::read(source.join(&names[1]))?;
        other[7] ^= 1;
        fs::write(source.join(&names[1]), &other)?;
        tree::set_time(&source.join(&names[1]), 1_600_000_000)?;
        expect(&names[1], Some(other));
        // Gone: what was copied of it stays.
        let last = is_done.then(|| fs::read(source.join(&names[2]))).transpose()?;
        fs::remove_file(source.join(&names[2]))?;
        expect(&names[2], last);
        // New.
        let name = names[0].with_file_name(format!("new-{is_done}"));
        tree::write_old(&source.join(&name), b"appeared")?;
        expect(&name, Some(b"appeared".to_vec()));
    }
    // A target that somebody has changed, and one that is gone.
    fs::write(target.join(&done[3]), b"changed by somebody")?;
    tree::set_time(&target.join(&done[3]), 1_400_000_000)?;
    expect(&done[3], Some(fs::read(source.join(&done[3]))?));
    fs::remove_file(target.join(&done[4]))?;
    expect(&done[4], Some(fs::read(source.join(&done[4]))?));
    // One that is now a folder, which stays, and a link, which is replaced like in any copy.
    fs::remove_file(target.join(&done[5]))?;
    fs::create_dir(target.join(&done[5]))?;
    fs::write(target.join(&done[5]).join("beneath"), b"of somebody")?;
    fs::remove_file(target.join(&done[6]))?;
    symlink("nowhere", target.join(&done[6]))?;
    expect(&done[5].join("beneath"), Some(b"of somebody".to_vec()));
    expect(&done[6], Some(fs::read(source.join(&done[6]))?));
    Ok(changes)
}

fn check_changes(source: &Path, target: &Path, changes: &[Change]) -> Result<()> {
    for Change { name, end } in changes {
        let path = target.join(name);
        match end {
            Some(content) => {
                ensure!(path.symlink_metadata()?.is_file(), "{} is no file", path.display());
                ensure!(fs::read(&path)? == *content, "{} is not as it has to be", path.display());
            }
            None => ensure!(!fs::exists(&path)?, "{} is there", path.display()),
        }
    }
    for number in 0..FILES {
        let name = tree::name(number);
        if !changes.iter().any(|change| change.name.starts_with(&name)) {
            let same = fs::read(source.join(&name))? == fs::read(target.join(&name))?;
            ensure!(same, "{} differs", name.display());
        }
    }
    Ok(())
}
