//! A small job, a call of which fails, and what must hold whatever fails.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::copier::{self, Copied};
use crate::lab::Lab;
use crate::ledger::Ledger;
use crate::likeness::Likeness;
use crate::small::{self, OPTIONS, Small};
use crate::trace::{FaultPoint, Gate, Lasts, Passed, Place};
use crate::volume::Volume;

/// A fault to be met: the point, the error, and how long it lasts.
pub(crate) type Fault<'a> = (&'a FaultPoint, (&'static str, u64), Lasts);

/// How runs are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Record {
    Nowhere,
    Ledger,
}

/// Where one thread of the lab works.
pub(crate) struct Stage<'a> {
    lab: &'a Lab,
    _volume: Volume,
    small: Small,
    gate: Gate,
    ledger: Ledger,
    record: Record,
    undisturbed: Likeness,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(lab: &'a Lab, record: Record) -> Result<Self> {
        let volume = Volume::thin(lab, 96 << 20, 128 << 20)?;
        let top = volume.dir("top")?;
        let small = Small::new(&top)?;
        let gate = Gate::new(lab.new_path("gate"))?;
        let ledger = Ledger::within(&top.join("ledger"));
        small.fill()?;
        let copied = lab.copy(&OPTIONS, &small.source, &small.target)?;
        copied.ensure_ok()?;
        small.ensure_all_new()?;
        small.ensure_kept(&copied)?;
        let undisturbed = Likeness::take(&small.target)?;
        Ok(Self { lab, _volume: volume, small, gate, ledger, record, undisturbed })
    }

    /// Makes all as it is before, and the command that stands at the gate.
    pub(crate) fn begin(&self) -> Result<Command> {
        self.small.fill()?;
        self.ledger.remove()?;
        let mut command = self.copy(&OPTIONS);
        command.arg("--exclude-from").arg(&self.gate.pipe);
        Ok(command)
    }

    fn copy(&self, options: &[&str]) -> Command {
        let Small { source, target, .. } = &self.small;
        match self.record {
            Record::Nowhere => self.lab.copy_command(options, source, target),
            Record::Ledger => self.ledger.copy_command(self.lab, &[], options, (source, target)),
        }
    }

    pub(crate) fn place(&self) -> Place<'_> {
        Place { lab: self.lab, gate: &self.gate, top: &self.small.top }
    }

    /// Lets one call fail and looks at what comes of it. `false` when it was not met.
    pub(crate) fn attempt(&self, (point, error, lasts): Fault<'_>) -> Result<bool> {
        let passed = self.place().fail(point, (error.0, lasts), &mut self.begin()?)?;
        if !passed.log.contains("(INJECTED)") {
            return Ok(false);
        }
        let copied = copier::read(&passed.output).context("what it writes");
        let copied =
            copied.with_context(|| format!("status {}", copier::exit_status(&passed.output)))?;
        self.judge(&passed, &copied, point).with_context(|| copied.describe())?;
        self.ensure_told(&copied, point, error.1).with_context(|| copied.describe())?;
        ensure_not_in_vain(&copied, (point, error, lasts)).with_context(|| copied.describe())?;
        ensure_heeded(&copied, (point, error, lasts)).with_context(|| copied.describe())?;
        ensure_flushed_once(&passed.log)?;
        self.go_on(&copied).with_context(|| format!("after {}", copied.describe()))?;
        Ok(true)
    }

    /// What has to hold whatever failed.
    fn judge(&self, passed: &Passed, copied: &Copied, point: &FaultPoint) -> Result<()> {
        ensure!(copied.status < 128, "it ended with status {}", copied.status);
        let told = small::told_done(copied);
        self.small.check(&told).context("I1")?;
        small::ensure_counted(copied)?;
        if [0, 7].contains(&copied.status) {
            self.small
                .ensure_all_new()
                .with_context(|| format!("exit status {}", copied.status))?;
            let report = copied.report()?;
            let number = |member: &str| report[member].as_u64().unwrap_or_default();
            let lost = number("metadata_incomplete") + number("directories_incomplete");
            ensure!((lost > 0) == (copied.status == 7), "{lost} items have not got everything");
            // What cannot be kept there is told, and nothing else is lacking.
            let told = number("warnings") + number("items_with_metadata_warnings");
            if copied.status == 0 && told == 0 {
                self.undisturbed.ensure_of(&self.small.target).context("exit status 0")?;
            }
        }
        self.small.ensure_kept(copied)?;
        self.small.ensure_source_untouched()?;
        ensure!(!passed.log.contains("panicked"), "it panicked");
        if self.record == Record::Ledger && self.ledger.has_job(self.lab)? {
            let items = self.ledger.items(self.lab)?;
            let recorded = items.done().map(Path::to_owned).collect();
            self.small.check(&recorded).context("what was recorded")?;
            // What is published stays so when the ledger fails after that. It is told, the exit status says that
            // it is not recorded, and the next run finds it there.
            let is_unrecorded = copied.status == 5;
            ensure!(
                told.is_subset(&recorded) || is_unrecorded,
                "told and not recorded: {told:?}, {recorded:?}"
            );
            if point.is_ledger {
                self.ledger.ensure_sound(self.lab).context("I10")?;
            }
        }
        Ok(())
    }

    /// Fails unless a failure names the file, what was done, and the error.
    fn ensure_told(&self, copied: &Copied, point: &FaultPoint, number: u64) -> Result<()> {
        for item in copied.of_type("item").filter(|item| item["status"] == "error") {
            let error = &item["error"];
            for member in ["path", "message", "suggestion"] {
                let text = error[member].as_str().unwrap_or_default();
                ensure!(!text.is_empty(), "no {member}: {error}");
            }
        }
        if copied.status == 0 {
            return Ok(());
        }
        let all = copied.objects.iter().map(Value::to_string).collect::<String>() + &copied.stderr;
        // Of what failed in a ledger SQLite gives no number, but words.
        let is_told = if point.is_ledger {
            all.contains("/ledger") && copied.status == 5
        } else if number == 13 && all.contains("permission denied") {
            true
        } else {
            all.contains(&format!("os error {number})"))
                || all.contains(&format!("\"os_error\":{number},"))
        };
        ensure!(is_told, "the error is not told, exit status {}", copied.status);
        Ok(())
    }

    /// The next runs end well, and leave nothing of ours.
    fn go_on(&self, copied: &Copied) -> Result<()> {
        if self.record == Record::Ledger && self.ledger.has_job(self.lab)? {
            let resumed = copier::finish(&mut self.ledger.resume_command(self.lab, &[]))?;
            // To go on is not to try again what was not kept of what is done: that stays told.
            let is_told = copied.status == 7 && resumed.status == 7;
            ensure!(
                resumed.status == 0 || copied.status == 0 || resumed.status == 2 || is_told,
                "resume: {}: {}",
                resumed.status,
                resumed.describe()
            );
            if is_told {
                let retried = copier::finish(&mut self.ledger.retry_command(self.lab))?;
                retried.ensure_ok().context("retry")?;
                self.undisturbed.ensure_of(&self.small.target).context("after retry")?;
            }
        }
        let again = copier::finish(&mut self.copy(&OPTIONS))?;
        again.ensure_ok().context("the next run")?;
        let mut is_clean = true;
        for left in self.small.backups()? {
            // What the first run has said that it could not remove, or keeps for somebody to decide.
            let told = copied.objects.iter().any(|object| mentions(object, &left));
            ensure!(told, "I6: {} is left, untold", left.display());
            fs::remove_file(&left)?;
            // That also changed the time of its directory.
            is_clean = false;
        }
        if is_clean {
            self.undisturbed.ensure_of(&self.small.target).context("after the next run")?;
        }
        Ok(())
    }
}

