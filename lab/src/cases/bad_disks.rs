//! Copies to disks that are bad.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::bad_disk::{self, Bench, Cell, Left, PROGRAMS, table};
use crate::copier::{Copied, ensure_has};
use crate::disks::{Fault, Kind, marks};
use crate::lab::Lab;
use crate::snapshot::ensure_no_partials;
use crate::tree;
use crate::volume::Fs;

/// What a copy fails with whose disk is bad.
pub(super) const CODES: [&str; 5] = [
    "VERIFY_MISMATCH",
    "READ_BACK_FAILED",
    "FLUSH_FAILED",
    "DESTINATION_IO_ERROR",
    "DESTINATION_READ_ONLY",
];

/// Every program on every bad disk. With proof by the device no wrong file is published, and the old one is
/// not touched; the others are the control: what they call a success shows what the disks do.
pub(crate) fn beside_other_programs(lab: &Lab) -> Result<String> {
    let cells = held(lab)?;
    let table = table::ensure_current(lab, &cells)?;
    let lies = |is_ours: bool| {
        cells.iter().filter(|cell| cell.is_ours() == is_ours && cell.outcome.is_lie()).count()
    };
    Ok(format!(
        "{} copies; called a success without being one: {} of other programs, {} of ours, all of them with \
         --read-back cache; {table}",
        cells.len(),
        lies(false),
        lies(true)
    ))
}

/// Writes the table of the README, and its picture, of what is seen now.
pub(crate) fn write_table() -> Result<()> {
    let lab = Lab::find()?;
    table::write(&lab, &held(&lab)?)
}

/// All copies, of which everything holds that must.
fn held(lab: &Lab) -> Result<Vec<Cell>> {
    lab.need("rclone", "rclone")?;
    let cells = bad_disk::all(lab)?;
    for cell in &cells {
        check(cell).with_context(|| cell.name())?;
    }
    ensure_control(&cells)?;
    Ok(cells)
}

fn check(cell: &Cell) -> Result<()> {
    ensure!(cell.fired > 0 || is_read_by_nobody(cell), "the disk has done nothing bad");
    let Some(told) = &cell.told else { return Ok(()) };
    let is_by_cache = PROGRAMS[cell.program].name.contains("cache");
    if is_by_cache {
        let claims = told.of_type("item").any(|item| item["evidence"] == "device");
        ensure!(!claims, "called device: {}", told.describe());
        ensure!(cell.outcome.status == 0 || cell.outcome.is_refusal(), "{}", told.describe());
        return Ok(());
    }
    // What the disk does it does always: there is no way to a copy.
    ensure!(cell.outcome.is_refusal(), "not refused: {}", told.describe());
    ensure_told(told)
}

/// Who reads back from memory never meets a disk that cannot be read.
fn is_read_by_nobody(cell: &Cell) -> bool {
    matches!(cell.fault, Kind::ReadError | Kind::FlipOnRead)
        && PROGRAMS[cell.program].name.contains("cache")
}

/// Fails unless it was said what is wrong, and what to do about it, and nothing is called verified.
pub(super) fn ensure_told(told: &Copied) -> Result<()> {
    let codes = told.codes();
    let is_known = |code: &&str| CODES.contains(code);
    ensure!(!codes.is_empty() && codes.iter().all(is_known), "{codes:?}: {}", told.describe());
    for item in told.of_type("item").filter(|item| item["status"] == "error") {
        ensure!(item["error"]["suggestion"].is_string(), "no advice: {item}");
        ensure!(item["verified"] != true, "failed, and verified: {item}");
    }
    Ok(())
}

/// Fails unless `cp` calls wrong files a success, and so does ours where it is told by memory: else the disks are
/// not as bad as they should be, and what was held above holds for nothing.
fn ensure_control(cells: &[Cell]) -> Result<()> {
    use Kind::{Dead, Drop, Flip, Rot, Stale, Swap, WriteError};
    let told_by_memory = "surecopy --verify all --read-back cache";
    let controls: [(&str, &[Kind]); 2] = [
        ("cp", &[Drop, Stale, Flip, Swap, Rot, WriteError, Dead]),
        (told_by_memory, &[Drop, Stale, Flip, Swap, Rot]),
    ];
    for (name, faults) in controls {
        for fault in faults {
            let is_one = |cell: &&Cell| PROGRAMS[cell.program].name == name && cell.fault == *fault;
            let on_ext4 = cells.iter().filter(is_one).filter(|cell| cell.fs == Fs::Ext4);
            let lies = on_ext4.filter(|cell| cell.outcome.is_lie()).count();
            ensure!(lies == 2, "{fault:?}: {name} has noticed, so the disk is not bad");
        }
    }
    Ok(())
}

