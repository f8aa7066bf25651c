//! Runs other programs and keeps what they say when they fail.

use std::ffi::OsStr;
use std::process::{Command, Output};

use anyhow::{Result, ensure};

use crate::child::Running;

/// Runs a program that has to succeed; gives its stdout.
pub(crate) fn run<A: AsRef<OsStr>>(
    program: &str,
    args: impl IntoIterator<Item = A>,
) -> Result<String> {
    let mut command = Command::new(program);
    let output = output(command.args(args))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a shell script that has to succeed, with `$1`, `$2` and so on; gives its stdout.
pub(crate) fn shell<A: AsRef<OsStr>>(
    script: &str,
    args: impl IntoIterator<Item = A>,
) -> Result<String> {
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", script, "lab"]);
    let output = output(command.args(args))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn output(command: &mut Command) -> Result<Output> {
    let output = Running::start(command)?.output()?;
    ensure!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output)
}
