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
    let what = deep_tree(&top)?;
    listed(scratch, rounds, &top, what)
}

/// Makes a tree of three levels, and says what it holds.
pub(super) fn deep_tree(top: &Path) -> Result<&'static str> {
    for outer in 0..100 {
        for inner in 0..99 {
            files(&top.join(format!("d{outer:03}/e{inner:03}")), 10)?;
        }
    }
    Ok("99,000 files in 10,001 directories")
}

/// A command that nobody reads.
pub(super) fn quiet(mut command: Command) -> Result<Command> {
    command.stdout(Stdio::null());
    Ok(command)
}

/// Lists a tree with the sizes of what is in it.
pub(super) fn find(top: &Path) -> Result<Command> {
    let mut command = Command::new("find");
    command.arg(top).args(["-printf", "%s %p\\n"]);
    quiet(command)
}

/// Lists a tree, with names only: as much as it can at its fastest.
pub(super) fn fd(top: &Path) -> Result<Command> {
    let mut command = Command::new(fd_name().unwrap_or("fd"));
    command.args(["--unrestricted", "."]).arg(top);
    quiet(command)
}

/// Whether this machine has it.
pub(super) fn has_fd() -> bool {
    fd_name().is_some()
}

/// It has another name on Debian.
fn fd_name() -> Option<&'static str> {
    let is_there =
        |name: &&str| Command::new(name).arg("--version").stdout(Stdio::null()).status().is_ok();
    ["fd", "fdfind"].into_iter().find(is_there)
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
    let mut runners = vec![Runner::whole("find -printf", || find(top))];
    let has_fd = has_fd();
    if has_fd {
        runners.push(Runner::whole("fd --unrestricted", || fd(top)));
    }
    runners.push(Runner::whole("the scan", scan));
    runners.push(Runner::whole("copy --dry-run", dry_run));
    let took = race(&runners, rounds)?;
    let without = if has_fd { "" } else { "; fd is not there" };
    Ok(format!("{what}, {rounds} rounds, on {}{without}\n\n{}", top.display(), table(&took)))
}
