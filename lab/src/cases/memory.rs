//! How much memory copying takes.

use std::fs;
use std::time::Instant;

use anyhow::{Result, ensure};

use crate::content::write_random;
use crate::lab::Lab;
use crate::recorded::Recorded;
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

/// A million files, most of them empty, that are copied with a ledger; and the finished job once more.
pub(crate) fn million(lab: &Lab) -> Result<String> {
    const DIRECTORIES: u64 = 10_000;
    const FILES: u64 = 100;
    const MOST: u64 = 128 * MIB;
    let memory = Volume::tmpfs(lab, "size=8g,nr_inodes=0")?;
    let source = memory.dir("many")?;
    for directory in 0..DIRECTORIES {
        let directory = source.join(format!("d{directory}"));
        fs::create_dir(&directory)?;
        for file in 0..FILES {
            let content: &[u8] = if file % 10 == 0 { b"little" } else { b"" };
            fs::write(directory.join(format!("f{file}")), content)?;
        }
    }
    let (recorded, target) = (Recorded::within(lab, &memory.dir("records")?), memory.join("copy"));
    let mut copy = recorded.command(&["copy", "-q", "-T"]);
    copy.arg(&source).arg(&target);
    let mut figures = Vec::new();
    for (what, command) in
        [("copied", &mut copy), ("resumed", &mut recorded.command(&["resume", "1", "-q"]))]
    {
        let begun = Instant::now();
        let watched = watch::finish(command)?;
        watched.copied.ensure_ok()?;
        let seconds = begun.elapsed().as_secs_f64();
        let resident = watched.peak_resident_bytes / MIB;
        ensure!(resident > 0, "{what}: nothing was measured");
        ensure!(watched.peak_resident_bytes <= MOST, "{what}: {resident} MiB at most");
        figures.push(format!("{what} in {seconds:.1} s, {resident} MiB"));
    }
    let done = &recorded.status(1)?["items"]["done"];
    ensure!(*done == DIRECTORIES * FILES, "{done} items are done");
    for number in [0, 1, DIRECTORIES - 1] {
        let there = fs::read_dir(target.join(format!("d{number}")))?.count() as u64;
        ensure!(there == FILES, "{there} files in directory {number}");
    }
    Ok(figures.join("; "))
}