fn mentions(object: &Value, path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // That an item had a backup says nothing of its being left.
    object["type"] != "item" && object.to_string().contains(&*name)
        || object["error"].to_string().contains(&*name)
        || object["warnings"].to_string().contains(&*name)
}

/// Fails when a call that is only an offer, or was interrupted, makes a copy fail.
fn ensure_not_in_vain(copied: &Copied, (point, error, lasts): Fault<'_>) -> Result<()> {
    let has = |word: &str| point.arguments.contains(word);
    let is_refused = ["EINVAL", "EOPNOTSUPP", "ENOSYS"].contains(&error.0);
    let is_offer = match point.call.as_str() {
        "fallocate" | "copy_file_range" | "ioctl" | "sync_file_range" | "fadvise64" => true,
        // From then on, others on this path fail as well.
        "openat" => lasts == Lasts::Once && (has("O_TMPFILE") || has("O_DIRECT|")),
        "renameat2" => true,
        "openat2" => error.0 == "ENOSYS",
        _ => false,
    };
    // On its own files SQLite begins anew where a signal can really interrupt.
    let can_be = !point.is_ledger || ["openat", "pread64", "pwrite64"].contains(&&*point.call);
    let is_interrupted = error.0 == "EINTR" && lasts == Lasts::Once && can_be;
    if (is_refused && is_offer) || is_interrupted {
        ensure!(copied.status == 0, "it failed in vain");
    }
    Ok(())
}

/// Fails when a flush that fails is of no consequence. Of the first on each path that is so in any case; later
/// ones may only be for the sake of names that were removed.
fn ensure_heeded(copied: &Copied, (point, error, lasts): Fault<'_>) -> Result<()> {
    let is_flush = ["fsync", "fdatasync", "syncfs"].contains(&&*point.call) && !point.is_ledger;
    let is_first = point.path.is_some() && point.occurrence == 1;
    if is_flush && is_first && ["EIO", "ENOSPC", "EDQUOT"].contains(&error.0) {
        let begun_again = copied.report()?["retries"].as_u64().unwrap_or(0) > 0;
        let is_heeded = copied.status != 0 || (lasts == Lasts::Once && begun_again);
        ensure!(is_heeded, "a flush has failed, and nothing came of it");
    }
    Ok(())
}

/// Fails when a file whose flush has failed is flushed again.
fn ensure_flushed_once(log: &str) -> Result<()> {
    let file = |line: &str| -> Option<String> {
        let (_, rest) = line.split_once("sync(")?;
        let path = rest.split_once('<')?.1.split_once('>')?.0;
        path.contains("/.surecopy-").then(|| path.to_owned())
    };
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("sync(")).collect();
    for (at, line) in lines.iter().enumerate() {
        if line.contains("EIO")
            && let Some(failed) = file(line)
        {
            let again = lines[at + 1..].iter().any(|line| file(line).as_ref() == Some(&failed));
            ensure!(!again, "{failed} is flushed again after EIO:\n{log}");
        }
    }
    Ok(())
}
