//! Calls that do less than they say, or other than they say.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;

use anyhow::{Context, Result, ensure};

use crate::child::Running;
use crate::content::{ensure_same, write_random};
use crate::copier::{self, Copied};
use crate::lab::Lab;
use crate::snapshot::ensure_no_partials;
use crate::tool;
use crate::volume::Volume;

const MIB: u64 = 1 << 20;

/// One of each way that content is moved in.
const SIZES: [u64; 5] = [10, 999, 3000, 150_000, 1_500_000];

/// To and from a volume that reads and writes less than it is asked for.
pub(crate) fn both_ways(lab: &Lab) -> Result<String> {
    let (short, count) = Volume::short(lab)?;
    let whole = Volume::thin(lab, 256 * MIB, 300 * MIB)?;
    let from = whole.dir("from")?;
    for (number, size) in SIZES.into_iter().enumerate() {
        write_random(&from.join(number.to_string()), size, number as u64)?;
    }
    let mut copies = 0;
    for strategy in ["auto", "direct", "staged"] {
        for reuse in ["buffer_reuse=on", "buffer_reuse=off"] {
            let options = ["--verify", "all", "--strategy", strategy, "--set", reuse];
            let there = short.join(&format!("{strategy}-{copies}"));
            let back = whole.join(&format!("{strategy}-{copies}"));
            for (source, target) in [(&from, &there), (&there, &back)] {
                let before = count.load(Ordering::Relaxed);
                lab.copy(&options, source, target)?.ensure_ok()?;
                let times = count.load(Ordering::Relaxed) - before;
                ensure!(times > 1000, "{} was short {times} times", target.display());
                for number in 0..SIZES.len() {
                    let name = number.to_string();
                    ensure_same(&from.join(&name), &target.join(&name))?;
                }
                copies += 1;
            }
        }
    }
    // Who takes what the first read gives for all there is is found out.
    let careless = whole.join("careless");
    tool::shell(
        r#"dd bs=1M count=1 if="$1" of="$2" status=none"#,
        [&short.join("auto-0/3"), &careless],
    )?;
    ensure!(ensure_same(&from.join("3"), &careless).is_err(), "a short read was not found");
    Ok(format!("{copies} copies, {} short calls", count.load(Ordering::Relaxed)))
}

/// What a copy with a fault in some of its calls has come to.
struct Faulty {
    copied: Copied,
    faults: usize,
}

/// Copies one file with what `strace` is told to inject.
fn faulty(
    lab: &Lab,
    (source, target): (&Path, &Path),
    options: &[&str],
    call: &str,
    fault: &str,
    only_source: bool,
) -> Result<Faulty> {
    let log = lab.new_path("strace.log");
    let mut words = vec!["strace".to_owned(), "-f".to_owned(), "-q".to_owned(), "-o".to_owned()];
    words.push(log.display().to_string());
    words.push(format!("--trace={call}"));
    words.push(format!("--inject={call}:{fault}"));
    if only_source {
        words.push(format!("--trace-path={}", source.display()));
    }
    let wrapper: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut command = lab.copy_command_under(&wrapper, options, source, target);
    let copied = copier::read(&Running::start(&mut command)?.output()?)?;
    let faults = fs::read_to_string(&log)?.matches("(INJECTED").count();
    ensure!(faults > 0, "{call} {fault}: the fault was not met: {}", copied.describe());
    Ok(Faulty { copied, faults })
}

/// A write that is said to have happened and has not: which file, how it is copied, which call, and what it says.
static LOST: &[(u64, &[&str], &str, &str)] = &[
    (3000, &["--strategy", "direct"], "pwrite64", "retval=3000"),
    (
        200_000,
        &["--strategy", "direct", "--set", "small_file_limit_bytes=4KiB"],
        "copy_file_range",
        "retval=200000",
    ),
    (
        3 << 20,
        &["--strategy", "staged", "--set", "staged_chunk_bytes=1MiB"],
        "pwrite64",
        "retval=1048576",
    ),
];

