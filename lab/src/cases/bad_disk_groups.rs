//! Files that are copied together to a bad disk.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::bad_disks::{OLD, ensure_told};
use crate::bad_disk::{self, Bench, Left};
use crate::copier::{self, Copied, ensure_has};
use crate::disks::{Fault, Kind, marks};
use crate::lab::Lab;
use crate::snapshot::ensure_no_partials;
use crate::tree;

/// Of the small files, in bytes: more than btrfs keeps within its tree.
const LENGTH: usize = 20_000;

/// The block that is hit.
const BLOCK: u32 = 3;

/// Files that are flushed, read back and published together, one of which the disk has damaged: the others are
/// proved and published.
pub(crate) fn one_of_a_group(lab: &Lab) -> Result<String> {
    bad_disk::on_each(|fs_kind| {
        let mut bench = Bench::new(lab, fs_kind)?;
        for (number, kind) in (0..).zip([Kind::WriteError, Kind::Drop, Kind::Flip, Kind::Rot]) {
            for times in [None, Some(1)] {
                let fault = Fault { times, ..Fault::always(kind, BLOCK) };
                let file = 1000 * (number + 1) + if times.is_some() { 100 } else { 0 };
                let group = Group::copy(lab, &bench, "device", fault, file);
                let name = || format!("{} {fault}", fs_kind.name());
                let group = group.with_context(name)?;
                bench.mount_again()?;
                group.check().with_context(name)?;
            }
        }
        let fault = Fault::always(Kind::Drop, BLOCK);
        let careless = Group::copy(lab, &bench, "cache", fault, 9000)?;
        bench.mount_again()?;
        let is_caught = careless.check().is_err();
        ensure!(is_caught, "{}: what was published is not looked at", fs_kind.name());
        Ok(())
    })?;
    Ok(format!("groups of {FILES} files on ext4, xfs and btrfs"))
}

/// How many files are in a group, and which one is damaged.
const FILES: u32 = 20;
const DAMAGED: u32 = 7;

struct Group {
    fault: Fault,
    first: u32,
    target: PathBuf,
    told: Copied,
}

impl Group {
    fn copy(lab: &Lab, bench: &Bench, read_back: &str, fault: Fault, first: u32) -> Result<Self> {
        let fault = fault.in_file(first + DAMAGED);
        let source = bench.elsewhere(&format!("group-{first}"));
        let target = bench.path().join(format!("group-{first}"));
        fs::create_dir(&source)?;
        fs::create_dir(&target)?;
        for number in 0..FILES {
            fs::write(source.join(name(number)), marks::content(first + number, LENGTH))?;
            if is_replaced(number) {
                tree::write_old(&target.join(name(number)), OLD)?;
            }
        }
        bench.settle();
        bench.set(fault)?;
        let trace = lab.new_path("trace");
        let trace_arg = trace.display().to_string();
        let strace = ["strace", "-f", "-qq", "-e", "trace=syncfs", "-o", &trace_arg];
        let options = ["--verify", "all", "--read-back", read_back, "-j", "1"];
        let unhurried = ["--set", "group_max_millis=60000"];
        let options: Vec<&str> = options.into_iter().chain(unhurried).collect();
        let command = &mut lab.copy_command_under(&strace, &options, &source, &target);
        let told = copier::finish(command)?;
        bench.ensure_fired()?;
        let flushes = fs::read_to_string(trace)?;
        let is_told_by_flush = flushes.lines().any(|line| line.contains(" = -1 EIO"));
        ensure!(flushes.contains("syncfs("), "not flushed together: {}", told.describe());
        ensure!(is_told_by_flush == (fault.kind == Kind::WriteError), "flushes:\n{flushes}");
        Ok(Self { fault, first, target, told })
    }

    fn check(&self) -> Result<()> {
        ensure_no_partials(&self.target)?;
        let is_mended = self.fault.times.is_some();
        ensure!((self.told.status == 0) == is_mended, "{}", self.told.describe());
        if !is_mended {
            ensure_told(&self.told)?;
        }
        for number in 0..FILES {
            let target = self.target.join(name(number));
            let old = is_replaced(number).then_some(OLD);
            let left = Left::look(&target, &marks::content(self.first + number, LENGTH), old)?;
            let item = self.item(&target)?;
            if number == DAMAGED && !is_mended {
                let expected = if old.is_some() { Left::Old } else { Left::Absent };
                ensure!(left == expected && item["status"] == "error", "{left:?}: {item}");
            } else {
                ensure!(left == Left::Right, "{left:?}: {item}");
                let expected = json!({"status": "ok", "evidence": "device", "verified": true});
                ensure_has("an item", item, &expected)?;
            }
        }
        Ok(())
    }

    fn item(&self, target: &Path) -> Result<&Value> {
        let mut items = self.told.of_type("item");
        let item = items.find(|item| item["target"].as_str().map(Path::new) == Some(target));
        item.with_context(|| format!("nothing is said of {}", target.display()))
    }
}

fn name(number: u32) -> String {
    format!("file-{number}")
}

fn is_replaced(number: u32) -> bool {
    number.is_multiple_of(2)
}
