//! How much memory copying takes.

use std::fs;

use anyhow::{Result, ensure};

use crate::content::write_random;
use crate::lab::Lab;
use crate::tool;
use crate::volume::Volume;
use crate::watch::{self, Watched};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The default of `memory_budget_bytes`, and room for everything that is not data in flight.
const BOUND: u64 = (256 + 64) * MIB;

fn ensure_within_bound(what: &str, watched: &Watched) -> Result<String> {
    watched.copied.ensure_ok()?;
    let (resident, own) = (watched.peak_resident_bytes / MIB, watched.peak_own_bytes / MIB);
    ensure!(resident > 0, "{what}: nothing was measured");
    ensure!(
        watched.peak_resident_bytes <= BOUND,
        "{what}: {resident} MiB at most, {own} MiB of its own; more than {} MiB",
        BOUND / MIB
    );
    Ok(format!("{what} {resident} MiB ({own} MiB of its own)"))
}

/// A large file, in both ways.
pub(crate) fn large_file(lab: &Lab) -> Result<String> {
    let memory = Volume::tmpfs(lab, "size=7g")?;
    let source = memory.join("file");
    write_random(&source, 3 * GIB, 1)?;
    let mut figures = Vec::new();
    for strategy in ["staged", "direct"] {
        let options = ["--strategy", strategy, "--verify", "all"];
        let target = memory.join("copy");
        let watched = watch::finish(&mut lab.copy_command(&options, &source, &target))?;
        figures.push(ensure_within_bound(strategy, &watched)?);
        fs::remove_file(&target)?;
    }
    Ok(format!("3 GiB: {}", figures.join(", ")))
}

/// Many files at once, small ones and ones that are just not small.
pub(crate) fn many_files(lab: &Lab) -> Result<String> {
    let memory = Volume::tmpfs(lab, "size=4g")?;
    let small = memory.dir("small")?;
    let script = r#"cd "$1"; for d in {1..100}; do mkdir $d; for f in {1..200}; do
        printf '%s %s %01000d' $d $f 0 > $d/$f; done; done"#;
    tool::shell(script, [&small])?;
    let medium = memory.dir("medium")?;
    for number in 0..80 {
        write_random(&medium.join(number.to_string()), 12 * MIB, number)?;
    }
    let mut figures = Vec::new();
    for (what, source, strategy) in [
        ("20,000 small", &small, "auto"),
        ("20,000 small staged", &small, "staged"),
        ("80 of 12 MiB", &medium, "auto"),
        ("80 of 12 MiB staged", &medium, "staged"),
    ] {
        let target = memory.join("copy");
        let options = ["-j", "8", "--strategy", strategy, "--verify", "all"];
        let watched = watch::finish(&mut lab.copy_command(&options, source, &target))?;
        figures.push(ensure_within_bound(what, &watched)?);
        fs::remove_dir_all(&target)?;
    }
    Ok(figures.join(", "))
}