/// Reading back finds it: nothing that is wrong gets the name.
pub(crate) fn lost_writes(lab: &Lab) -> Result<String> {
    let volume = Volume::thin(lab, 256 * MIB, 300 * MIB)?;
    let (source, target) = (volume.join("source"), volume.dir("target")?.join("file"));
    let mut faults = 0;
    for (size, how, call, said) in LOST {
        write_random(&source, *size, 6)?;
        // Of a staged file a middle one, so that the length is right.
        let number = if *size > 1 << 20 { 2 } else { 1 };
        // That the kernel has copied something, for ever, no file has an end.
        let endless = *call == "copy_file_range";
        for lasts in if endless { &[""][..] } else { &["", "+"] } {
            fs::write(&target, b"old")?;
            let options =
                [&["--on-conflict", "replace", "--verify", "all", "-j", "1"], *how].concat();
            let fault = format!("{said}:when={number}{lasts}");
            let done = faulty(lab, (&source, &target), &options, call, &fault, false)?;
            faults += done.faults;
            let what = || format!("{call} {fault}: {}", done.copied.describe());
            if done.copied.status == 0 {
                ensure_same(&source, &target).with_context(what)?;
                let again = done.copied.only_item()?["retries"].as_array().map_or(0, Vec::len);
                ensure!(again > 0, "a lost write went by: {}", what());
            } else {
                // A length that is wrong is no passing trouble, and not tried again.
                ensure!(fs::read(&target)? == b"old", "published: {}", what());
                let codes = done.copied.codes();
                let are_told = ["DESTINATION_IO_ERROR", "VERIFY_MISMATCH"].contains(&codes[0]);
                ensure!(are_told, "{codes:?}: {}", what());
            }
            ensure!(lasts.is_empty() || done.copied.status != 0, "success: {}", what());
            ensure_no_partials(&volume.join("target"))?;
        }
    }
    // Were nothing read back, it would go by: that is what finds it.
    let (size, how, call, said) = LOST[2];
    let options = [&["--on-conflict", "replace", "--read-back", "none"], how].concat();
    let fault = format!("{said}:when=2");
    let done = faulty(lab, (&source, &target), &options, call, &fault, false)?;
    done.copied.ensure_ok()?;
    ensure!(fs::metadata(&target)?.len() == size, "the length is right");
    ensure!(ensure_same(&source, &target).is_err(), "what is not read back is not found");
    ensure!(done.copied.only_item()?["verified"] == false, "{}", done.copied.describe());
    // And so it does with a program that does not.
    let copy = volume.join("careless");
    let mut careless = Command::new("strace");
    let log = lab.new_path("strace.log");
    careless.args(["-f", "-q", "-o"]).arg(&log);
    careless.args(["--trace=write", "--inject=write:retval=1048576:when=2", "dd", "bs=1M"]);
    careless.arg(format!("if={}", source.display())).arg(format!("of={}", copy.display()));
    let output = Running::start(careless.args(["conv=fsync", "status=none"]))?.output()?;
    ensure!(output.status.success() && ensure_same(&source, &copy).is_err(), "dd is found wrong");
    Ok(format!("{faults} lost writes, none published; 2 go by without reading back"))
}

/// A byte of the source that is another one when it is read the first time.
pub(crate) fn flipped_reads(lab: &Lab) -> Result<String> {
    let volume = Volume::thin(lab, 256 * MIB, 300 * MIB)?;
    let (source, target) = (volume.join("source"), volume.dir("target")?.join("file"));
    let mut figures = Vec::new();
    for (size, strategy) in [(3000, "direct"), (300_000, "staged")] {
        let mut seed = 7;
        // Not what is put there.
        while fs::read(&source).map_or(true, |bytes| bytes[0] == 0x5a) {
            write_random(&source, size, seed)?;
            seed += 1;
        }
        for reuse in ["buffer_reuse=on", "buffer_reuse=off"] {
            fs::write(&target, b"old")?;
            let set = ["--set", reuse, "--strategy", strategy];
            let options =
                [&["--on-conflict", "replace", "--verify", "all", "-j", "1"], &set[..]].concat();
            let fault = "poke_exit=@arg2=5a:when=1";
            let done = faulty(lab, (&source, &target), &options, "pread64", fault, true)?;
            let what = || format!("{strategy} {reuse}: {}", done.copied.describe());
            done.copied.ensure_ok()?;
            let again = done.copied.only_item()?["retries"].as_array().map_or(0, Vec::len);
            if reuse == "buffer_reuse=off" {
                // Read a second time, it is not the same, and all is begun again.
                ensure!(again > 0, "it went by: {}", what());
                ensure_same(&source, &target).with_context(what)?;
            } else {
                // As documented: the source is trusted once.
                let (from, to) = (fs::read(&source)?, fs::read(&target)?);
                ensure!(again == 0 && to[0] == 0x5a && to[1..] == from[1..], "{}", what());
            }
            figures.push(format!("{strategy} {reuse}: {again} again"));
            ensure_no_partials(&volume.join("target"))?;
        }
        fs::remove_file(&source)?;
    }
    Ok(figures.join("; "))
}
