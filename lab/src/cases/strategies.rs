//! Which way files travel, and that items tell it.

use std::path::Path;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::content::{ensure_same, write_random};
use crate::copier::ensure_has;
use crate::lab::Lab;
use crate::snapshot::ensure_no_partials;
use crate::volume::{Fs, Volume};

const MIB: u64 = 1 << 20;
const SIZE: u64 = 3 * MIB + 5;
const GIB: u64 = 1 << 30;

/// What, source, volume and name of the target, options, strategy.
type Row<'a> = (&'a str, &'a Path, &'a Volume, &'a str, &'a [&'a str], &'a str);

/// Rows that a person can cause: by place, by size, by order.
pub(crate) fn rows(lab: &Lab) -> Result<String> {
    let local = Volume::loopback(lab, Fs::Ext4, 256 * MIB)?;
    let network = Volume::fuse_network(lab)?;
    let table = std::fs::read_to_string("/proc/self/mountinfo")?;
    ensure!(table.contains(" - fuse.sshfs "), "the mount table has no fuse.sshfs:\n{table}");
    let file = local.join("file");
    write_random(&file, SIZE, 1)?;
    let remote = network.join("file");
    write_random(&remote, SIZE, 2)?;
    let at = ["--set", &format!("copy_strategy_threshold_bytes={SIZE}")];
    let above = ["--set", &format!("copy_strategy_threshold_bytes={}", SIZE + 1)];
    let (direct, staged) = (["--strategy", "direct"], ["--strategy", "staged"]);
    let rows: [Row; 9] = [
        ("local, below the threshold", &file, &local, "a", &[], "direct"),
        ("local, at the threshold", &file, &local, "b", &at, "staged"),
        ("local, a byte below the threshold", &file, &local, "c", &above, "direct"),
        ("from the network", &remote, &local, "d", &[], "staged"),
        ("to the network", &file, &network, "e", &[], "staged"),
        ("on the network", &remote, &network, "f", &[], "staged"),
        ("staged was asked for", &file, &local, "g", &staged, "staged"),
        ("direct was asked for", &remote, &local, "h", &direct, "direct"),
        ("replacing on the network", &file, &network, "f", &[], "staged"),
    ];
    for (what, source, volume, name, options, expected) in &rows {
        let target = volume.join(name);
        let item = lab.copy_one(options, source, &target)?;
        ensure_has(what, &item, &json!({"strategy": expected, "verified": true}))?;
        ensure_same(source, &target)?;
    }
    ensure_no_partials(&network.path)?;
    Ok(format!("{} rows", rows.len()))
}

/// The default threshold, with a file that reaches it.
pub(crate) fn two_gib(lab: &Lab) -> Result<String> {
    let memory = Volume::tmpfs(lab, "size=6g")?;
    let file = memory.join("file");
    write_random(&file, 2 * GIB, 3)?;
    let copy = memory.join("copy");
    let item = lab.copy_one(&["--verify", "all"], &file, &copy)?;
    let expected = json!({
        "strategy": "staged", "mechanism": "read_write", "size_bytes": 2 * GIB,
        "source_bytes_read": 2 * GIB, "verified": true, "evidence": "cache",
    });
    ensure_has("2 GiB", &item, &expected)?;
    crate::tool::run("cmp", [&file, &copy])?;
    Ok(format!("2 GiB in {:.1} s", item["duration_seconds"].as_f64().unwrap_or_default()))
}