/// The block that is hit.
const BLOCK: u32 = 3;

/// A disk that is bad every time, and one that is bad once: a mistake is refused, and mended by another try.
pub(crate) fn once_and_always(lab: &Lab) -> Result<String> {
    let kinds = [
        Kind::Drop,
        Kind::Stale,
        Kind::Flip,
        Kind::Swap,
        Kind::Rot,
        Kind::WriteError,
        Kind::ReadError,
        Kind::FlipOnRead,
    ];
    let copies = bad_disk::on_each(|fs_kind| {
        let mut bench = Bench::new(lab, fs_kind)?;
        let mut copies = 0;
        for (number, kind) in (0..).zip(kinds) {
            let mut singles = Vec::new();
            for strategy in ["direct", "staged"] {
                for times in [None, Some(1)] {
                    let file = number * 10 + u32::try_from(singles.len())?;
                    let fault = Fault { times, ..Fault::always(kind, BLOCK) };
                    let options = ["--read-back", "device", "--strategy", strategy];
                    let single = Single::copy(lab, &bench, &options, fault, file);
                    let name = || format!("{} {strategy} {fault}", fs_kind.name());
                    singles.push((single.with_context(name)?, name()));
                }
            }
            bench.mount_again()?;
            for (single, name) in &singles {
                single.check(fs_kind).with_context(|| name.clone())?;
                copies += 1;
            }
        }
        Ok(copies)
    })?;
    Ok(format!("{} copies over an old file", copies.iter().sum::<usize>()))
}

/// A copy of one file over an old one.
struct Single {
    fault: Fault,
    target: PathBuf,
    content: Vec<u8>,
    told: Copied,
}

/// What is replaced.
pub(super) const OLD: &[u8] = b"what was there before";

impl Single {
    fn copy(lab: &Lab, bench: &Bench, options: &[&str], fault: Fault, file: u32) -> Result<Self> {
        // Not small, so that it is flushed by itself.
        let content = marks::content(file, 2 << 20);
        let source = bench.elsewhere(&format!("source-{file}"));
        fs::write(&source, &content)?;
        let dir = bench.path().join(format!("{file}"));
        fs::create_dir(&dir)?;
        let target = dir.join("target");
        tree::write_old(&target, OLD)?;
        bench.settle();
        bench.set(fault)?;
        let options: Vec<&str> = ["--verify", "all"].iter().chain(options).copied().collect();
        let told = lab.copy(&options, &source, &target)?;
        bench.ensure_fired()?;
        Ok(Self { fault, target, content, told })
    }

    fn check(&self, fs_kind: Fs) -> Result<()> {
        let left = Left::look(&self.target, &self.content, Some(OLD))?;
        let described = || format!("{left:?}: {}", self.told.describe());
        ensure_no_partials(self.target.parent().context("it is in a folder")?)?;
        if self.fault.times.is_none() {
            ensure!(self.told.status != 0 && left == Left::Old, "not refused, {}", described());
            return ensure_told(&self.told);
        }
        ensure!(self.told.status == 0 && left == Left::Right, "not mended, {}", described());
        let item = self.told.only_item()?;
        ensure_has("the item", item, &json!({"evidence": "device", "verified": true}))?;
        // What cannot be read, or does not fit its sum, btrfs itself reads once more.
        let is_read_again = matches!(self.fault.kind, Kind::ReadError | Kind::FlipOnRead);
        let retries = item["retries"].as_array().map_or(0, Vec::len);
        let is_told = retries > 0 || (fs_kind == Fs::Btrfs && is_read_again);
        ensure!(is_told, "what was mended is not told: {item}");
        Ok(())
    }
}
