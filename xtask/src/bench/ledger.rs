//! What the ledger costs, and how fast a finished job is gone through again.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Result, ensure};

use super::data_set::small_files;
use super::race::{Runner, median, race, table};
use super::scratch::Scratch;

/// 36,000 small files, copied with the ledger and without.
pub(crate) fn cost(scratch: &Scratch, rounds: usize) -> Result<String> {
    let (source, target) = (scratch.join("source"), scratch.join("target"));
    let bytes = small_files(&source, 360, 100)?;
    let without = || {
        make_room(scratch, &target)?;
        Ok(scratch.surecopy(&["copy", "-q", "--no-ledger", "-T"], &[&source, &target]))
    };
    let with = || {
        make_room(scratch, &target)?;
        Ok(scratch.surecopy(&["copy", "-q", "-T"], &[&source, &target]))
    };
    let took = race(
        &[Runner::whole("without the ledger", without), Runner::whole("with the ledger", with)],
        rounds,
    )?;
    Ok(format!(
        "36,000 files, {} MiB, {rounds} pairs, on {}\n\n{}",
        bytes >> 20,
        scratch.join("").display(),
        table(&took)
    ))
}

/// A finished job of 100,000 files, resumed.
pub(crate) fn resume(scratch: &Scratch, rounds: usize) -> Result<String> {
    const DIRECTORIES: usize = 1_000;
    const FILES: usize = 100;
    let (source, target) = (scratch.join("source"), scratch.join("target"));
    small_files(&source, DIRECTORIES, FILES)?;
    let copied = scratch.surecopy(&["copy", "-q", "-T"], &[&source, &target]).status()?;
    ensure!(copied.success(), "{copied}");
    let again = || Ok(scratch.surecopy(&["resume", "1", "-q"], &[]));
    let took = race(&[Runner::whole("resume", again)], rounds)?;
    let rate = (DIRECTORIES * FILES) as f64 / median(&took[0].wall_seconds);
    Ok(format!("{}\n{rate:.0} files a second, {rounds} rounds\n", table(&took)))
}

/// Removes what the last round has left.
fn make_room(scratch: &Scratch, target: &Path) -> Result<()> {
    let mut results = vec![fs::remove_dir_all(target)];
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        results.push(fs::remove_file(scratch.join(name)));
    }
    for result in results {
        match result {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}
