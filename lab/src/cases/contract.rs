//! The contract of the file-system layer on every kind of volume that the lab can mount.

use std::env;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::child::Running;
use crate::lab::Lab;
use crate::volume::{Fs, Volume};

/// Cargo may have to build the suite first.
const LIMIT: Duration = Duration::from_secs(1800);

/// Runs the conformance suite of `surecopy-fs` with directories on all of them.
pub(crate) fn everywhere(lab: &Lab) -> Result<String> {
    let mut volumes = vec![Volume::overlay(lab)?, Volume::tmpfs(lab, "size=256m")?];
    for fs in Fs::ALL {
        volumes.push(Volume::loopback(lab, fs, 512 << 20)?);
    }
    let dirs = env::join_paths(volumes.iter().map(|volume| &volume.path))?;
    let test = "the_native_file_system_keeps_the_contract_on_every_file_system_given";
    let mut command = Command::new("cargo");
    command
        .args(["test", "--locked", "-p", "surecopy-fs", "--test", "conformance", "--"])
        .args(["--exact", "--nocapture", test])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .env("SURECOPY_CONFORMANCE_DIRS", dirs);
    let output = Running::start_within(LIMIT, &mut command)?.output()?;
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    ensure!(output.status.success(), "{text}");
    let held: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("file system ")).collect();
    ensure!(
        held.len() == volumes.len() && text.contains("1 passed"),
        "not all were tried:\n{text}"
    );
    Ok(held.join(", "))
}
