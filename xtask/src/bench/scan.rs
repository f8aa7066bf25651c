//! How fast a tree is gone through for the first time, beside programs that do nothing else.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Result;

use super::race::{Runner, race, table};
use super::scratch::Scratch;

/// 100,000 files in 10,000 directories.
pub(crate) fn tree(scratch: &Scratch, rounds: usize) -> Result<String> {
    let top = scratch.join("source");
    for outer in 0..100 {
        for inner in 0..99 {
            files(&top.join(format!("d{outer:03}/e{inner:03}")), 10)?;
        }
    }
    listed(scratch, rounds, &top, "99,000 files in 10,001 directories")
}

/// 100,000 files in one directory.
pub(crate) fn flat(scratch: &Scratch, rounds: usize) -> Result<String> {
    let top = scratch.join("source");
    files(&top, 100_000)?;
    listed(scratch, rounds, &top, "100,000 files in one directory")
}

/// Their content does not matter.
fn files(directory: &Path, count: usize) -> Result<()> {
    fs::create_dir_all(directory)?;
    for number in 0..count {
        fs::write(directory.join(format!("file{number:06}.dat")), "")?;
    }
    Ok(())
}

fn listed(scratch: &Scratch, rounds: usize, top: &Path, what: &str) -> Result<String> {
    let quiet = |mut command: Command| {
        command.stdout(Stdio::null());
        Ok(command)
    };
    let find = || {
        let mut command = Command::new("find");
        command.arg(top).args(["-printf", "%s %p\\n"]);
        quiet(command)
    };
    let fd = || {
        let mut command = Command::new("fd");
        command.args(["--unrestricted", "--format", "{}", "."]).arg(top);
        quiet(command)
    };
    let tests = scratch.engine_tests()?;
    // The scan alone, and with all that is planned and shown.
    let scan = || {
        let mut command = Command::new(&tests);
        command.args(["--ignored", "--exact", "plan::scan::tests::time::list_a_tree"]);
        command.env("SURECOPY_SCAN", top);
        quiet(command)
    };
    let target = scratch.join("target");
    let dry_run = || {
        quiet(scratch.surecopy(&["copy", "-q", "--no-ledger", "--dry-run", "-T"], &[top, &target]))
    };
    let mut runners = vec![Runner { name: "find -printf", prepare: Box::new(find) }];
    let has_fd = Command::new("fd").arg("--version").stdout(Stdio::null()).status().is_ok();
    if has_fd {
        runners.push(Runner { name: "fd --unrestricted", prepare: Box::new(fd) });
    }
    runners.push(Runner { name: "the scan", prepare: Box::new(scan) });
    runners.push(Runner { name: "copy --dry-run", prepare: Box::new(dry_run) });
    let took = race(&runners, rounds)?;
    let without = if has_fd { "" } else { "; fd is not there" };
    Ok(format!("{what}, {rounds} rounds, on {}{without}\n\n{}", top.display(), table(&took)))
}
